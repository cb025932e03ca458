/** `writ policy diff`: what changed between two bundles, by meaning. */

import { bundleDigest } from '../../format/bundle-digest.js';
import { type BundleDiff, type Change, diffBundles } from '../../policy/bundle-diff.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { lineChanges } from '../line-changes.js';
import type { Paint } from '../output.js';
import { bundleFilesOf, bundleWords } from '../policy-bundle.js';

export const define: Define = (command, act) => {
  command
    .argument('<old>', `the bundle before: ${bundleWords}`)
    .argument('<new>', 'the bundle after, named likewise')
    .addHelpText(
      'after',
      examples('writ policy diff active ./policies', 'writ policy diff old/policies new/policies --json'),
    );
  act((context) => diff(context, command.args[0] ?? '', command.args[1] ?? ''));
};

async function diff(context: CliContext, older: string, newer: string): Promise<ExitCode> {
  const before = await bundleFilesOf(context, older);
  const after = await bundleFilesOf(context, newer);
  const found = compared({ place: older, files: before }, { place: newer, files: after });
  const digests = { before: bundleDigest(before), after: bundleDigest(after) };
  context.output.result({ ...digests, ...found }, (paint) =>
    isEmpty(found) ? [sameText(digests.before === digests.after)] : diffLines(found, paint),
  );
  return exitCodes.ok;
}

function compared(...both: Parameters<typeof diffBundles>): BundleDiff {
  try {
    return diffBundles(...both);
  } catch (cause) {
    if (cause instanceof PolicyBundleError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}

function isEmpty(found: BundleDiff): boolean {
  return Object.values(found).every((changes: readonly Change[]) => changes.length === 0);
}

function sameText(sameFiles: boolean): string {
  return sameFiles
    ? 'the same bundle, byte for byte'
    : 'nothing changed in meaning; only layout, comments or file names differ';
}

function diffLines(
  { policies, settings, entities, schema, approvers }: BundleDiff,
  paint: Paint,
): readonly string[] {
  return [
    ...section('policies', policies, paint),
    ...section('settings', settings, paint),
    ...section('roles and groups', entities, paint),
    ...section('schema', schema, paint),
    ...section('approvers', approvers, paint),
  ];
}

function section(title: string, changes: readonly Change[], paint: Paint): readonly string[] {
  if (changes.length === 0) return [];
  return [paint('strong', title), ...changes.flatMap((change) => changeLines(change, paint))];
}

function changeLines({ name, before, after }: Change, paint: Paint): readonly string[] {
  const what = before === null ? 'added' : after === null ? 'removed' : 'changed';
  return [
    `  ${what} ${name}`,
    ...lineChanges(before ?? '', after ?? '').map(({ sign, text }) => {
      const line = `    ${sign} ${text}`;
      return sign === '+' ? paint('good', line) : sign === '-' ? paint('bad', line) : paint('faint', line);
    }),
  ];
}
