/**
 * `writ tpm status`: the TPM that is enrolled, whether it still holds what was pinned, and its lockout; and what the daemon
 * does with it: the newest quote, and how far the log is anchored. Where this user may not ask the TPM, or the simulator does
 * not run, the daemon's word has to do.
 */

import { join } from 'node:path';
import type { TpmStatus } from '../../format/protocol.js';
import type { TpmReport } from '../../tpm/enrolment/protocol.js';
import type { TpmFault } from '../../tpm/faults.js';
import type { PinnedTpm } from '../../tpm/tpm-file.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';
import { tpmDocument, tpmRows, tpmStatusRows } from '../tpm-text.js';

export const define: Define = (command, act) => {
  command.addHelpText('after', examples('writ tpm status', 'writ tpm status --json'));
  act(status);
};

/** `match`: the pinned key and counter are there. `unknown`: the TPM could not be asked. */
type Standing = 'match' | 'key-missing' | 'key-differs' | 'counter-missing' | 'counter-differs' | 'unknown';

/** What the daemon says of its TPM and of its troubles with it; null where none answers. */
type DaemonsWord = { readonly troubles: readonly string[]; readonly tpm: TpmStatus } | null;

async function status(context: CliContext): Promise<ExitCode> {
  const { findTpmFile } = await import('../../tpm/tpm-file.js');
  const path = join(context.locations.stateDirectory, 'tpm.json');
  const pinned = findTpmFile(path);
  if (pinned === null) {
    context.output.result({ enrolled: null }, () => [
      `tpm: unavailable. None is enrolled (there is no ${path}): nothing is quoted or anchored, and policies that need it deny`,
    ]);
    return exitCodes.unavailable;
  }
  const seen = await look(pinned);
  const standing = 'report' in seen ? standingOf(pinned, seen.report) : 'unknown';
  const daemon = await askDaemon(context);
  context.output.result(
    {
      enrolled: tpmDocument(pinned),
      standing,
      ...('report' in seen
        ? { tpm: seen.report.tpm, counterValue: seen.report.counter?.value ?? null }
        : { fault: seen.fault }),
      daemon,
    },
    (paint) => [
      ...columns([...tpmRows(pinned), ...('report' in seen ? reportRows(seen.report) : [])]),
      ...standingLines(standing, paint),
      ...daemonLines(daemon, pinned, paint),
      ...('fault' in seen ? faultLines(seen.fault, daemon, paint) : []),
      ...(pinned.development
        ? [paint('strong', 'a simulator, for development: it proves nothing about this machine')]
        : []),
    ],
  );
  const vouchedFor = daemon !== null && daemon.troubles.length === 0 && uses(daemon.tpm, pinned);
  return standing === 'match' || (standing === 'unknown' && vouchedFor)
    ? exitCodes.ok
    : exitCodes.unavailable;
}

async function look(
  pinned: PinnedTpm,
): Promise<{ readonly report: TpmReport } | { readonly fault: TpmFault }> {
  const { placesOf, readTpm } = await import('../../tpm/enrolment.js');
  const { TpmError } = await import('../../tpm/faults.js');
  try {
    return { report: await readTpm(pinned.tcti, placesOf(pinned)) };
  } catch (cause) {
    if (cause instanceof TpmError) return { fault: cause.fault };
    throw cause;
  }
}

async function askDaemon(context: CliContext): Promise<DaemonsWord> {
  const { WritUnavailableError } = await import('../../client/errors.js');
  try {
    const { troubles, tpm } = await withDaemon(context, (client) => client.status());
    const ofTpm = troubles.filter(({ code }) => code === 'TPM_UNAVAILABLE').map(({ message }) => message);
    return { troubles: ofTpm, tpm };
  } catch (cause) {
    if (cause instanceof WritUnavailableError) return null;
    throw cause;
  }
}

/** Whether the daemon works with the TPM that is pinned. */
function uses(tpm: TpmStatus, { attestationKey }: PinnedTpm): boolean {
  return tpm.state === 'ready' && tpm.key === attestationKey.name;
}

function daemonLines(daemon: DaemonsWord, pinned: PinnedTpm, paint: Paint): string[] {
  if (daemon === null) return [];
  const { tpm } = daemon;
  if (tpm.state === 'unavailable' || tpm.key !== pinned.attestationKey.name)
    return [
      paint('bad', 'the daemon does not use this TPM: it was enrolled since it started; restart writd'),
    ];
  return [paint('strong', 'the daemon says'), ...columns(tpmStatusRows(tpm))];
}

function standingOf({ attestationKey, counter }: PinnedTpm, report: TpmReport): Standing {
  if (report.attestationKeyName === null) return 'key-missing';
  if (report.attestationKeyName !== attestationKey.name) return 'key-differs';
  if (report.counter === null) return 'counter-missing';
  return report.counter.name === counter.name ? 'match' : 'counter-differs';
}

function reportRows({ tpm, counter }: TpmReport): [string, string][] {
  const { isLocked, failures, failuresAllowed } = tpm.lockout;
  return [
    ['counter shows', counter === null ? 'nothing' : String(counter.value)],
    ['maker', `${tpm.manufacturer} ${tpm.vendor}, firmware ${tpm.firmwareVersion}`],
    ['lockout', `${isLocked ? 'yes' : 'no'} (${failures} of ${failuresAllowed} failures)`],
  ];
}

function standingLines(standing: Standing, paint: Paint): string[] {
  switch (standing) {
    case 'match':
      return [paint('good', 'the TPM holds the pinned key and counter')];
    case 'key-missing':
      return [paint('bad', 'the TPM does not hold the pinned key: it was cleared, or it is another one')];
    case 'key-differs':
      return [paint('bad', 'the TPM holds another key than the pinned one')];
    case 'counter-missing':
      return [paint('bad', 'the TPM does not hold the pinned counter: it was cleared')];
    case 'counter-differs':
      return [paint('bad', 'the TPM holds another counter than the pinned one')];
    case 'unknown':
      return [];
  }
}

function faultLines({ message, remedy }: TpmFault, daemon: DaemonsWord, paint: Paint): string[] {
  const word =
    daemon === null
      ? 'no daemon answers either; a simulator runs with its daemon only'
      : daemon.troubles.length === 0
        ? 'the daemon has no trouble with it'
        : `the daemon says: ${daemon.troubles.join('; ')}`;
  return [paint('bad', message), `  ${paint('faint', `-> ${remedy}`)}`, word];
}
