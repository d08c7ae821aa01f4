/** The commands that talk to a running daemon, by name. Source: control.md section 1. */

import { type CommandName, commandNames } from './command-names.ts';
import { attach } from './commands/attach.ts';
import { clients } from './commands/clients.ts';
import { clone } from './commands/clone.ts';
import { create } from './commands/create.ts';
import { cut } from './commands/cut.ts';
import { destroy } from './commands/destroy.ts';
import { detach } from './commands/detach.ts';
import { diff } from './commands/diff.ts';
import { events } from './commands/events.ts';
import { faults } from './commands/faults.ts';
import { get } from './commands/get.ts';
import { log } from './commands/log.ts';
import { ls } from './commands/ls.ts';
import { mark } from './commands/mark.ts';
import { page } from './commands/page.ts';
import { remove } from './commands/remove.ts';
import { requests } from './commands/requests.ts';
import { reset } from './commands/reset.ts';
import { rollback } from './commands/rollback.ts';
import { save } from './commands/save.ts';
import { set } from './commands/set.ts';
import { snapshot } from './commands/snapshot.ts';
import { snapshots } from './commands/snapshots.ts';
import { stats } from './commands/stats.ts';
import { wait } from './commands/wait.ts';
import { zones } from './commands/zones.ts';
import type { ControlCommand } from './control-command.ts';

export const commands: Readonly<Record<CommandName, ControlCommand>> = {
  ...{
    ls,
    create,
    remove,
    get,
    set,
    zones,
    stats,
    requests,
    clients,
    faults,
    log,
    events,
    mark,
    wait,
    reset,
  },
  ...{ snapshot, snapshots, rollback, clone, diff, destroy, save, cut, attach, detach, page },
};

export const controlCommands: ReadonlyMap<string, ControlCommand> = new Map(
  commandNames.map((name) => [name, commands[name]]),
);
