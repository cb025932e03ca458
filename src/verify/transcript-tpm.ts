/** Judges what a ceremony's transcript says of the TPM: whether it fits together, and what nobody can tell from it. */

import { base64Decode } from '../format/base64.js';
import { equalBytes } from '../format/bytes.js';
import { objectAttributes } from '../format/tpm-attributes.js';
import { demandedCounterAttributes, parseCounterArea } from '../format/tpm-counter.js';
import { parseAttestationPublic, tpmNameOf } from '../format/tpm-public.js';
import type { Transcript } from '../format/transcript.js';
import type { TranscriptTpm } from '../format/transcript-tpm.js';
import type { Trust } from '../format/trust.js';

export interface TpmGap {
  readonly what: 'enrolment' | 'maker' | 'simulator' | 'reference';
  readonly message: string;
}

/** What is wrong with it, a clause each. Given a trust bundle, the attestation key must be pinned there for this log. */
export function tpmFaults({ tpm, log }: Transcript, trust: Trust | null): string[] {
  if (tpm === null) return [];
  return [
    ...describedFaults("the attestation key's", tpm.attestationKey, attestationAttributes),
    ...describedFaults("the counter's", tpm.counter, (area) => counterAttributesAt(area, tpm.counter.index)),
    ...(trust === null ? [] : pinningFaults(tpm, log, trust)),
  ];
}

export function tpmGaps({ tpm }: Transcript, trust: Trust | null): TpmGap[] {
  if (tpm === null) return [];
  const open: TpmGap[] = [
    {
      what: 'enrolment',
      message:
        'that the attestation key lives in the TPM of the endorsement key was shown to the software of the ceremony, not to you; firmware and PCR values are its word',
    },
    { what: 'maker', message: makerGap(tpm) },
  ];
  if (tpm.development)
    open.push({
      what: 'simulator',
      message: 'the TPM is a simulator for development: what it says proves nothing about a machine',
    });
  if (trust !== null && tpm.reference && !holdsReference(tpm, trust))
    open.push({
      what: 'reference',
      message: 'the trust bundle compares PCRs with other values than those of the ceremony',
    });
  return open;
}

function makerGap({ endorsement: { certificate } }: TranscriptTpm): string {
  return certificate === null
    ? 'the TPM holds no certificate of its maker for its endorsement key: any TPM, or a program, may stand behind it'
    : `the endorsement certificate (SHA-256 ${certificate}) was not judged: that takes the root certificate of the TPM's maker`;
}

interface Described {
  readonly name: string;
  readonly publicArea: string;
  readonly attributes: readonly string[];
}

/** The Name must digest the public area, and what is listed be what it says. `demand` throws for what does not do. */
function describedFaults(
  whose: string,
  { name, publicArea, attributes }: Described,
  demand: (area: Uint8Array) => readonly string[],
): string[] {
  let area: Uint8Array;
  let actual: readonly string[];
  try {
    area = base64Decode(publicArea);
    actual = demand(area);
  } catch (cause) {
    if (cause instanceof SyntaxError) return [`${whose} description does not do: ${cause.message}`];
    throw cause;
  }
  const faults: string[] = [];
  if (tpmNameOf(area) !== name) faults.push(`${whose} name is not that of its public area`);
  if (actual.join() !== attributes.join())
    faults.push(`${whose} attributes are not those of its public area (${actual.join(', ')})`);
  return faults;
}

function attestationAttributes(area: Uint8Array): readonly string[] {
  return objectAttributes(parseAttestationPublic(area).attributes);
}

function counterAttributesAt(area: Uint8Array, place: string): readonly string[] {
  const { index, attributes } = parseCounterArea(area);
  if (index !== Number(place)) throw new SyntaxError(`its public area is not of the index ${place}`);
  if (attributes.join() !== demandedCounterAttributes.join())
    throw new SyntaxError(`the counter is not of our kind (${attributes.join(', ')})`);
  return attributes;
}

function pinningFaults({ attestationKey }: TranscriptTpm, log: string, trust: Trust): string[] {
  const { name, publicArea, since } = attestationKey;
  const pinned = trust.attestation?.keys.find((key) => key.log === log && key.name === name);
  if (pinned === undefined || !equalBytes(pinned.publicArea, base64Decode(publicArea)))
    return [`the trust bundle does not hold this attestation key for the log ${log}`];
  const isSince =
    pinned.since.resetCount === since.resetCount && pinned.since.restartCount === since.restartCount;
  return isSince ? [] : ['the trust bundle believes this attestation key since another boot'];
}

/** A bundle may know more values by now, of later firmware; those of the ceremony must be among them. */
function holdsReference({ pcrs }: TranscriptTpm, trust: Trust): boolean {
  return pcrs.every(({ index, value }) =>
    trust.attestation?.pcrs.some((known) => known.index === index && known.values.includes(value)),
  );
}
