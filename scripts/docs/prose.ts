/** What the man page says beside its tables. A line "`term`: text" is an entry of a list. */

import { SIZE_HELP } from '../../src/config/sizes.ts';

type Section = readonly [title: string, text: string];

const before: readonly Section[] = [
  [
    'DESCRIPTION',
    `
tnull serves null block devices over the NBD protocol: written data vanish, or are kept in memory
(\`memory_backed\`). The parameters of Linux's null_blk set what a device does, how fast, and how it
fails. It needs neither root nor a kernel module. Every NBD client can use it.

When every listener accepts, one line for each of them and each export goes to standard output (except
for inherited sockets):

    nbd://127.0.0.1:10809/nullb0 4294967296 bytes

The log goes to standard error. SIGTERM and SIGINT end tnull after the requests in flight, within 5 seconds; a
second signal ends it at once.`,
  ],
];

const after: readonly Section[] = [
  [
    'SOCKET ACTIVATION',
    `
Sockets that systemd opened are served (\`LISTEN_FDS\`, \`LISTEN_PID\`; TCP and unix). They
replace the default address; addresses named by flags or by the configuration are served
beside them. With a socket for each connection (\`Accept=yes\`) use \`StandardInput=socket\` and
\`--stdin\`.

With \`NOTIFY_SOCKET\` the service manager gets \`READY=1\` when every listener accepts, and
\`STOPPING=1\`. The messages are sent by
.BR systemd-notify (1),
so a unit needs \`NotifyAccess=all\`.`,
  ],
  [
    'CONFIGURATION',
    `
The file of \`--config\` names addresses, and devices by their attributes, as
\`tnull set\`
takes them:

    {
      "listen": ["nbd://127.0.0.1:10809"],
      "devices": {
        "fast": { "size": 1024, "memory_backed": 1 },
        "zoned": { "size": 4096, "zoned": 1, "power": 0 }
      }
    }

Devices are powered on unless they set \`power\` to 0. They replace those that nr_devices makes, unless that
is given, too. Flags win: an address replaces those of the file, a parameter replaces its attribute in every
device.`,
  ],
  [
    'EXIT STATUS',
    `
\`0\`: A signal stopped it, or the client of \`--stdin\` has left.
\`1\`: An address, a file or memory is not available; a command was refused, or there is no daemon.
\`2\`: The command line or the configuration is wrong; nothing was started.

With \`--run\` it is the command's own status.`,
  ],
  [
    'ENVIRONMENT',
    `
\`XDG_RUNTIME_DIR\`: The control socket is in the folder tnull below it.
\`LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, NOTIFY_SOCKET\`: See SOCKET ACTIVATION.
\`TNULL_DEBUG\`: With 1 every handle on a request is checked; slow.`,
  ],
  [
    'EXAMPLES',
    `
    tnull memory_backed=1 size=1024
    tnull -U - --memory-backed --run 'qemu-img info "$uri"'
    tnull irqmode=2 completion_nsec=2000000 zoned=1 size=512
    tnull set nullb0 badblocks=+8-15
    nbdinfo [ tnull size=64 ]`,
  ],
  [
    'SEE ALSO',
    `
.BR nbdinfo (1),
.BR nbd-client (8),
.BR systemd.socket (5)`,
  ],
];

export const prose = {
  before,
  after,
  limits: `Limits on clients. ${SIZE_HELP}`,
  parameters: `
A parameter is a flag and a word like those of modprobe; the later one wins. Numbers are decimal, 0x
hexadecimal or 0 octal; booleans 0/1, y/n, t/f, on/off or true/false.`,
  commands: `
They talk to a running daemon: \`--control PATH\` chooses it, \`--json\` prints the answer of its API.`,
  fileCommands: `
They read and write files and need no daemon. A journal records what the clients of a device wrote, and when; from it
follows every image that a power cut may leave.`,
} as const;
