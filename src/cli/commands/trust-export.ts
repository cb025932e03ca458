/**
 * `writ trust export`: everything that a relying party pins of a daemon, as a trust bundle: its keys, retired ones too, and of
 * the bundle in its state directory what is not a daemon's to name: policy authorities and reference values.
 */

import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustDocument } from '../../format/trust.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .option('-o, --output <file>', 'write the bundle to this file instead of standard output')
    .addHelpText('after', examples('writ trust export -o trust.json', 'writ trust export | sha256sum'));
  act((context) => exportTrust(context, command.opts<Flags>()));
};

async function exportTrust(context: CliContext, { output: file }: Flags): Promise<ExitCode> {
  const own = (await withDaemon(context, (client) => client.trust())).trust;
  const pinned = await pinnedHere(context);
  const trust = pinned === null ? own : withOwnersPart(own, pinned);
  const text = JSON.stringify(trust, null, 2);
  const { trustedThings, trustLines } = await import('../trust-text.js');
  if (file !== undefined) {
    const { writeText } = await import('../artifact-file.js');
    await writeText(file, `${text}\n`);
  }
  context.output.result(trust, () =>
    file === undefined
      ? text.split('\n')
      : [`the trust bundle is in ${file}`, ...trustLines(trustedThings(trust))],
  );
  context.output.note(
    "These keys are the daemon's word, which alone adds no key to anybody's trust. Whoever pins them must get this file over a " +
      'path that they trust; whoever pinned an earlier one may prove the new log and artifact keys instead (writ trust follow).',
  );
  return exitCodes.ok;
}

/** The bundle in the state directory; null where there is none, or none that this user may read. Throws UsageError. */
async function pinnedHere({ locations, output }: CliContext): Promise<TrustDocument | null> {
  const path = join(locations.stateDirectory, 'trust.json');
  try {
    await access(path, constants.R_OK);
  } catch {
    output.note(`without policy authorities and reference values: this user can read no ${path}`);
    return null;
  }
  const { readTrustDocument } = await import('../trust-file.js');
  return readTrustDocument(path);
}

/** Only of a bundle for the same log; reference values only beside the attestation key that they are for. */
function withOwnersPart(own: TrustDocument, pinned: TrustDocument): TrustDocument {
  const isSameLog = own.logs.some(({ vkey }) => pinned.logs.some((log) => log.vkey === vkey));
  if (!isSameLog) return own;
  const { attestation } = own;
  const pcrs = pinned.attestation?.pcrs ?? [];
  return {
    ...own,
    policyAuthorities: pinned.policyAuthorities ?? [],
    ...(attestation ? { attestation: { ...attestation, pcrs } } : {}),
  };
}
