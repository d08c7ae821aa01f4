/** Logs as one line of text. `a@3` writes the letter a to sector 3 (`abc@3` to three), `a!@3` with FUA, `d@3+2`
 *  discards two sectors, `z@3+2` zeroes them, `F` flushes; `2:` before it says the client, 1 otherwise. `/` before
 *  the same text is its answer, `!` an error, `?` a lie. Two that are alike are told apart by a letter behind `~`. */

import type { Event, TwinCommand, TwinLog } from './twin.ts';

interface Device {
  readonly base?: string;
  readonly block?: number;
  readonly atomic?: number;
  readonly hasCache?: boolean;
  readonly isMulti?: boolean;
}

export function script(line: string, device: Device = {}): TwinLog {
  const { base = '.'.repeat(8), block = 512, hasCache = true, isMulti = false } = device;
  const commands: TwinCommand[] = [];
  const events: Event[] = [];
  const numbers = new Map<string, number>();
  for (const word of line.split(' ').filter(Boolean)) {
    if (/^[/!?]/.test(word)) {
      const command = numbers.get(word.slice(1));
      const one = commands[command ?? -1];
      if (command === undefined || one === undefined) throw new Error(`${word} answers nothing`);
      commands[command] = { ...one, fails: word.startsWith('!'), lies: word.startsWith('?') };
      events.push({ what: 'answer', command });
      continue;
    }
    if (numbers.has(word)) throw new Error(`${word} comes twice`);
    numbers.set(word, commands.length);
    events.push({ what: 'arrive', command: commands.length });
    commands.push(commandOf(word));
  }
  const atomic = device.atomic ?? block;
  return { ...{ block, atomic, hasCache, isMulti, base }, commands, events };
}

function commandOf(word: string): TwinCommand {
  const [, client = '1', what = '', fua, sector = '0', length] =
    /^(?:(\d):)?([a-zA-Z.]+)(!?)(?:@(\d+)(?:\+(\d+))?)?(?:~\w+)?$/.exec(word) ?? [];
  if (what === '') throw new Error(`${word} is no command`);
  const isRange = length !== undefined;
  const op = isRange ? (what === 'd' ? 'discard' : 'zeroes') : what === 'F' ? 'flush' : 'write';
  return {
    ...{
      op,
      client: Number(client),
      isFua: fua === '!',
      fails: false,
      lies: false,
      sector: Number(sector),
    },
    data: isRange ? '.'.repeat(Number(length)) : op === 'flush' ? '' : what,
  };
}
