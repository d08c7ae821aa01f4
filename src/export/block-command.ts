/** NBD's commands and flags as the block layer's. Source: nbd-protocol.md section 3.2. */

import { CommandFlag, Command as NbdCommand, type RequestHeader } from 'nbd-server-protocol-ts';
import { Command, RequestFlag } from '../block/command.ts';
import { ClientOnly, type LoggedOperation, whatOf } from '../block/logged-command.ts';
import { bug } from '../units.ts';

export function writes(command: Command): boolean {
  return command !== Command.READ && command !== Command.FLUSH;
}

export function blockCommand(command: number): Command {
  switch (command) {
    case NbdCommand.READ:
      return Command.READ;
    case NbdCommand.WRITE:
      return Command.WRITE;
    case NbdCommand.FLUSH:
      return Command.FLUSH;
    case NbdCommand.TRIM:
      return Command.DISCARD;
    case NbdCommand.WRITE_ZEROES:
      return Command.WRITE_ZEROES;
    default:
      return bug(`command ${command} passed the check`);
  }
}

export function blockFlags(flags: number): number {
  return (
    ((flags & CommandFlag.FUA) !== 0 ? RequestFlag.FUA : 0) |
    ((flags & CommandFlag.NO_HOLE) !== 0 ? RequestFlag.NOUNMAP : 0)
  );
}

/** NBD's command as the log of requests has it. */
export function loggedOperation(command: number): LoggedOperation {
  switch (command) {
    case NbdCommand.READ:
    case NbdCommand.WRITE:
    case NbdCommand.FLUSH:
    case NbdCommand.TRIM:
    case NbdCommand.WRITE_ZEROES:
      return blockCommand(command);
    case NbdCommand.CACHE:
      return ClientOnly.CACHE;
    case NbdCommand.BLOCK_STATUS:
      return ClientOnly.BLOCK_STATUS;
    default:
      return ClientOnly.UNKNOWN;
  }
}

/** What the log of requests has of a command beside its range. */
export function loggedWhat({ command, flags }: Pick<RequestHeader, 'command' | 'flags'>): number {
  return whatOf(loggedOperation(command), flags);
}
