/** `writ provision verify`: checks the transcript of a ceremony offline, and says what it cannot prove. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Transcript } from '../../format/transcript.js';
import type { TranscriptTpm } from '../../format/transcript-tpm.js';
import type { TranscriptVerdict } from '../../verify/transcript.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly trust?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<transcript>', 'the file that holds the transcript')
    .option(
      '--trust <file>',
      'the pinned trust bundle (otherwise trust.json in the state directory, if there is one)',
    )
    .addHelpText('after', examples('writ provision verify transcript.json --trust trust.json'));
  act((context) => verifyFile(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function verifyFile(context: CliContext, path: string, { trust: named }: Flags): Promise<ExitCode> {
  const { readCandidate } = await import('../artifact-file.js');
  const { loadTrust } = await import('../trust-file.js');
  const { verifyTranscript } = await import('../../verify/transcript.js');
  const own = existsSync(join(context.locations.stateDirectory, 'trust.json'));
  const trust = named !== undefined || own ? await loadTrust(context, named) : null;
  const verdict = verifyTranscript(await readCandidate(path), trust);
  context.output.result(verdict, (paint) => verdictLines(verdict, paint));
  return verdict.verdict === 'valid' ? exitCodes.ok : exitCodes.denied;
}

function verdictLines(verdict: TranscriptVerdict, paint: Paint): string[] {
  switch (verdict.verdict) {
    case 'denied':
      return [paint('bad', 'denied'), ...verdict.reasons.map((reason) => `  ${reason}`)];
    case 'valid':
      return [
        paint('good', `valid, signed by the ${verdict.signedBy} key`),
        ...transcriptLines(verdict.transcript, paint),
        'not proven:',
        ...verdict.unproven.map(({ message }) => `  ${message}`),
      ];
  }
}

function transcriptLines(
  { log, began, ended, by, host, tokens, keys, tpm, steps }: Transcript,
  paint: Paint,
): string[] {
  const claimed = by.claimed === null ? '' : `, who claims to be ${by.claimed}`;
  return [
    ...columns([
      ['log', log],
      ['when', `${began} to ${ended}`],
      ['by', `${by.user ?? 'a user without a name'} (uid ${by.uid}) on ${host}${claimed}`],
      ...tokens.map(
        ({ label, serial, manufacturer, model, firmware }) =>
          ['token', `"${label}", serial ${serial}, ${manufacturer} ${model}, firmware ${firmware}`] as const,
      ),
      ...keys.map(
        ({ role, publicKey, id, token }) =>
          [`${role} key`, `${publicKey} (id ${id}, token ${token}), never leaves the token`] as const,
      ),
      ...(tpm === null ? [] : tpmRows(tpm)),
    ]),
    'steps:',
    ...columns(
      steps.map(({ step, outcome, detail }) => [step, `${outcome}: ${paint('faint', detail)}`] as const),
    ),
  ];
}

function tpmRows(tpm: TranscriptTpm): (readonly [string, string])[] {
  const { endorsement, attestationKey, counter, pcrs } = tpm;
  const certificate = endorsement.certificate ?? 'none';
  return [
    ['TPM', `${tpm.tcti}, ${tpm.manufacturer} ${tpm.vendor}, firmware ${tpm.firmware}`],
    [
      'endorsement key',
      `${endorsement.kind}, name ${endorsement.name}, certificate (SHA-256) ${certificate}`,
    ],
    [
      'attestation key',
      `${attestationKey.name} at ${attestationKey.handle}: ${attestationKey.attributes.join(', ')}`,
    ],
    ['counter', `${counter.name} at ${counter.index}: ${counter.attributes.join(', ')}`],
    ...pcrs.map(({ index, value }) => [`PCR ${index}`, value] as const),
    ['reference', tpm.reference ? 'verifiers demand these PCR values' : 'no PCR value is demanded'],
  ];
}
