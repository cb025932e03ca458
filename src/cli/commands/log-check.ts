/** `writ log check`: recomputes the whole log from its files and compares everything. Asks no daemon. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalCheck, LogCheck } from '../../log/check.js';
import type { TpmTrailCounts } from '../../log/check-tpm.js';
import { fileProblem, MissingError, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly trust?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('[directory]', 'a copy of a published log (otherwise log/ in the state directory)')
    .option('--trust <file>', 'the pinned trust bundle (otherwise trust.json in the state directory)')
    .addHelpText(
      'after',
      examples('writ log check', 'writ log check /mnt/copy/log --trust trust.json --json'),
    );
  act((context) => check(context, command.args[0], command.opts<Flags>()));
};

async function check(context: CliContext, copy: string | undefined, flags: Flags): Promise<ExitCode> {
  const { loadTrust } = await import('../trust-file.js');
  const { checkLog } = await import('../../log/check.js');
  const { stateDirectory } = context.locations;
  const log = copy ?? join(stateDirectory, 'log');
  await requireDirectory(log);
  const trust = await loadTrust(context, flags.trust);
  const journal = copy === undefined ? join(stateDirectory, 'journal') : null;
  const result = await checkLog({ log, journal }, trust);
  context.output.result(checkDocument(result), (paint) => checkLines(result, paint));
  return result.outcome === 'whole' ? exitCodes.ok : exitCodes.denied;
}

async function requireDirectory(log: string): Promise<void> {
  try {
    if ((await stat(log)).isDirectory()) return;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new MissingError(`there is no log at ${log}: name its directory, or the state with --state`, {
        cause,
      });
    throw new UsageError(fileProblem(log, cause), { cause });
  }
  throw new UsageError(`${log} is a file; name the directory of a log`);
}

function checkDocument(result: LogCheck): unknown {
  if (result.outcome === 'damaged') return result;
  const root = Buffer.from(result.checkpoint.root).toString('base64');
  return { ...result, checkpoint: { ...result.checkpoint, root } };
}

function checkLines(result: LogCheck, paint: Paint): string[] {
  if (result.outcome === 'damaged')
    return [paint('bad', 'damaged'), `  ${paint('strong', result.where)}: ${result.what}`];
  const { checkpoint, bundles, hashTiles, journal } = result;
  return [
    paint('good', 'whole'),
    ...columns([
      ['log', checkpoint.origin],
      ['entries', `${checkpoint.size}; bundles: ${bundles}; every leaf is well-formed`],
      ['tiles', `${hashTiles}, every hash recomputed`],
      ['root', `${Buffer.from(checkpoint.root).toString('base64')}, signed by the pinned log key`],
      ['journal', journalText(journal)],
      ...(journal.read === 'yes' ? [['TPM', tpmText(journal.tpm)] as const] : []),
    ]),
  ];
}

function journalText(journal: JournalCheck): string {
  if (journal.read === 'no') return `not checked: ${journal.reason}`;
  const rest = journal.unfinishedBytes > 0 ? `; ${journal.unfinishedBytes} bytes of an unfinished write` : '';
  return `${journal.entries} payloads digest to their leaves, ${journal.seals} seals are over this tree${rest}`;
}

function tpmText({ quotes, unknownKeys, anchors }: TpmTrailCounts): string {
  if (quotes + anchors === 0) return 'nothing in this log';
  const unknown =
    unknownKeys > 0
      ? ` (${unknownKeys} by keys that the trust bundle does not name: not their signatures)`
      : '';
  return `${quotes} quotes hold${unknown} and are in order; ${anchors} anchors rise`;
}
