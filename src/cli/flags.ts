/** The flags that are no parameters: one row each, for parsing and for help.
 *  Source: control.md section 1. */

/** More than the cores of most machines, and each has memory of its own. */
export const THREADS_MAX = 64;

export interface Flag {
  readonly flags: string;
  readonly help: string;
}

export const flags = {
  listen: {
    flags: '--listen <uri>',
    help: 'nbd://HOST:PORT or nbd+unix:///?socket=PATH, nbds for TLS only; repeatable (default nbd://127.0.0.1:10809)',
  },
  unix: {
    flags: '-U, --unix <path>',
    help: 'listen on a unix socket; - makes a private one and removes it at exit',
  },
  stdin: {
    flags: '--stdin',
    help: 'serve one client on standard input and output, and end when it leaves',
  },
  tls: {
    flags: '--tls <mode>',
    help: 'off, on (clients may ask for it) or require (default off); nbds:// addresses require it',
  },
  tlsCertificates: {
    flags: '--tls-certificates <dir>',
    help: 'folder of server-cert.pem and server-key.pem, ca-cert.pem and ca-crl.pem if there',
  },
  tlsPsk: {
    flags: '--tls-psk <file>',
    help: 'keys instead of certificates: lines USER:KEY in hexadecimal, as psktool writes them',
  },
  tlsVerifyPeer: {
    flags: '--tls-verify-peer',
    help: 'clients must show a certificate that ca-cert.pem vouches for',
  },
  protocol: {
    flags: '--protocol <form>',
    help: 'the highest form offered: simple, structured or extended (default extended); ?protocol=FORM of an address wins',
  },
  threads: {
    flags: '--threads <count>',
    help: `threads for the clients' sockets, beside the one that serves (1..${THREADS_MAX}, default 1: it has them too)`,
  },
  memoryLimit: {
    flags: '--memory-limit <size>',
    help: 'memory for all data together: beyond it writes fail with ENOSPC (default what the cgroup or the machine has, less 128 MiB and an eighth; 0: no limit)',
  },
  alignment: {
    flags: '--alignment <rule>',
    help: 'requests for parts of blocks: emulate serves them, error refuses them (default emulate)',
  },
  readOnly: {
    flags: '--read-only',
    help: 'clients may only read: what writes is refused, as not permitted',
  },
  offerFlush: {
    flags: '--offer-flush <when>',
    help: 'offer FLUSH and FUA always, or to devices with a cache, as their queue has them (default always)',
  },
  config: {
    flags: '--config <file>',
    help: 'JSON: { "listen": [URI ...], "threads": N, "devices": { NAME: { attribute: value } } }; flags win over it',
  },
  control: {
    flags: '--control <path>',
    help: 'control socket (default $XDG_RUNTIME_DIR/tnull/control.sock, or /run or /tmp/tnull-UID)',
  },
  noControl: { flags: '--no-control', help: 'no control socket' },
  http: {
    flags: '--http <host:port>',
    help: 'the control API over TCP too; beyond this machine with --http-token-file only',
  },
  httpTokenFile: {
    flags: '--http-token-file <file>',
    help: 'who sends the token in it (Authorization: Bearer TOKEN) may use --http',
  },
  faultSeed: {
    flags: '--fault-seed <seed>',
    help: 'the same seed, the same faults for the same requests (default: a new one, which is logged)',
  },
  run: {
    flags: '--run <command>',
    help: 'run the shell command with $uri, $unixsocket, $port and $control set, then stop; exit with its status',
  },
  pidFile: { flags: '--pid-file <path>', help: 'write the process id there when ready' },
  exitWithParent: { flags: '--exit-with-parent', help: 'stop when the parent process ends' },
  logLevel: {
    flags: '--log-level <level>',
    help: 'trace, debug, info, warn, error, fatal or silent (default info)',
  },
  logFormat: {
    flags: '--log-format <format>',
    help: 'pretty or json (default pretty on a terminal, json otherwise)',
  },
} as const satisfies Record<string, Flag>;
