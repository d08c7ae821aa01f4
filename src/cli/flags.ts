/** The flags that are no parameters: one row each, for parsing, help, man page and completions.
 *  Source: control.md section 1. */

import { alignments, flushOffers } from '../daemon/daemon.ts';
import { logFormats, logLevels } from '../daemon/log.ts';
import { parseToken } from './http-token.ts';
import { parseMemoryLimit } from './limit-flags.ts';
import { parseHttp, parseListen, protocols } from './listen-uri.ts';
import { parseReadyFd } from './ready-fd.ts';
import { parseThreads, THREADS_MAX } from './threads-flag.ts';
import { tlsModes } from './tls-flags.ts';

/** What stands behind a flag. switch: nothing. path: a text that is not empty. choice: one of a few words.
 *  value: what `parse` makes of the text. list: the same, and the flag may come again. */
type What =
  | { readonly kind: 'switch' | 'text' | 'path' }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default?: string }
  | {
      readonly kind: 'value' | 'list';
      /** @throws UsageError in one line that names the flag. */
      readonly parse: (text: string) => unknown;
    };

export type Flag = What & {
  /** As commander takes it. */
  readonly flags: string;
  readonly help: string;
};

export const flags = {
  listen: {
    flags: '--listen <uri>',
    kind: 'list',
    parse: parseListen,
    help: 'nbd://HOST:PORT or nbd+unix:///?socket=PATH, nbds for TLS only; repeatable (default nbd://127.0.0.1:10809)',
  },
  unix: {
    flags: '-U, --unix <path>',
    kind: 'path',
    help: 'listen on a unix socket; - makes a private one and removes it at exit',
  },
  stdin: {
    flags: '--stdin',
    kind: 'switch',
    help: 'serve one client on standard input and output, and end when it leaves',
  },
  tls: {
    flags: '--tls <mode>',
    kind: 'choice',
    choices: tlsModes,
    help: 'off, on (clients may ask for it) or require (default off); nbds:// addresses require it',
  },
  tlsCertificates: {
    flags: '--tls-certificates <dir>',
    kind: 'path',
    help: 'folder of server-cert.pem and server-key.pem, and of ca-cert.pem and ca-crl.pem if present',
  },
  tlsPsk: {
    flags: '--tls-psk <file>',
    kind: 'path',
    help: 'keys instead of certificates: lines USER:KEY in hexadecimal, as psktool writes them',
  },
  tlsVerifyPeer: {
    flags: '--tls-verify-peer',
    kind: 'switch',
    help: 'clients must show a certificate that ca-cert.pem vouches for',
  },
  protocol: {
    flags: '--protocol <form>',
    kind: 'choice',
    choices: protocols,
    help: 'the highest form offered: simple, structured or extended (default extended); ?protocol=FORM of an address wins',
  },
  threads: {
    flags: '--threads <count>',
    kind: 'value',
    parse: parseThreads,
    help: `threads for the clients' sockets, beside the thread that serves (1..${THREADS_MAX}; default 1: that thread has the sockets, too)`,
  },
  memoryLimit: {
    flags: '--memory-limit <size>',
    kind: 'value',
    parse: parseMemoryLimit,
    help: 'memory for all data together; beyond it writes fail with ENOSPC (default: what the cgroup or the machine has, less 128 MiB and an eighth; 0: no limit)',
  },
  alignment: {
    flags: '--alignment <rule>',
    kind: 'choice',
    choices: alignments,
    help: 'requests for parts of blocks: emulate serves them, error refuses them (default emulate)',
  },
  readOnly: {
    flags: '--read-only',
    kind: 'switch',
    help: 'clients may only read: writes fail with EPERM',
  },
  offerFlush: {
    flags: '--offer-flush <when>',
    kind: 'choice',
    choices: flushOffers,
    help: 'offer FLUSH and FUA always, or only on devices with a cache, as their queue reports them (default always)',
  },
  image: {
    flags: '--image <file>',
    kind: 'path',
    help: 'devices begin with the content of this file, and have its size; it is not written',
  },
  config: {
    flags: '--config <file>',
    kind: 'path',
    help: 'JSON: { "listen": [URI ...], "threads": N, "devices": { NAME: { attribute: value, "image": FILE, "faults": PLAN } } }; flags win over it',
  },
  control: {
    flags: '--control <path>',
    kind: 'path',
    help: 'control socket (default $XDG_RUNTIME_DIR/tnull/control.sock, or /run or /tmp/tnull-UID); - for one that nobody else can reach',
  },
  noControl: {
    flags: '--no-control',
    kind: 'switch',
    help: 'no control socket',
  },
  http: {
    flags: '--http <host:port>',
    kind: 'value',
    parse: parseHttp,
    help: 'the control API and the page over TCP, too; for other machines only with --http-token-file',
  },
  httpTokenFile: {
    flags: '--http-token-file <file>',
    kind: 'path',
    help: 'clients that send the token in this file (Authorization: Bearer TOKEN) may use --http',
  },
  httpToken: {
    flags: '--http-token <token>',
    kind: 'value',
    parse: parseToken,
    help: 'the token itself; as TNULL_HTTP_TOKEN no other user of the machine sees it',
  },
  httpReadOnly: {
    flags: '--http-read-only',
    kind: 'switch',
    help: 'over --http and on the page nothing can be changed',
  },
  faultSeed: {
    flags: '--fault-seed <seed>',
    kind: 'text',
    help: 'seed of faults: the same requests meet the same faults (default: a new one, which is logged)',
  },
  faults: {
    flags: '--faults <file>',
    kind: 'path',
    help: 'a plan of faults, JSON { "seed": S, "rules": [...] }, for every device made at start',
  },
  faultLog: {
    flags: '--fault-log <file>',
    kind: 'path',
    help: 'everything that rules do, one line of JSON each; the file is emptied first',
  },
  faultsMustStrike: {
    flags: '--faults-must-strike',
    kind: 'switch',
    help: 'with --run: exit with status 3 when a rule has never struck',
  },
  run: {
    flags: '--run <command>',
    kind: 'text',
    help: 'run the shell command with $uri, $unixsocket, $port and $control set, then stop; exit with its status',
  },
  readyJson: {
    flags: '--ready-json',
    kind: 'switch',
    help: 'when all accept: one line of JSON instead of the ready lines, { uris, exports, control, http, pid, version }',
  },
  readyFd: {
    flags: '--ready-fd <number>',
    kind: 'value',
    parse: parseReadyFd,
    help: 'write that line of JSON to this file descriptor, and close it',
  },
  exitAfterLastClient: {
    flags: '--exit-after-last-client',
    kind: 'switch',
    help: 'stop when a client has used an export and none is left',
  },
  pidFile: {
    flags: '--pid-file <path>',
    kind: 'path',
    help: 'write the process id to this file when ready',
  },
  exitWithParent: {
    flags: '--exit-with-parent',
    kind: 'switch',
    help: 'stop when the parent process ends',
  },
  logLevel: {
    flags: '--log-level <level>',
    kind: 'choice',
    choices: logLevels,
    default: 'info',
    help: 'trace, debug, info, warn, error, fatal or silent (default info)',
  },
  logFormat: {
    flags: '--log-format <format>',
    kind: 'choice',
    choices: logFormats,
    help: 'pretty or json (default pretty on a terminal, json otherwise)',
  },
} as const satisfies Record<string, Flag>;

type ValueOf<F extends Flag> = F extends { readonly kind: 'switch' }
  ? boolean
  : F extends { readonly choices: readonly (infer C)[] }
    ? C
    : F extends { readonly kind: 'value'; readonly parse: (text: string) => infer T }
      ? T
      : F extends { readonly kind: 'list'; readonly parse: (text: string) => infer T }
        ? readonly T[]
        : string;

type Flags = typeof flags;

/** What was given, by the names of the rows. */
export type FlagValues = {
  readonly [K in Exclude<keyof Flags, 'control' | 'noControl' | 'logLevel'>]?: ValueOf<Flags[K]>;
} & {
  /** False: --no-control. */
  readonly control?: string | false;
  readonly logLevel: ValueOf<Flags['logLevel']>;
};

/** The table to walk. */
export const allFlags: readonly Flag[] = Object.values(flags);
