/**
 * `writ trust follow`: brings a pinned trust bundle up to a log's new keys by evidence alone: the entries that name those keys,
 * sealed under the keys before them. Offline; asks nobody, and says of each key why it is believed.
 */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { base64Decode } from '../../format/base64.js';
import { formatVerifierKey, verifierKey } from '../../format/note.js';
import type { FollowedHandOver } from '../../verify/hand-over.js';
import { fileProblem, MissingError, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { Paint } from '../output.js';
import type { TrustedThing } from '../trust-text.js';

interface Flags {
  readonly compare?: string;
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<bundle>', 'the trust bundle that was pinned')
    .argument(
      '[evidence...]',
      'hand-overs: files, or directories of them (otherwise hand-over/ in the state directory)',
    )
    .option('--compare <file>', 'a bundle that somebody offers: show what of it is not proven')
    .option('-o, --output <file>', 'write the bundle that is believed now to this file')
    .addHelpText(
      'after',
      examples(
        'writ trust follow trust.json hand-over/ -o trust-2.json',
        'writ trust follow trust.json hand-over/ --compare offered.json',
      ),
    );
  act((context) => follow(context, command.args, command.opts<Flags>()));
};

/** One hand-over with the file that it came from. */
interface FollowedFile extends FollowedHandOver {
  readonly file: string;
}

async function follow(context: CliContext, words: readonly string[], flags: Flags): Promise<ExitCode> {
  const [bundle = '', ...named] = words;
  const { readTrustDocument } = await import('../trust-file.js');
  const { readCandidate, writeText } = await import('../artifact-file.js');
  const { trustAfterHandOvers } = await import('../../verify/hand-over.js');
  const { trustedThings, trustLines } = await import('../trust-text.js');
  const before = await readTrustDocument(bundle);
  const offered = flags.compare === undefined ? null : await readTrustDocument(flags.compare);
  const files = await evidenceFiles(context, named);
  const { trust, followed } = trustAfterHandOvers(before, await Promise.all(files.map(readCandidate)));
  const steps = followed.map((step, position): FollowedFile => ({ file: files[position] ?? '', ...step }));
  const things = trustedThings(trust);
  const difference = offered === null ? null : differenceOf(things, trustedThings(offered));
  const denied = steps.some(({ verdict }) => verdict.verdict === 'denied');
  // A bundle that stands on a part of the evidence alone is not what was asked for.
  const output = denied ? undefined : flags.output;
  if (output !== undefined) await writeText(output, `${JSON.stringify(trust, null, 2)}\n`);
  context.output.result({ handOvers: steps.map(stepDocument), trust, ...(difference ?? {}) }, (paint) => [
    ...steps.map((step) => stepLine(step, paint)),
    paint('strong', 'believed'),
    ...trustLines(things, (thing) => reason(thing, trustedThings(before), steps)),
    ...(difference === null ? [] : comparisonLines(difference, trustLines, paint)),
    ...(output === undefined ? [] : [`the trust bundle is in ${output}`]),
  ]);
  if (denied && flags.output !== undefined)
    context.output.note(`not every hand-over holds, so ${flags.output} was not written`);
  return denied || (difference?.unproven.length ?? 0) > 0 ? exitCodes.denied : exitCodes.ok;
}

/** The files named, and those in directories that are named. Throws UsageError, and MissingError where there is no evidence. */
async function evidenceFiles({ locations }: CliContext, named: readonly string[]): Promise<string[]> {
  const places = named.length > 0 ? named : [join(locations.stateDirectory, 'hand-over')];
  const files: string[] = [];
  for (const place of places) {
    try {
      if ((await stat(place)).isDirectory()) files.push(...(await documentsIn(place)));
      else files.push(place);
    } catch (cause) {
      if (named.length === 0 && (cause as NodeJS.ErrnoException).code === 'ENOENT')
        throw new MissingError(
          `there is no ${place}: no key of this log was handed over yet, or the evidence lies elsewhere; name it`,
          { cause },
        );
      throw new UsageError(fileProblem(place, cause), { cause });
    }
  }
  if (files.length === 0) throw new MissingError(`there is no hand-over in ${places.join(', ')}`);
  return files;
}

async function documentsIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => join(directory, name));
}

/** What an offered bundle has beyond what is believed, and where it believes less: the one needs proof, the other none. */
interface Difference {
  readonly unproven: readonly TrustedThing[];
  readonly limited: readonly TrustedThing[];
}

function differenceOf(believed: readonly TrustedThing[], offered: readonly TrustedThing[]): Difference {
  return {
    unproven: offered.filter((thing) => !names(believed, thing)),
    limited: offered.filter(
      (thing) =>
        thing.limit !== null &&
        names(believed, thing) &&
        !believed.some(({ limit }) => limit === thing.limit),
    ),
  };
}

function names(things: readonly TrustedThing[], { kind, value }: TrustedThing): boolean {
  return things.some((thing) => thing.kind === kind && thing.value === value);
}

/** Why a thing is believed: it was pinned, or a hand-over names it. */
function reason(
  thing: TrustedThing,
  before: readonly TrustedThing[],
  steps: readonly FollowedFile[],
): string | null {
  if (names(before, thing)) return 'pinned before';
  const step = steps.find(({ verdict }) => verdict.verdict === 'valid' && namesKey(thing, verdict.record));
  return step === undefined ? null : `sealed at log index ${step.index} under a key believed before`;
}

type KeyNaming = Extract<FollowedHandOver['verdict'], { verdict: 'valid' }>['record'];

function namesKey({ kind, value }: TrustedThing, { role, log, publicKey }: KeyNaming): boolean {
  if (role === 'artifact') return kind === 'artifact key' && value === publicKey;
  return kind === 'log key' && value === formatVerifierKey(verifierKey(log, base64Decode(publicKey)));
}

function stepDocument({ file, index, verdict }: FollowedFile): object {
  if (verdict.verdict === 'denied') return { file, index, verdict: 'denied', reason: verdict.reason };
  const { role, publicKey } = verdict.record;
  return { file, index, verdict: verdict.verdict, role, publicKey };
}

function stepLine({ file, verdict }: FollowedFile, paint: Paint): string {
  switch (verdict.verdict) {
    case 'valid':
      return `${paint('good', 'proven')}  ${file}: the next ${verdict.record.role} key`;
    case 'known':
      return `${paint('faint', 'known')}   ${file}: a ${verdict.record.role} key that was believed already`;
    case 'denied':
      return `${paint('bad', 'denied')}  ${file}: ${verdict.reason}`;
  }
}

function comparisonLines(
  { unproven, limited }: Difference,
  trustLines: (things: readonly TrustedThing[]) => string[],
  paint: Paint,
): string[] {
  return [
    ...(unproven.length === 0
      ? [paint('good', 'everything that the offered bundle names is believed')]
      : [
          paint('bad', 'not proven: the offered bundle names it, and no evidence does'),
          ...trustLines(unproven),
        ]),
    ...(limited.length === 0
      ? []
      : [
          paint(
            'strong',
            'believed less by the offered bundle: ask whoever made it over a path that you trust',
          ),
          ...trustLines(limited),
        ]),
  ];
}
