/** The rules of a device with their counts, what they do as it happens, and the power cut. The words are those of
 *  docs/faults.md, whether they are typed or chosen. */

import { useState } from 'preact/hooks';
import type { FaultsAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl } from './call.ts';
import { Act, Choice, Field } from './controls.tsx';
import { factWords } from './facts.ts';
import { useLive } from './live.ts';
import { Rows } from './rows.tsx';
import { type Column, Table } from './table.tsx';
import { useTail } from './tail.ts';

export function Faults({ name }: { name: string }) {
  const { value: faults } = useLive<FaultsAnswer>(`${deviceUrl(name)}/faults`);
  return (
    <>
      <Rules name={name} faults={faults} />
      <AddRule name={name} />
      <Cut name={name} />
      <Log name={name} />
    </>
  );
}

const COLUMNS = ['Rule', 'Words', 'Matched', 'Struck', 'Left', 'Held', 'Change'];

function Rules({ name, faults }: { name: string; faults: FaultsAnswer | undefined }) {
  if (faults === undefined) return null;
  const { rules, paused, seed, state } = faults;
  const held = rules.reduce((sum, rule) => sum + rule.held, 0);
  return (
    <section>
      <h2>Rules ({rules.length})</h2>
      <div class="bar">
        <span>
          seed {seed}, state {state}
          {paused && <b> paused</b>}
        </span>
        <Act make={() => actions.faults(name, paused ? 'resume' : 'pause')}>
          {paused ? 'Resume' : 'Pause'}
        </Act>
        <Act make={() => actions.release(name)} disabled={held === 0}>
          Release all ({held})
        </Act>
        <Act make={() => actions.faults(name, 'reset')}>Reset counts</Act>
        <Act make={() => actions.removeRules(name)} disabled={rules.length === 0} kind="danger">
          Remove all
        </Act>
      </div>
      <Rows
        label="Rules"
        kind="rules"
        columns={COLUMNS}
        count={rules.length}
        keyOf={(index) => rules[index]?.id ?? ''}
        row={(index) => {
          const rule = rules[index];
          return rule === undefined ? null : <Rule name={name} rule={rule} />;
        }}
      />
    </section>
  );
}

function Rule({ name, rule }: { name: string; rule: FaultsAnswer['rules'][number] }) {
  const { id, words, matched, struck, left, held, exhausted } = rule;
  const said = Object.entries(words).map(([word, value]) => `${word}=${value}`);
  return (
    <>
      <th scope="row">{id}</th>
      <td title={said.join(' ')}>
        <code>{said.join(' ')}</code>
      </td>
      <td>{matched}</td>
      <td>{struck}</td>
      <td>{exhausted ? 'exhausted' : (left ?? '-')}</td>
      <td>
        {held}{' '}
        {held > 0 && (
          <Act make={() => actions.release(name, id)} label={`Release what hangs by ${id}`}>
            Release
          </Act>
        )}
      </td>
      <td>
        <Act make={() => actions.removeRule(name, id)} label={`Remove rule ${id}`}>
          Remove
        </Act>
      </td>
    </>
  );
}

const OPERATIONS = ['', 'read', 'write', 'write_zeroes', 'discard', 'flush', 'zone_append'];
const WHEN: readonly [string, string][] = [
  ['', 'always'],
  ['nth', 'nth'],
  ['interval', 'interval'],
  ['probability', 'probability in %'],
  ['times', 'times'],
];
const ACTIONS = ['error', 'delay', 'hang', 'torn', 'corrupt', 'lose', 'lie', 'stale', 'misdirect'];
/** What each action does most often. */
const USUAL: Readonly<Record<string, string>> = {
  ...{ error: 'EIO', delay: '100ms', hang: 'on', torn: 'first:1', corrupt: 'bits:1' },
  ...{ lose: '1', lie: '1', stale: '1', misdirect: '+8' },
};

function named(words: readonly string[], nothing: string): [string, string][] {
  return words.map((word) => [word, word === '' ? nothing : word]);
}

/** The choices write the text, and the text is what is sent. */
function AddRule({ name }: { name: string }) {
  const [form, setForm] = useState({
    op: '',
    sectors: '',
    when: '',
    count: '',
    act: 'error',
    by: 'EIO',
  });
  const [text, setText] = useState('error=EIO');
  const change = (part: Partial<typeof form>): void => {
    const now = { ...form, ...part };
    setForm(now);
    setText(textOf(now));
  };
  return (
    <fieldset>
      <legend>Add a rule</legend>
      <Choice
        label="Commands"
        value={form.op}
        options={named(OPERATIONS, 'all')}
        onInput={(op) => change({ op })}
      />
      <Field
        label="Sectors"
        value={form.sectors}
        hint="all"
        onInput={(sectors) => change({ sectors })}
      />
      <Choice
        label="When"
        value={form.when}
        options={WHEN}
        onInput={(when) => change({ when, count: when === '' ? '' : form.count || '1' })}
      />
      <Field label="Number" value={form.count} onInput={(count) => change({ count })} />
      <Choice
        label="What happens"
        value={form.act}
        options={named(ACTIONS, '')}
        onInput={(act) => change({ act, by: USUAL[act] ?? '1' })}
      />
      <Field label="How" value={form.by} onInput={(by) => change({ by })} />
      <Field label="As text" value={text} onInput={setText} wide />
      <Act make={() => actions.addRule(name, actions.ruleOf(text))}>Add rule</Act>
    </fieldset>
  );
}

function textOf(
  form: Readonly<Record<'op' | 'sectors' | 'when' | 'count' | 'act' | 'by', string>>,
) {
  const { op, sectors, when, count, act, by } = form;
  const words = [
    ...(op === '' ? [] : [`op=${op}`]),
    ...(sectors === '' ? [] : [`sectors=${sectors}`]),
    ...(when === '' ? [] : [`${when}=${count}`]),
    `${act}=${by}`,
  ];
  return words.join(' ');
}

const KEEP = [
  ['random', 'random: each block of the cache or not'],
  ['none', 'none: the cache is lost'],
  ['all', 'all: the cache is kept'],
  ['whole', 'whole: any legal image (journal)'],
  ['torn', 'torn: the same, blocks may tear (journal)'],
] as const;

function Cut({ name }: { name: string }) {
  const [keep, setKeep] = useState('random');
  const [down, setDown] = useState('');
  const [seed, setSeed] = useState('');
  const words = { keep, ...(down === '' ? {} : { down }), ...(seed === '' ? {} : { seed }) };
  return (
    <section>
      <h2>Power cut</h2>
      <div class="bar">
        <Choice label="What is left of the cache" value={keep} options={KEEP} onInput={setKeep} />
        <Field label="Down for" value={down} hint="0s" onInput={setDown} />
        <Field label="Seed" value={seed} hint="a new one" onInput={setSeed} />
        <Act make={() => actions.cut(name, words)} kind="danger big">
          Cut the power
        </Act>
      </div>
    </section>
  );
}

interface Entry {
  readonly seq: number;
  readonly rule: string;
  readonly text: string;
}

const LOG_COLUMNS: readonly Column<Entry>[] = [
  ['Entry', ({ seq }) => seq],
  ['Rule', ({ rule }) => rule],
  ['What it did; at: since power on', ({ text }) => text],
];

function entryOf(line: string): Entry {
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== 'object' || entry === null) return { seq: 0, rule: '', text: line };
  const { seq = 0, rule = '', ...facts }: Record<string, unknown> = { ...entry };
  return { seq: Number(seq), rule: String(rule), text: factWords(facts).join(' ') };
}

function logAfter(name: string, seq: number): string {
  return `${deviceUrl(name)}/faults/log?follow=1&after=${seq}`;
}

function Log({ name }: { name: string }) {
  const entries = useTail(name, logAfter, entryOf);
  return (
    <section>
      <h2>Log, the latest first</h2>
      <Table
        label="Log of the rules"
        kind="log"
        columns={LOG_COLUMNS}
        all={entries}
        keyOf={({ seq }) => seq}
      />
    </section>
  );
}
