/** Arguments to what is to be done, without starting anything. control.md section 1. */

import { describe, expect, test } from 'vitest';
import { controlCommands } from '../../src/cli/commands.ts';
import { type Flag, flags } from '../../src/cli/flags.ts';
import { parseArguments, type ServeCommand } from '../../src/cli/parse-arguments.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { ParameterError } from '../../src/config/errors.ts';
import { resolve } from '../../src/config/resolve.ts';
import { typed } from '../config/words.ts';

function serve(...argv: string[]): ServeCommand {
  const parsed = parseArguments(argv, '1.2.3');
  if (parsed.kind !== 'serve') throw new Error(`it would print: ${parsed.text}`);
  return parsed;
}

function printed(...argv: string[]): string {
  const parsed = parseArguments(argv, '1.2.3');
  return parsed.kind === 'serve' ? 'nothing' : parsed.text;
}

/** The parameters in the order in which they count, as words. */
function words(...argv: string[]): string[] {
  return serve(...argv).words.map(({ name, value }) => `${name}=${value}`);
}

/** The message of the refusal, which must be one of the two for users. */
function refusal(...argv: string[]): string {
  try {
    parseArguments(argv, '1.2.3');
  } catch (error) {
    if (error instanceof UsageError || error instanceof ParameterError) return error.message;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

const kebab = (name: string): string => name.replaceAll('_', '-');
const unix = (path: string) => ({ kind: 'unix', path });
const booleans = typed.filter(([, row]) => row.kind === 'boolean').map(([name]) => name);
const others = typed.filter(([, row]) => row.kind !== 'boolean').map(([name]) => name);

test('without arguments it serves, with everything by default', () => {
  expect(serve()).toEqual({
    kind: 'serve',
    words: [],
    listen: [],
    privateSocket: false,
    stdin: false,
    config: undefined,
    limits: {},
    control: { socket: 'default', http: undefined, tokenFile: undefined },
    run: undefined,
    readyJson: false,
    readyFd: undefined,
    exitAfterLastClient: false,
    pidFile: undefined,
    exitWithParent: false,
    logLevel: 'info',
    logFormat: undefined,
    tls: { mode: undefined, certificates: undefined, psk: undefined, verifyPeer: false },
    rules: { alignment: 'emulate', readOnly: false, offerFlush: 'always' },
    protocol: 'extended',
    threads: undefined,
    faultSeed: undefined,
    faults: undefined,
    faultLog: undefined,
    faultsMustStrike: false,
  });
});

test('serve is the command that is meant anyway', () => {
  expect(serve('serve')).toEqual(serve());
  expect(serve('serve', 'gb=2', '--discard', '-U', '-')).toEqual(
    serve('gb=2', '--discard', '-U', '-'),
  );
});

describe('parameters', () => {
  test.each(booleans)('%s is a flag with or without a value, a negated flag and a word', (name) => {
    const flag = `--${kebab(name)}`;
    expect(words(flag)).toEqual([`${name}=1`]);
    expect(words(`${flag}=0`)).toEqual([`${name}=0`]);
    expect(words(`${flag}=on`)).toEqual([`${name}=on`]);
    expect(words(`${flag}=`)).toEqual([`${name}=`]);
    expect(words(`--no-${kebab(name)}`)).toEqual([`${name}=0`]);
    expect(words(name)).toEqual([`${name}=1`]);
    expect(words(`${name}=0`)).toEqual([`${name}=0`]);
    expect(refusal(`--no-${kebab(name)}=1`)).toBe(`--no-${kebab(name)} takes no value`);
  });

  test.each(others)('%s is a flag with a value and a word with a value', (name) => {
    const flag = `--${kebab(name)}`;
    expect(words(flag, '7')).toEqual([`${name}=7`]);
    expect(words(`${flag}=7`)).toEqual([`${name}=7`]);
    expect(words(`${name}=7`)).toEqual([`${name}=7`]);
    expect(refusal(flag)).toBe(`${flag}: a value is missing`);
    const isCommand = controlCommands.has(name);
    const missing = isCommand ? /: a command is the first word, as in/ : /: a value is missing$/;
    expect(refusal(name)).toMatch(missing);
    expect(refusal(`--no-${flag.slice(2)}`)).toMatch(/^unknown flag '--no-/);
  });

  test('flags and words are one list in the order typed', () => {
    const argv = ['gb=1', '--gb', '2', 'size=3', '--gb=4', '--memory-backed', 'memory_backed=0'];
    const expected = ['gb=1', 'gb=2', 'size=3', 'gb=4', 'memory_backed=1', 'memory_backed=0'];
    expect(words(...argv)).toEqual(expected);
    expect(words(...argv.slice(4), ...argv.slice(0, 4))).toEqual([
      ...expected.slice(3),
      ...expected.slice(0, 3),
    ]);
  });

  test.each([
    [['--memory-backed', 'memory_backed=0'], false],
    [['memory_backed=0', '--memory-backed'], true],
    [['--no-memory-backed', 'memory_backed'], true],
    [['memory_backed', '--no-memory-backed'], false],
    [['--memory-backed=0', '--memory-backed=1', '--no-memory-backed'], false],
  ])('the later one wins: %j', (argv, memory) => {
    const { options } = resolve(serve(...argv).words, { cpus: 1, nodes: [0] });
    expect(options.memory_backed).toBe(memory);
  });

  test('a value that looks like a flag is a value where one is needed', () => {
    expect(words('--submit-queues', '-1')).toEqual(['submit_queues=-1']);
    expect(words('--gb', '--size')).toEqual(['gb=--size']);
  });

  test('a boolean flag takes no value from behind it', () => {
    expect(words('--discard', 'gb=2')).toEqual(['discard=1', 'gb=2']);
    expect(refusal('--discard', '0')).toBe("'0' is neither a flag nor name=value");
  });

  test('a value is kept as it is, also with =, blanks and line breaks', () => {
    for (const value of ['', '=', 'a=b', ' x ', 'a\nb', '--gb', '-', "'"]) {
      expect(serve(`gb=${value}`).words[0]?.value).toBe(value);
      expect(serve(`--gb=${value}`).words[0]?.value).toBe(value);
      expect(serve('--gb', value).words[0]?.value).toBe(value);
    }
  });
});

describe('addresses', () => {
  test('--listen may be said more than once, and keeps its order', () => {
    const { listen } = serve(
      ...['--listen', 'nbd://127.0.0.1:0', 'gb=1', '--listen=nbd+unix:///?socket=/a%20b'],
      ...['--listen', 'nbd://[::1]:7', '--listen', 'nbd://localhost'],
    );
    expect(listen).toEqual([
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
      unix('/a b'),
      { kind: 'tcp', host: '::1', port: 7 },
      { kind: 'tcp', host: 'localhost', port: 10809 },
    ]);
  });

  test('exports may be read-only', () => {
    expect(serve('--read-only').rules.readOnly).toBe(true);
  });

  test('the protocol of all addresses, and of one', () => {
    expect(serve('--protocol', 'structured').protocol).toBe('structured');
    expect(refusal('--protocol=none')).toContain('simple, structured, extended');
    const { listen } = serve(
      ...['--listen', 'nbd://[::1]:7/?protocol=simple'],
      ...['--listen', 'nbds+unix:///?socket=/a&protocol=structured'],
    );
    expect(listen).toEqual([
      { kind: 'tcp', host: '::1', port: 7, protocol: 'simple' },
      { kind: 'unix', path: '/a', tls: true, protocol: 'structured' },
    ]);
  });

  test('FLUSH may be offered to caches alone', () => {
    expect(serve('--offer-flush=cache').rules.offerFlush).toBe('cache');
    expect(refusal('--offer-flush', 'never')).toContain('always, cache');
  });

  test.each([
    ['1', 1],
    ['64', 64],
    ['0x10', 16],
  ])('--threads %s', (text, threads) => {
    expect(serve('--threads', text).threads).toBe(threads);
  });

  test('alignment is a flag that may be a word', () => {
    for (const argv of [['--alignment', 'error'], ['--alignment=error'], ['alignment=error']]) {
      expect(serve(...argv)).toMatchObject({ rules: { alignment: 'error' }, words: [] });
    }
    expect(serve('alignment=error', '--alignment', 'emulate').rules.alignment).toBe('emulate');
  });

  test('nbds addresses are for TLS only', () => {
    const { listen } = serve(
      '--listen',
      'nbds://localhost:1',
      '--listen',
      'nbds+unix:///?socket=/s',
    );
    expect(listen).toEqual([
      { kind: 'tcp', host: 'localhost', port: 1, tls: true },
      { ...unix('/s'), tls: true },
    ]);
  });

  test.each([['-U', '/s'], ['-U/s'], ['-U=/s'], ['--unix', '/s'], ['--unix=/s']])(
    'a unix socket: %s %s',
    (...argv) => {
      expect(serve(...argv.filter(Boolean))).toMatchObject({
        listen: [unix('/s')],
        privateSocket: false,
      });
    },
  );

  test('a path is no URI: what is special there stays', () => {
    expect(serve('-U', '/a?b=%20&c').listen).toEqual([unix('/a?b=%20&c')]);
  });

  test('- is a private socket, beside other addresses too', () => {
    for (const argv of [['-U', '-'], ['-U-'], ['--unix=-']]) {
      expect(serve(...argv)).toMatchObject({ listen: [], privateSocket: true });
    }
    expect(serve('-U', '-', '--listen', 'nbd+unix:///?socket=/s')).toMatchObject({
      listen: [unix('/s')],
      privateSocket: true,
    });
  });

  test.each([
    ['http://x', 'not an NBD URI: '],
    ['', 'not an NBD URI: '],
    ['nbd://', 'has no host'],
    ['nbd://:1', 'has no host'],
    ['nbd://x:65536', 'port 65536 is above 65535'],
    ['nbd://x:y', 'not an NBD URI: '],
    ['nbd+unix:///', 'has no ?socket=PATH'],
    ['nbd+unix:///?socket=', 'has no ?socket=PATH'],
    ['nbd+unix://host/?socket=/s', 'has a host and a socket'],
    ['nbd+unix:///?socket=%', 'has a broken % sequence'],
    ['nbd+unix:///?socket=%00s', 'a path has no zero byte'],
    ['nbd://127.0.0.1/name', 'names an export: all are served'],
    ['nbd://me@127.0.0.1', 'names a user'],
    ['nbd://127.0.0.1?what=1', "unknown parameter 'what'"],
    ['nbd://127.0.0.1?protocol=', 'protocol must be one of simple, structured, extended'],
    ['nbd+unix:///?socket=/a&protocol=SIMPLE', 'protocol must be one of simple'],
  ])('--listen %s is refused: %s', (uri, rule) => {
    const line = refusal('--listen', uri);
    expect(line).toMatch(/^--listen: /);
    expect(line).toContain(`'${uri}'`);
    expect(line).toContain(rule);
  });

  test('an empty path is refused', () => {
    expect(refusal('-U', '')).toBe('--unix: the path is empty');
    expect(refusal('--pid-file=')).toBe('--pid-file: the path is empty');
  });
});

describe('the control API', () => {
  const control = (...argv: string[]) => serve(...argv).control;
  const tcp = { kind: 'tcp', host: '127.0.0.1', port: 8080 };

  test('its socket is where commands look, elsewhere, or nowhere; the later word wins', () => {
    expect(control('--control', '/s').socket).toEqual({ path: '/s' });
    expect(control('--control=/s').socket).toEqual({ path: '/s' });
    expect(control('--no-control').socket).toBe('none');
    expect(control('--no-control', '--control', '/s').socket).toEqual({ path: '/s' });
    expect(control('--control', '/s', '--no-control').socket).toBe('none');
    expect(control('--control', '--no-control').socket).toEqual({ path: '--no-control' });
  });

  test.each([
    ['127.0.0.1:8080', tcp],
    ['localhost:0', { ...tcp, host: 'localhost', port: 0 }],
    ['[::1]:65535', { ...tcp, host: '::1', port: 65535 }],
  ])('--http %s', (text, http) => {
    expect(control('--http', text)).toEqual({ socket: 'default', http, tokenFile: undefined });
  });

  test.each([
    '',
    '8080',
    ':8080',
    'localhost',
    'localhost:',
    'localhost:x',
    '::1:8080',
    'a:65536',
    'http://a:1',
  ])('--http %j is refused', (text) => {
    expect(refusal(`--http=${text}`)).toBe(
      `--http: '${text}' must be HOST:PORT, as in 127.0.0.1:8080`,
    );
  });

  test.each(['0.0.0.0', 'example.org', '[::]', '192.168.0.1', '127.0.0.1.example.org'])(
    'beyond this machine, at %s, a token is required',
    (host) => {
      expect(refusal('--http', `${host}:1`)).toContain('--http-token-file is required');
      expect(control('--http', `${host}:1`, '--http-token-file', '/t').tokenFile).toBe('/t');
    },
  );

  test('a token on loopback is possible, without --http it is a mistake', () => {
    const argv = ['--http-token-file=/t', '--http', '127.0.0.1:8080'];
    expect(control(...argv)).toEqual({ socket: 'default', http: tcp, tokenFile: '/t' });
    expect(refusal('--http-token-file', '/t')).toContain('--http HOST:PORT is missing');
  });

  test('the token itself is one that could be in a file, and is never shown', () => {
    const token = '0123456789abcdef';
    expect(control('--http', '0.0.0.0:1', '--http-token', token)).toMatchObject({ token });
    const short = refusal('--http', '0.0.0.0:1', '--http-token', 'secret');
    expect(short).toBe('--http-token: a token has at least 16 bytes and no blanks');
    expect(refusal('--http-token', token)).toBe('--http-token: --http HOST:PORT is missing');
    expect(
      refusal('--http', '127.0.0.1:1', '--http-token', token, '--http-token-file', '/t'),
    ).toContain('not beside --http-token-file');
  });

  test.each(['--control', '--http-token-file'])('%s needs a path', (flag) => {
    expect(refusal(flag)).toBe(`${flag}: a value is missing`);
    expect(refusal(`${flag}=`)).toBe(`${flag}: the path is empty`);
    expect(refusal('--no-control=1')).toBe('--no-control takes no value');
  });
});

describe('the other flags', () => {
  test('each has its value', () => {
    const argv = ['--run', 'echo "$uri" --gb', '--pid-file=/p', '--exit-with-parent'];
    const log = ['--log-level', 'warn', '--log-format=json', '--fault-seed', 'a 7'];
    expect(serve(...argv, ...log)).toMatchObject({
      run: 'echo "$uri" --gb',
      pidFile: '/p',
      exitWithParent: true,
      logLevel: 'warn',
      logFormat: 'json',
      faultSeed: 'a 7',
      words: [],
    });
  });

  test.each([
    '--listen',
    '-U',
    '--unix',
    '--run',
    '--pid-file',
    '--log-level',
    '--log-format',
    '--fault-seed',
  ])('%s needs a value', (flag) => {
    expect(refusal(flag)).toBe(`${flag}: a value is missing`);
  });

  test.each(['--exit-with-parent', '--help', '--version'])('%s takes no value', (flag) => {
    expect(refusal(`${flag}=1`)).toBe(`${flag} takes no value`);
  });

  test('a level or a format that is none is told all there are', () => {
    expect(refusal('--log-level', 'loud')).toMatch(
      /--log-level .*'loud' is invalid.* trace, debug/,
    );
    expect(refusal('--log-format=xml')).toMatch(/--log-format .*'xml' is invalid.* pretty, json/);
  });

  test('--version and --help are printed, and win over nothing that is wrong', () => {
    for (const flag of ['--version', '-V']) expect(printed(flag)).toBe('1.2.3\n');
    expect(printed('-h')).toBe(printed('--help'));
    expect(printed('gb=2', '--help')).toMatch(/^Usage: tnull \[serve\] /);
    expect(refusal('--help', 'gbb=2')).toContain("'gb'");
  });
});

describe('each row of the table of flags', () => {
  const rows: [name: string, long: string, row: Flag][] = Object.entries(flags).map(
    ([name, row]) => [name, / ?(--[\w-]+)/.exec(row.flags)?.[1] ?? '', row],
  );
  const ofKind = (...kinds: Flag['kind'][]) => rows.filter(([, , row]) => kinds.includes(row.kind));

  test.each(rows)('%s has the name that commander gives its value', (name, long) => {
    const words = long.slice(2).split('-');
    const camel = words.map((one, at) => (at === 0 ? one : one[0]?.toUpperCase() + one.slice(1)));
    expect(camel.join('')).toBe(name);
  });

  test.each(ofKind('path'))('%s: its path is not empty', (_, long) => {
    expect(refusal(`${long}=`)).toBe(`${long}: the path is empty`);
  });

  test.each(ofKind('switch'))('%s takes no value', (_, long) => {
    expect(refusal(`${long}=1`)).toBe(`${long} takes no value`);
    const beside = long === '--faults-must-strike' ? ['--run=x'] : [];
    expect(serve(long, ...beside).kind).toBe('serve');
  });

  test.each(ofKind('choice'))('%s takes its words and no other', (_, long, row) => {
    if (row.kind !== 'choice') throw new Error('not a choice');
    for (const one of row.choices) expect(serve(`${long}=${one}`).kind).toBe('serve');
    for (const none of ['', 'x', `${row.choices[0]} `]) {
      expect(refusal(`${long}=${none}`)).toContain(`choices are ${row.choices.join(', ')}`);
    }
  });

  test.each(ofKind('value', 'list'))('%s is refused by its parser, which names it', (_, long) => {
    expect(refusal(`${long}=?`)).toMatch(new RegExp(`^${long}`));
  });
});

describe('what nobody knows', () => {
  test.each([
    [['--memory-backd'], '--memory-backd', '--memory-backed'],
    [['--gbb', '4'], '--gbb', '--gb'],
    [['--gbb=4'], '--gbb', '--gb'],
    [['--lisen', 'nbd://x'], '--lisen', '--listen'],
    [['--helpp'], '--helpp', '--help'],
    [['--pidfile', '/p'], '--pidfile', '--pid-file'],
    [['-memory-backed'], '-memory-backed', '--memory-backed'],
    [['-xfua'], '-xfua', '--fua'],
    [['--no-gb'], '--no-gb', '--gb'],
  ])('%j names the flag and the nearest', (argv, typed, known) => {
    expect(refusal(...argv)).toBe(`unknown flag '${typed}'; the nearest known is '${known}'`);
  });

  test.each(['-', '--', '---gb', '', '=3', '3=3', 'memory-backed=1', 'gb =1', ' gb=1'])(
    '%j is neither a flag nor a word',
    (argument) => {
      expect(refusal(argument)).toBe(`'${argument}' is neither a flag nor name=value`);
      expect(refusal(argument, '--gb=1')).toBe(`'${argument}' is neither a flag nor name=value`);
    },
  );

  test('a word that is misspelt is told the nearest parameter', () => {
    expect(refusal('gbb=4')).toBe("gbb=4: unknown parameter; the nearest known is 'gb'");
    expect(refusal('blocksize=512')).toContain("the parameter is 'bs'");
    expect(refusal('no_memory_backed')).toContain("'memory_backed'");
    expect(refusal('bananas=1')).toBe('bananas=1: unknown parameter');
    expect(refusal('--bananas')).toBe("unknown flag '--bananas'");
  });

  test.each([
    ['statz', "; the nearest is 'stats'"],
    ['create_', "; the nearest is 'create'"],
    ['help_', "; the nearest is 'help'"],
    ['zons', "; the nearest is 'zones'"],
    ['memory_baked', "; the nearest is 'memory_backed'"],
    ['bananas', ' (tnull help lists them)'],
  ])('a bare word may be meant as a command: %s', (word, near) => {
    const line = `${word}: neither a command nor a parameter${near}`;
    expect(refusal(word)).toBe(line);
    expect(refusal('gb=1', word)).toBe(line);
  });

  test.each(['badblocks', 'badblocks_once', 'zone_readonly', 'power', 'index', 'features'])(
    '%s is an attribute, neither a flag nor a word',
    (name) => {
      const rule = 'is an attribute of a device, not a parameter of the program';
      expect(refusal(`${name}=1`)).toBe(`${name}=1: ${rule}`);
      expect(refusal(name)).toBe(`${name}: ${rule}`);
      expect(refusal(`--${kebab(name)}=1`)).toBe(`--${kebab(name)}: ${rule}`);
    },
  );

  test('a flag that is an attribute is told its parameter', () => {
    expect(refusal('--blocksize=512')).toBe("--blocksize: is an attribute; the parameter is 'bs'");
    expect(refusal('--timeout-inject')).toContain("the parameter is 'timeout'");
  });

  // Not `journal`: behind the first word it is the parameter.
  test.each([...controlCommands.keys(), 'crash'])(
    'the command %s is the first word or none',
    (command) => {
      const line = `${command}: a command is the first word, as in 'tnull ${command}'`;
      expect(refusal('gb=1', command)).toBe(line);
      expect(refusal('--control', '/s', command)).toBe(line);
    },
  );
});
