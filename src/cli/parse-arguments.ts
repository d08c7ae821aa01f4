/** Arguments to what is to be done. Pure: it starts, prints and looks up nothing.
 *  Flags and `name=value` words are one list in the order typed: words become flags before commander sees
 *  them.
 *  Source: control.md section 1. */

import { Command, CommanderError, Option } from 'commander';
import type { ReplyForm } from 'nbd-server-protocol-ts';
import { ParameterError, shown } from '../config/errors.ts';
import { nearestText } from '../config/nearest.ts';
import { isParameter, rows } from '../config/parameters.ts';
import { attributeRule, unknownParameter, type Word } from '../config/resolve.ts';
import type { Row } from '../config/rows.ts';
import type { ControlOptions } from '../daemon/control.ts';
import type { ExportRules, ListenAddress } from '../daemon/daemon.ts';
import type { LogFormat, LogLevel } from '../daemon/log.ts';
import type { ClientLimits } from '../server/client-limits.ts';
import { allCommandNames, isCommandName, isFileCommandName } from './command-names.ts';
import { allFlags, type Flag, type FlagValues, flags } from './flags.ts';
import { limitFlags } from './limit-flags.ts';
import { isPublic } from './listen-uri.ts';
import { kebab, splitFlag } from './spelling.ts';
import type { TlsFlags } from './tls-flags.ts';
import { TogetherError, UsageError } from './usage-error.ts';

export interface ControlFlags extends Omit<ControlOptions, 'socket'> {
  /** `private`: beside the private socket, `--control -`. */
  readonly socket: ControlOptions['socket'] | 'private';
}

export interface ServeCommand {
  readonly kind: 'serve';
  readonly words: readonly Word[];
  /** Empty: the default address. */
  readonly listen: readonly ListenAddress[];
  /** `-U -` was given. */
  readonly privateSocket: boolean;
  /** One client on standard input and output. */
  readonly stdin: boolean;
  readonly config: string | undefined;
  /** The content of the numbered devices. */
  readonly image: string | undefined;
  /** Those that were given. */
  readonly limits: Partial<ClientLimits>;
  readonly tls: TlsFlags;
  readonly rules: Required<ExportRules>;
  readonly protocol: ReplyForm;
  /** Undefined: the configuration's number, else 1. */
  readonly threads: number | undefined;
  readonly memoryLimit: number | undefined;
  readonly control: ControlFlags;
  /** Undefined: a new one. */
  readonly faultSeed: string | undefined;
  /** A plan for every device made at start. */
  readonly faults: string | undefined;
  readonly faultLog: string | undefined;
  readonly faultsMustStrike: boolean;
  readonly run: string | undefined;
  /** The ready line is JSON. */
  readonly readyJson: boolean;
  /** Where the line goes, too. */
  readonly readyFd: number | undefined;
  readonly exitAfterLastClient: boolean;
  readonly pidFile: string | undefined;
  readonly exitWithParent: boolean;
  readonly logLevel: LogLevel;
  /** Undefined: it depends on whether stderr is a terminal. */
  readonly logFormat: LogFormat | undefined;
}

/** Help of the flags alone; the caller adds what comes below. */
interface PrintCommand {
  readonly kind: 'print' | 'help';
  readonly text: string;
}

export type Parsed = ServeCommand | PrintCommand;

const WORD = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s;

/** Not parameters of a device, but written like them. */
const flagWords: ReadonlySet<string> = new Set(['alignment', 'image']);

/** @param argv without node and script. @throws UsageError or ParameterError, in one line. */
export function parseArguments(argv: readonly string[], version: string): Parsed {
  const words: Word[] = [];
  const limits: Limits = {};
  const program = makeProgram(words, limits);
  let printed = '';
  program.configureOutput({ writeOut: (text) => (printed += text), writeErr: () => {} });
  program.version(version, '-V, --version', 'print the version');
  try {
    program.parse(asFlags(program, argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: printed };
    if (error.exitCode === 0) return { kind: 'print', text: printed };
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
  return serveCommand(program.opts(), words, limits);
}

type Limits = { -readonly [K in keyof ClientLimits]?: number };

function serveCommand(options: FlagValues, words: readonly Word[], limits: Limits): ServeCommand {
  const listen = [...(options.listen ?? [])];
  const privateSocket = options.unix === '-';
  if (options.faultsMustStrike === true && options.run === undefined) {
    throw new TogetherError('--faults-must-strike: --run COMMAND is missing');
  }
  if (options.run !== undefined) checkBesideCommand(options);
  if (options.unix !== undefined && !privateSocket) {
    listen.push({ kind: 'unix', path: options.unix });
  }
  const stdin = options.stdin ?? false;
  if (stdin) checkAlone(options);
  return {
    ...{ kind: 'serve', words, listen, privateSocket, stdin, limits },
    config: options.config,
    image: options.image,
    tls: {
      mode: options.tls,
      certificates: options.tlsCertificates,
      psk: options.tlsPsk,
      verifyPeer: options.tlsVerifyPeer ?? false,
    },
    rules: {
      alignment: options.alignment ?? 'emulate',
      readOnly: options.readOnly ?? false,
      offerFlush: options.offerFlush ?? 'always',
    },
    protocol: options.protocol ?? 'extended',
    threads: options.threads,
    memoryLimit: options.memoryLimit,
    control: controlOptions(options),
    faultSeed: options.faultSeed,
    faults: options.faults,
    faultLog: options.faultLog,
    faultsMustStrike: options.faultsMustStrike ?? false,
    run: options.run,
    readyJson: options.readyJson ?? false,
    readyFd: options.readyFd,
    exitAfterLastClient: options.exitAfterLastClient ?? false,
    pidFile: options.pidFile,
    exitWithParent: options.exitWithParent ?? false,
    logLevel: options.logLevel,
    logFormat: options.logFormat,
  };
}

/** Its end is ours, and standard output is its own. */
function checkBesideCommand({ readyJson, exitAfterLastClient }: FlagValues): void {
  if (readyJson === true) {
    throw new TogetherError('--ready-json: standard output belongs to the command of --run');
  }
  if (exitAfterLastClient === true) {
    throw new TogetherError(
      '--exit-after-last-client: with --run the end of the command is the end',
    );
  }
}

/** The one client excludes all other listeners. */
function checkAlone({ listen, unix, run, readyJson }: FlagValues): void {
  const other =
    (listen && flags.listen) ||
    (unix !== undefined && flags.unix) ||
    (run && flags.run) ||
    (readyJson && flags.readyJson);
  if (!other) return;
  const [name = ''] = /--\w+/.exec(other.flags) ?? [];
  throw new TogetherError(
    `--stdin: serves only the client there, so it cannot be combined with ${name}`,
  );
}

function controlOptions(given: FlagValues): ControlFlags {
  const { control, http, httpTokenFile: tokenFile, httpToken: token } = given;
  const asked = tokenFile === undefined ? token && '--http-token' : '--http-token-file';
  if (asked !== undefined && http === undefined) {
    throw new TogetherError(`${asked}: --http HOST:PORT is missing`);
  }
  if (tokenFile !== undefined && token !== undefined) {
    throw new TogetherError('--http-token: not beside --http-token-file');
  }
  if (http !== undefined && isPublic(http) && asked === undefined) {
    throw new TogetherError(
      `--http: '${http.host}' can be reached from other machines: --http-token-file is required`,
    );
  }
  const way = {
    ...{ http, tokenFile, ...(token === undefined ? {} : { token }) },
    ...(given.httpReadOnly === true ? { readOnly: true } : {}),
  };
  if (control === false) return { socket: 'none', ...way };
  if (control === '-') return { socket: 'private', ...way };
  return { socket: control === undefined ? 'default' : { path: control }, ...way };
}

function makeProgram(words: Word[], limits: Limits): Command {
  const program = new Command('tnull')
    .description('A null block device in userspace, served over NBD.')
    .usage(
      '[serve] [flags] [name=value ...]\n       tnull COMMAND [arguments] [--control PATH] [--json]',
    )
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'print this help');
  for (const flag of allFlags) program.addOption(optionOf(flag));
  for (const { name, flags: names, help, parse } of limitFlags) {
    const take = (text: string): void => {
      limits[name] = parse(text);
    };
    program.addOption(new Option(names, help).argParser(take));
  }
  for (const [name, row] of rows) {
    if (isParameter(name)) addParameter(program, name, row, words);
  }
  return program;
}

/** A flag as commander has it. */
function optionOf(flag: Flag): Option {
  const option = new Option(flag.flags, flag.help);
  switch (flag.kind) {
    case 'switch':
    case 'text':
      return option;
    case 'path':
      return option.argParser((text: string) => {
        if (text === '') throw new UsageError(`${option.long}: the path is empty`);
        return text;
      });
    case 'choice':
      return option.choices(flag.choices).default(flag.default);
    case 'value':
      return option.argParser((text: string) => flag.parse(text));
    case 'list':
      return option.argParser((text: string, before: readonly unknown[] | undefined) => [
        ...(before ?? []),
        flag.parse(text),
      ]);
  }
}

/** The parameters have help of their own, by topic; commander's list leaves them out. */
function addParameter(program: Command, name: string, row: Row, words: Word[]): void {
  const flag = `--${kebab(name)}`;
  const take = (value: string): void => {
    words.push({ name, value, as: `${flag}=${value}` });
  };
  const names = row.kind === 'boolean' ? `${flag} [value]` : `${flag} <value>`;
  program.addOption(new Option(names).hideHelp().preset('1').argParser(take));
}

/** Every argument as a flag with its value attached, so that no value is taken for a flag. */
function asFlags(program: Command, argv: readonly string[]): string[] {
  const [command = ''] = argv;
  const rest = (command === 'serve' ? argv.slice(1) : argv).values();
  const result: string[] = [];
  for (const argument of rest) {
    const isFlag = /^--?[^-]/.test(argument);
    result.push(isFlag ? withValue(program, argument, rest) : wordAsFlag(argument));
  }
  return result;
}

/** @param rest the words behind it: a flag that needs a value and has none takes it from there. */
function withValue(program: Command, argument: string, rest: Iterator<string>): string {
  const { name, value } = splitFlag(argument);
  const positive = /^--no-(.+)$/.exec(name)?.[1]?.replaceAll('-', '_');
  if (positive !== undefined && isBoolean(positive)) {
    if (value !== undefined) throw new UsageError(`${name} takes no value`);
    return `--${kebab(positive)}=0`;
  }
  const long = kebab(name);
  const option = program.options.find((one) => one.long === long || one.short === name);
  if (option === undefined && name !== '--help' && name !== '-h')
    throw unknownFlag(argument, program);
  if (option?.optional === true) return `${option.long}=${value ?? '1'}`;
  if (option?.required === true) {
    const given = value ?? rest.next().value;
    if (given === undefined) throw new UsageError(`${name}: a value is missing`);
    return `${option.long}=${given}`;
  }
  if (value !== undefined) throw new UsageError(`${name} takes no value`);
  return name;
}

function wordAsFlag(argument: string): string {
  const isCommand = isCommandName(argument) || isFileCommandName(argument) || argument === 'sweep';
  // `journal` is a parameter, too, which needs no value.
  if (isCommand && !isBoolean(argument)) {
    throw new UsageError(`${argument}: a command is the first word, as in 'tnull ${argument}'`);
  }
  const match = WORD.exec(argument);
  if (match === null) throw new UsageError(`'${shown(argument)}' is neither a flag nor name=value`);
  const [, name = '', value] = match;
  if (flagWords.has(name) && value !== undefined) return `--${name}=${value}`;
  if (!isParameter(name))
    throw value === undefined ? unknownWord(name) : unknownParameter(name, value);
  if (value === undefined && !isBoolean(name)) {
    throw new ParameterError(name, undefined, 'a value is missing');
  }
  return `--${kebab(name)}=${value ?? '1'}`;
}

/** It may be meant as a command, or as a parameter that is on without a value. */
function unknownWord(name: string): Error {
  if (attributeRule(name) !== undefined) return unknownParameter(name, undefined);
  const near = nearestText(name, [...allCommandNames, ...[...rows.keys()].filter(isParameter)]);
  return new UsageError(
    `${shown(name)}: neither a command nor a parameter${near || ' (tnull help lists them)'}`,
  );
}

function isBoolean(name: string): boolean {
  return isParameter(name) && rows.get(name)?.kind === 'boolean';
}

function unknownFlag(argument: string, program: Command): UsageError {
  const [typed = ''] = argument.split('=');
  const rule = attributeRule(typed.replace(/^--/, '').replaceAll('-', '_'));
  if (rule !== undefined) return new UsageError(`${shown(typed)}: ${rule}`);
  const known = program.options.map((option) => option.long ?? '');
  const near = nearestText(
    typed.replace(/^--no-/, '--'),
    [...known, '--help'],
    'the nearest known is',
  );
  return new UsageError(`unknown flag '${shown(typed)}'${near}`);
}
