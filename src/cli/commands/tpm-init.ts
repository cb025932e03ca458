/** `writ tpm init`: enrols the TPM that the daemon quotes and counts with, and pins it in `tpm.json`. */

import { join, resolve } from 'node:path';
import type { EnrolmentReport } from '../../tpm/enrolment/protocol.js';
import type { PinnedTpm } from '../../tpm/tpm-file.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';
import { counterIndex, pcrList, persistentHandle, tpmDocument, tpmRows } from '../tpm-text.js';

interface Flags {
  readonly development?: boolean;
  readonly device?: string;
  readonly pcrs?: readonly number[];
  readonly handle?: number;
  readonly counter?: number;
}

export const define: Define = (command, act) => {
  command
    .option(
      '--development',
      'a simulator (swtpm) in the state directory, which the daemon starts; proves nothing',
    )
    .option('--device <file>', "the machine's TPM, as a rule /dev/tpmrm0")
    .option('--pcrs <list>', 'the PCRs that are quoted, such as 0,1,7; otherwise 0 to 7', pcrList)
    .option('--handle <hex>', 'where the attestation key lies or shall lie', persistentHandle)
    .option('--counter <hex>', 'the NV index where the counter lies or shall lie', counterIndex)
    .addHelpText(
      'after',
      examples(
        'writ tpm init --development',
        'sudo writ tpm init --device /dev/tpmrm0 --pcrs 0,1,2,3,4,5,6,7,14',
      ),
    );
  act((context) => init(context, command.opts<Flags>()));
};

async function init(context: CliContext, flags: Flags): Promise<ExitCode> {
  if ((flags.development === true) === (flags.device !== undefined))
    throw new UsageError('choose --development, or name the TPM by --device');
  const { findTpmFile } = await import('../../tpm/tpm-file.js');
  const path = join(context.locations.stateDirectory, 'tpm.json');
  const existing = findTpmFile(path);
  if (existing !== null) {
    await requireSame(existing, flags, context, path);
    context.output.result({ outcome: 'present', ...tpmDocument(existing) }, () => [
      'the TPM was enrolled before; nothing was changed',
      ...columns(tpmRows(existing)),
    ]);
    return exitCodes.ok;
  }
  const { pinned, report } = await enrol(context, flags, path);
  context.output.result(
    { outcome: 'made', ...tpmDocument(pinned), report: reportDocument(report) },
    (paint) => madeLines(pinned, report, paint),
  );
  return exitCodes.ok;
}

/** What was asked for is there already, or something else is, and that is never overwritten. Throws TpmError. */
async function requireSame(
  existing: PinnedTpm,
  flags: Flags,
  { locations }: CliContext,
  path: string,
): Promise<void> {
  const { TpmError, tpmFault, tpmName } = await import('../../tpm/faults.js');
  const { developmentTcti } = await import('../../tpm/development-tpm.js');
  const asked =
    flags.device === undefined ? developmentTcti(locations.stateDirectory) : deviceTcti(flags.device);
  const isSame =
    existing.tcti === asked &&
    (flags.pcrs === undefined || flags.pcrs.join() === existing.pcrs.join()) &&
    (flags.handle === undefined || flags.handle === existing.attestationKey.handle) &&
    (flags.counter === undefined || flags.counter === existing.counter.index);
  if (isSame) return;
  const message = `${path} pins ${tpmName(existing.tcti)} already, with other settings than those that were asked for`;
  throw new TpmError(tpmFault('enrolled-already', message));
}

async function enrol(
  { locations, environment }: CliContext,
  { device, pcrs, handle, counter }: Flags,
  path: string,
): Promise<{ readonly pinned: PinnedTpm; readonly report: EnrolmentReport }> {
  const { defaultAkHandle, defaultCounterIndex, defaultPcrs, enrolTpm, pinnedBy } = await import(
    '../../tpm/enrolment.js'
  );
  const { makePrivateDirectory } = await import('../../kernel/private-file.js');
  const { startDevelopmentTpm } = await import('../../tpm/development-tpm.js');
  const { writeTpmFile } = await import('../../tpm/tpm-file.js');
  // Before anything is made in the TPM that could not be pinned then.
  makePrivateDirectory(locations.stateDirectory);
  const simulator =
    device === undefined ? await startDevelopmentTpm(locations.stateDirectory, 'borrow', environment) : null;
  try {
    const report = await enrolTpm({
      tcti: simulator?.tcti ?? deviceTcti(device ?? ''),
      akHandle: handle ?? defaultAkHandle,
      counterIndex: counter ?? defaultCounterIndex,
      pcrs: pcrs ?? defaultPcrs,
      missing: 'make',
    });
    const pinned = pinnedBy(report, simulator !== null);
    writeTpmFile(path, pinned);
    return { pinned, report };
  } finally {
    await simulator?.close();
  }
}

function deviceTcti(device: string): string {
  return `device:${resolve(device)}`;
}

function reportDocument({ tpm, endorsement, attestationKey, counter, since }: EnrolmentReport) {
  return {
    ...tpm,
    endorsementKey: endorsement.kind,
    certificate: endorsement.certificate !== null,
    attestationKey: { outcome: attestationKey.outcome, attributes: attestationKey.attributes },
    counter: { outcome: counter.outcome, attributes: counter.attributes, value: counter.value },
    since,
  };
}

function madeLines(
  pinned: PinnedTpm,
  { tpm, endorsement, attestationKey, counter }: EnrolmentReport,
  paint: Paint,
) {
  return [
    paint('good', 'the TPM is enrolled; a daemon that runs must be started again to use it'),
    ...columns([
      ['maker', `${tpm.manufacturer} ${tpm.vendor}, firmware ${tpm.firmwareVersion}`],
      [
        'certificate',
        endorsement.certificate === null
          ? 'none: nothing ties this TPM to its maker'
          : `for its ${endorsement.kind} endorsement key; not judged here`,
      ],
      ...tpmRows(pinned),
      ['done', `key ${attestationKey.outcome}, counter ${counter.outcome} (it shows ${counter.value})`],
    ]),
    ...(pinned.development
      ? [paint('strong', 'a simulator, for development: it proves nothing about this machine')]
      : []),
  ];
}
