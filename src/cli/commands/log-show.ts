/** `writ log show`: the newest entries, from the published log, with what their payloads say where one may know. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { type EntryKind, entryKinds } from '../../format/entry.js';
import { MissingError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { ShownEntry } from '../log-lookup.js';
import { positiveInteger } from '../option-values.js';
import type { Paint } from '../output.js';

interface Flags {
  readonly lines?: number;
  readonly kind?: EntryKind;
}

const defaultLines = 20;

export const define: Define = (command, act) => {
  command
    .option('-n, --lines <count>', `how many entries (${defaultLines} unless given)`, positiveInteger)
    .addOption(new Option('--kind <kind>', 'only entries of this kind').choices(entryKinds))
    .addHelpText('after', examples('writ log show', 'writ log show -n 5 --kind denial'));
  act((context) => show(context, command.opts<Flags>()));
};

async function show(context: CliContext, { lines = defaultLines, kind }: Flags): Promise<ExitCode> {
  const { addSummaries, newestEntries } = await import('../log-lookup.js');
  const directory = join(context.locations.stateDirectory, 'log');
  if (!existsSync(join(directory, 'checkpoint')))
    throw new MissingError(
      `there is no published log at ${directory}: start writd, or name the state with --state`,
    );
  const entries = await addSummaries(context, await newestEntries(directory, lines, kind ?? null));
  context.output.result({ entries }, (paint) => entryLines(entries, paint));
  return exitCodes.ok;
}

function entryLines(entries: readonly ShownEntry[], paint: Paint): string[] {
  const width = Math.max(0, ...entries.map(({ index }) => String(index).length));
  return entries.map(({ index, kind, id, time, text }) => {
    const style = kind === 'denial' || kind === 'revocation' ? 'bad' : 'strong';
    const short = paint('faint', `${id.slice(0, 21)}...`);
    return `${String(index).padStart(width)}  ${time ?? '-'.padEnd(24)}  ${paint(style, kind.padEnd(13))}  ${short}  ${text ?? ''}`;
  });
}
