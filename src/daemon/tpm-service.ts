/** The TPM at work for a daemon: quotes and anchors that go into its log. */

import type { Logger } from 'pino';
import type { Denial } from '../format/denial.js';
import type { RememberedTexts } from '../format/jcs.js';
import type { Trust } from '../format/trust.js';
import type { Log } from '../log/log.js';
import { VerificationContext } from '../verify/context.js';
import { judgeQuote } from '../verify/quote.js';
import { Anchoring } from './anchoring.js';
import { Attestation } from './attestation.js';
import { AttestedCallers } from './attested-caller.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead, type Stamped } from './records.js';
import { StartError } from './start-error.js';
import type { OpenTpm, TpmService, TpmSettings } from './tpm.js';

export interface TpmServiceParts {
  readonly settings: TpmSettings;
  readonly stamped: Stamped;
  readonly log: Log;
  readonly vkey: string;
  /** The daemon's own: it names the attestation key. */
  readonly trust: Trust;
  /** What the counter shows. */
  readonly counterValue: number;
  readonly texts: RememberedTexts;
  readonly logger: Logger;
  readonly onFatal: (cause: Error) => void;
}

export function tpmService(
  { attester, development, pcrs }: OpenTpm,
  { settings, stamped, log, vkey, trust, counterValue, texts, logger, onFatal }: TpmServiceParts,
): TpmService {
  const nowMs = () => performance.now();
  const context = new VerificationContext();
  const troubled = (trouble: Denial | null, what: string) => {
    if (trouble === null) logger.info(`${what} works again`);
    else logger.error(trouble, `${what} failed`);
  };
  const anchoring = new Anchoring(
    {
      attester,
      seal: (content) => sealRecord({ log }, { ...recordHead(stamped), ...content }),
      nowMs,
      settings,
      onTrouble: (trouble) => troubled(trouble, 'anchoring the log in the TPM'),
      onFatal,
    },
    counterValue,
  );
  const attestation = new Attestation({
    attester,
    vkey,
    checkpoint: () => log.seal?.note ?? null,
    record: (content) => ({ ...recordHead(stamped), ...content }),
    seal: (record) => sealRecord({ log }, record),
    faultsOf: ({ record, index }, previous) =>
      judgeQuote(record, { trust, index, citedAt: null, previous }, context),
    nowMs,
    periodMs: settings.quotePeriodMs,
    onTrouble: (trouble) => troubled(trouble, 'quoting by the TPM'),
  });
  return { attester, development, pcrs, attestation, callers: new AttestedCallers(texts), anchoring };
}

/**
 * Anchors the start, and has the first quote made. A start that cannot be anchored is none: StartError. Without a quote
 * nothing is said in the TPM's name, which policies may demand; it is tried again.
 */
export async function rootStart({ attestation, anchoring }: TpmService): Promise<void> {
  const anchored = await anchoring.anchor('start');
  if (anchored.outcome === 'failed') {
    throw new StartError(
      `the start cannot be anchored in the TPM: ${anchored.denial.message}. ${anchored.denial.remedy}`,
    );
  }
  await attestation.fresh();
}
