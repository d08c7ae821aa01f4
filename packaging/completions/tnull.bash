# Completion of tnull for bash. Made by `npm run docs`; do not edit.

_tnull_values() {
  case $1 in
    rotational | --rotational) echo '0 1' ;;
    queue_mode | --queue-mode) echo '2' ;;
    use_per_node_hctx | --use-per-node-hctx) echo '0 1' ;;
    shared_tags | --shared-tags) echo '0 1' ;;
    shared_tag_bitmap | --shared-tag-bitmap) echo '0 1' ;;
    no_sched | --no-sched) echo '0 1' ;;
    blocking | --blocking) echo '0 1' ;;
    irqmode | --irqmode) echo '0 1 2' ;;
    virt_boundary | --virt-boundary) echo '0 1' ;;
    memory_backed | --memory-backed) echo '0 1' ;;
    discard | --discard) echo '0 1' ;;
    fua | --fua) echo '0 1' ;;
    journal | --journal) echo '0 1' ;;
    zoned | --zoned) echo '0 1' ;;
    zone_full | --zone-full) echo '0 1' ;;
  esac
}

_tnull_devices() { tnull ls 2>/dev/null | awk 'NR > 1 && $1 ~ /^[[:alnum:]_.-]+$/ { print $1 }'; }

_tnull() {
  local typed=${COMP_LINE:0:COMP_POINT} cur prev command='' files='' answers='' reply keep
  local -a words
  read -ra words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=('')
  cur=${words[${#words[@]} - 1]} prev=${words[${#words[@]} - 2]}
  [ ${#words[@]} -gt 2 ] && command=${words[1]}
  case $prev in
    --listen | --threads | --memory-limit | --http | --http-token | --fault-seed | --run | --ready-fd | --handshake-timeout | --idle-timeout | --stall-timeout | --max-connections | --max-connections-per-address | --max-payload | --max-in-flight | --max-in-flight-total | --busy-poll | --run | --check | --limit | --seed | --jobs | --timeout | --from | --outcome | --shard | --limit | --seed | --check | --timeout | --nr-devices | --gb | --size | --size-bytes | --bs | --submit-queues | --poll-queues | --home-node | --hw-queue-depth | --completion-nsec | --max-sectors | --cache-size | --mbps | --journal-file | --journal-max | --journal-full | --log | --zone-size | --zone-capacity | --zone-nr-conv | --zone-max-open | --zone-max-active | --zone-append-max-sectors | --timeout | --requeue | --init-hctx) : ;;
    -U | --unix | --tls-certificates | --tls-psk | --image | --config | --control | --http-token-file | --faults | --fault-log | --pid-file | -o | --output | --report | -U | --unix | --control) files=1 ;;
    --tls) answers='off on require' ;;
    --protocol) answers='simple structured extended' ;;
    --alignment) answers='emulate error' ;;
    --offer-flush) answers='always cache' ;;
    --log-level) answers='trace debug info warn error fatal silent' ;;
    --log-format) answers='pretty json' ;;
    --model | --model) answers='lost prefix whole torn garbage' ;;
    --order | --order) answers='rank explore' ;;
    --format) answers='dm-log-writes' ;;
    --queue-mode) answers='2' ;;
    --no-sched) answers='0 1' ;;
    --irqmode) answers='0 1 2' ;;
    *)
      if [[ $cur == ?*=* ]]; then
        answers=$(_tnull_values "${cur%%=*}")
        answers=${answers:+$(printf -- "${cur%%=*}=%s " $answers)}
      else
        case $command in
          ls)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers=''; fi
            ;;
          create)
            if [[ $cur == -* ]]; then answers='--power-on --control --json --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers='badblocks= badblocks_once= badblocks_partial_io= blocking= blocksize= cache_size= completion_nsec= discard= fua= home_node= hw_queue_depth= index= init_hctx_fault_inject= irqmode= journal= journal_file= journal_full= journal_max= log= max_sectors= mbps= memory_backed= no_sched= poll_queues= power= queue_mode= requeue_inject= rotational= shared_tag_bitmap= shared_tags= size= size_bytes= submit_queues= timeout_inject= use_per_node_hctx= virt_boundary= zone_append_max_sectors= zone_capacity= zone_full= zone_max_active= zone_max_open= zone_nr_conv= zone_offline= zone_readonly= zone_size= zoned='; fi
            ;;
          remove)
            if [[ $cur == -* ]]; then answers='--force --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          get)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers='badblocks badblocks_once badblocks_partial_io blocking blocksize cache_size completion_nsec discard fua home_node hw_queue_depth index init_hctx_fault_inject irqmode journal journal_file journal_full journal_max log max_sectors mbps memory_backed no_sched poll_queues power queue_mode requeue_inject rotational shared_tag_bitmap shared_tags size size_bytes submit_queues timeout_inject use_per_node_hctx virt_boundary zone_append_max_sectors zone_capacity zone_full zone_max_active zone_max_open zone_nr_conv zone_offline zone_readonly zone_size zoned'; fi
            ;;
          set)
            if [[ $cur == -* ]]; then answers='--force --cycle --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers='badblocks= badblocks_once= badblocks_partial_io= blocking= blocksize= cache_size= completion_nsec= discard= fua= home_node= hw_queue_depth= index= init_hctx_fault_inject= irqmode= journal= journal_file= journal_full= journal_max= log= max_sectors= mbps= memory_backed= no_sched= poll_queues= power= queue_mode= requeue_inject= rotational= shared_tag_bitmap= shared_tags= size= size_bytes= submit_queues= timeout_inject= use_per_node_hctx= virt_boundary= zone_append_max_sectors= zone_capacity= zone_full= zone_max_active= zone_max_open= zone_nr_conv= zone_offline= zone_readonly= zone_size= zoned='; fi
            ;;
          zones)
            if [[ $cur == -* ]]; then answers='--count --sectors --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers='report open close finish reset reset-all append'; fi
            ;;
          stats)
            if [[ $cur == -* ]]; then answers='--watch --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          requests)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          clients)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          faults)
            if [[ $cur == -* ]]; then answers='--all --follow --after --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers='add remove load save pause resume release reset log replay'; fi
            ;;
          log)
            if [[ $cur == -* ]]; then answers='--follow --after --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          events)
            if [[ $cur == -* ]]; then answers='--after --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          mark)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          wait)
            if [[ $cur == -* ]]; then answers='--timeout --control --json --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers=''; fi
            ;;
          reset)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers=''; fi
            ;;
          snapshot)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          snapshots)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          rollback)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          clone)
            if [[ $cur == -* ]]; then answers='--power-on --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers='badblocks= badblocks_once= badblocks_partial_io= blocking= blocksize= cache_size= completion_nsec= discard= fua= home_node= hw_queue_depth= index= init_hctx_fault_inject= irqmode= journal= journal_file= journal_full= journal_max= log= max_sectors= mbps= memory_backed= no_sched= poll_queues= power= queue_mode= requeue_inject= rotational= shared_tag_bitmap= shared_tags= size= size_bytes= submit_queues= timeout_inject= use_per_node_hctx= virt_boundary= zone_append_max_sectors= zone_capacity= zone_full= zone_max_active= zone_max_open= zone_nr_conv= zone_offline= zone_readonly= zone_size= zoned='; fi
            ;;
          diff)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          destroy)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          save)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          cut)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          attach)
            if [[ $cur == -* ]]; then answers='--device --connections --run --timeout --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          detach)
            if [[ $cur == -* ]]; then answers='--force --timeout --control --json --help'
            elif [ ${#words[@]} = 3 ]; then answers=$(_tnull_devices)
            else answers=''; fi
            ;;
          page)
            if [[ $cur == -* ]]; then answers='--control --json --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers=''; fi
            ;;
          sweep)
            if [[ $cur == -* ]]; then answers='--rule --run --from --to --jobs --timeout --keep-going --outcome --shard --seed --json --merge --image --help'
            elif [ ${#words[@]} = 3 ]; then :
            else answers=''; fi
            ;;
          crash)
            if [[ $cur == -* ]]; then answers='--output --run --help --check --model --order --limit --seed --jobs --timeout --from --keep-going --again --outcome --shard --report --json --merge --unix'
            elif [ ${#words[@]} = 3 ]; then answers='record explore images image serve shrink'
            else files=1; fi
            ;;
          journal)
            if [[ $cur == -* ]]; then answers='--format --help --control'
            elif [ ${#words[@]} = 3 ]; then answers='export import save'
            else files=1; fi
            ;;
          *)
            if [[ $cur == -* ]]; then
              answers='--listen -U --unix --stdin --tls --tls-certificates --tls-psk --tls-verify-peer --protocol --threads --memory-limit --alignment --read-only --offer-flush --image --config --control --no-control --http --http-token-file --http-token --http-read-only --fault-seed --faults --fault-log --faults-must-strike --run --ready-json --ready-fd --exit-after-last-client --pid-file --exit-with-parent --log-level --log-format -V --version -h --help --handshake-timeout --idle-timeout --stall-timeout --max-connections --max-connections-per-address --max-payload --max-in-flight --max-in-flight-total --busy-poll --nr-devices --gb --size --size-bytes --bs --rotational --no-rotational --queue-mode --submit-queues --poll-queues --use-per-node-hctx --no-use-per-node-hctx --home-node --hw-queue-depth --shared-tags --no-shared-tags --shared-tag-bitmap --no-shared-tag-bitmap --no-sched --blocking --no-blocking --irqmode --completion-nsec --max-sectors --virt-boundary --no-virt-boundary --memory-backed --no-memory-backed --discard --no-discard --cache-size --fua --no-fua --mbps --journal --no-journal --journal-file --journal-max --journal-full --log --zoned --no-zoned --zone-size --zone-capacity --zone-nr-conv --zone-max-open --zone-max-active --zone-append-max-sectors --zone-full --no-zone-full --timeout --requeue --init-hctx'
            else
              answers='nr_devices= gb= size= size_bytes= bs= rotational= queue_mode= submit_queues= poll_queues= use_per_node_hctx= home_node= hw_queue_depth= shared_tags= shared_tag_bitmap= no_sched= blocking= irqmode= completion_nsec= max_sectors= virt_boundary= memory_backed= discard= cache_size= fua= mbps= journal= journal_file= journal_max= journal_full= log= zoned= zone_size= zone_capacity= zone_nr_conv= zone_max_open= zone_max_active= zone_append_max_sectors= zone_full= timeout= requeue= init_hctx='
              [ -n "$command" ] || answers+=' serve help ls create remove get set zones stats requests clients faults log events mark wait reset snapshot snapshots rollback clone diff destroy save cut attach detach page sweep crash journal'
            fi
            ;;
        esac
      fi
      ;;
  esac
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$answers" -- "$cur")
  [ ${#COMPREPLY[@]} = 1 ] && [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  if [[ $cur == *[=:]* && $COMP_WORDBREAKS == *=* ]]; then
    keep=${cur%"${cur##*[=:]}"}
    for reply in "${!COMPREPLY[@]}"; do COMPREPLY[reply]=${COMPREPLY[reply]#"$keep"}; done
  fi
}
complete -F _tnull tnull
