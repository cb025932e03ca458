/** State directories that are enrolled in a TPM of a test, and what tests ask of a daemon on one. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type WritClient } from '../../src/client/client.js';
import type { Binding } from '../../src/format/predicate.js';
import type { Allowed } from '../../src/format/protocol.js';
import { decodeStatement } from '../../src/format/statement.js';
import { writeTpmFile } from '../../src/tpm/tpm-file.js';
import type { EnrolledSwtpm } from '../tpm/enrolled-swtpm.js';
import { prepareState, type RunningDaemon } from './running-daemon.js';

/** Anchors, and unless told otherwise quotes, come only when they are asked for. `more`: further lines of the section [tpm]. */
export async function rootedState(tpm: EnrolledSwtpm, more = '', quotePeriodSeconds = 3600): Promise<string> {
  const stateDirectory = await prepareState();
  // Not as a development TPM: the test can keep it while it takes the state directory back, as a chip is kept.
  writeTpmFile(join(stateDirectory, 'tpm.json'), { ...tpm.pinned, development: false });
  const settings = `[tpm]\noutlives_snapshots = true\nanchor_period_seconds = 86400\nquote_period_seconds = ${quotePeriodSeconds}\n${more}`;
  await writeFile(join(stateDirectory, 'writ.toml'), settings);
  return stateDirectory;
}

export async function withClient<Result>(
  daemon: RunningDaemon,
  ask: (writ: WritClient) => Promise<Result>,
): Promise<Result> {
  const writ = await connect({ socketPath: daemon.socketPath });
  try {
    return await ask(writ);
  } finally {
    await writ.close();
  }
}

/** What an artifact says in the TPM's name. */
export function tpmBindings({ artifact }: Allowed): readonly Extract<Binding, { source: 'tpm' }>[] {
  const { predicate } = decodeStatement(Buffer.from(artifact.payload, 'base64'));
  return predicate.environment.filter((binding) => binding.source === 'tpm');
}
