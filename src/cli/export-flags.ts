/** The flags that say what clients are offered: from the command line to the rules of the exports. */

import { type Command, Option } from 'commander';
import type { ReplyForm } from 'nbd-server-protocol-ts';
import {
  type Alignment,
  alignments,
  type ExportRules,
  type FlushOffer,
  flushOffers,
} from '../daemon/daemon.ts';
import { flags } from './flags.ts';
import { protocols } from './listen-uri.ts';

/** As commander has them. */
export interface ExportFlags {
  readonly alignment?: Alignment;
  readonly readOnly?: boolean;
  readonly offerFlush?: FlushOffer;
  readonly protocol?: ReplyForm;
}

export function addExportFlags(program: Command): void {
  const { alignment, readOnly, offerFlush, protocol } = flags;
  program.addOption(new Option(alignment.flags, alignment.help).choices(alignments));
  program.option(readOnly.flags, readOnly.help);
  program.addOption(new Option(offerFlush.flags, offerFlush.help).choices(flushOffers));
  program.addOption(new Option(protocol.flags, protocol.help).choices(protocols));
}

export function exportRules(given: ExportFlags): Required<ExportRules> {
  const { alignment = 'emulate', readOnly = false, offerFlush = 'always' } = given;
  return { alignment, readOnly, offerFlush };
}
