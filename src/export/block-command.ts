/** NBD's commands and flags as the block layer's. Source: nbd-protocol.md section 3.2. */

import { CommandFlag, Command as NbdCommand, type RequestHeader } from 'nbd-server-protocol-ts';
import { Command, RequestFlag } from '../block/command.ts';
import { bug } from '../units.ts';

export function carriesData(command: Command): boolean {
  return command === Command.READ || command === Command.WRITE;
}

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

/** Does it change a block in part? The last block of an export is whole where it ends with `size`. */
export function cutsBlocks(
  { command, offset, length }: RequestHeader,
  block: number,
  size: number | bigint,
): boolean {
  if (offset % block === 0 && length % block === 0) return false;
  if (command === NbdCommand.WRITE) return true;
  if (command !== NbdCommand.WRITE_ZEROES) return false;
  return offset % block !== 0 || offset + length !== size;
}
