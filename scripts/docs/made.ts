/** The files that are made from tables, by path, with their texts. Writes nothing. */

import { readFileSync } from 'node:fs';
import type { Benchmark } from '../../bench/src/record.ts';
import { planDocument } from '../../src/control/faults/plan-schema.ts';
import { openApi } from '../../src/control/openapi.ts';
import { bashCompletion } from './bash.ts';
import { benchmarkPage, withTable } from './benchmark-page.ts';
import {
  clientAnswers,
  clientAttributes,
  clientCalls,
  clientEvents,
  clientRule,
  clientWays,
} from './client.ts';
import { clientFaultsMarkdown } from './client-faults.ts';
import { eventsMarkdown } from './events.ts';
import { faultWordsMarkdown } from './fault-words.ts';
import { fishCompletion } from './fish.ts';
import { images } from './images.ts';
import { manPage } from './man.ts';
import { metricsMarkdown } from './metrics.ts';
import { parametersMarkdown } from './parameters.ts';
import { zshCompletion } from './zsh.ts';

/** @param version of the program. */
export function made(version: string): Readonly<Record<string, string>> {
  // `npm run bench -- --record` writes it in this form.
  const measured = JSON.parse(readFileSync('docs/benchmark.json', 'utf8')) as Benchmark;
  const readme = readFileSync('README.md', 'utf8');
  return {
    'README.md': withTable(readme, measured),
    'docs/benchmark.md': benchmarkPage(measured),
    'docs/fault-words.md': faultWordsMarkdown(),
    'docs/fault-plan.schema.json': `${JSON.stringify(planDocument, undefined, 2)}\n`,
    'docs/openapi.json': `${JSON.stringify(openApi(version), undefined, 2)}\n`,
    'docs/parameters.md': parametersMarkdown(),
    'src/client/made/attributes.ts': clientAttributes(),
    'src/client/made/rule.ts': clientRule(),
    'src/client/made/answers.ts': clientAnswers(),
    'src/client/made/calls.ts': clientCalls(),
    'src/client/made/ways.ts': clientWays(),
    'src/client/made/events.ts': clientEvents(),
    'docs/client-faults.md': clientFaultsMarkdown(),
    'docs/metrics.md': metricsMarkdown(),
    'docs/events.md': eventsMarkdown(),
    ...images(measured, readme),
    'packaging/man/tnull.1': manPage(version),
    'packaging/completions/tnull.bash': bashCompletion(),
    'packaging/completions/_tnull': zshCompletion(),
    'packaging/completions/tnull.fish': fishCompletion(),
  };
}
