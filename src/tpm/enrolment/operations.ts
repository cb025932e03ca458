/** Enrolling a TPM and looking at one, inside a process that may load the software stack. */

import { randomBytes } from 'node:crypto';
import { equalBytes } from '../../format/bytes.js';
import { parseAttestedQuote } from '../../format/tpm-attest.js';
import { counterAttributes, objectAttributes } from '../../format/tpm-attributes.js';
import { demandedCounterAttributes } from '../../format/tpm-counter.js';
import { parseAttestationPublic } from '../../format/tpm-public.js';
import { type CounterPublic, openTpm, type Tpm } from '../addon.js';
import type { AttestationKey } from '../attester.js';
import { findCounter, findKey, handleText } from '../enrolled-objects.js';
import { faultOf, TpmError, tpmFault, tpmName } from '../faults.js';
import { makeCredential } from '../make-credential.js';
import type {
  EnrolmentAnswer,
  EnrolmentReport,
  EnrolmentRequest,
  EnrolRequest,
  TpmIdentity,
  TpmPlaces,
  TpmReport,
} from './protocol.js';

/** Does what was asked; a fault of the TPM is an answer too. */
export function perform(request: EnrolmentRequest): EnrolmentAnswer {
  switch (request.type) {
    case 'enrol':
      return withTpm(request.enrol.tcti, (tpm, name) => ({
        type: 'enrolled',
        report: enrol(tpm, name, request.enrol),
      }));
    case 'look':
      return withTpm(request.tcti, (tpm) => ({ type: 'seen', report: look(tpm, request.places) }));
  }
}

function withTpm(tcti: string, work: (tpm: Tpm, name: string) => EnrolmentAnswer): EnrolmentAnswer {
  const name = tpmName(tcti);
  try {
    const tpm = openTpm(tcti);
    try {
      return work(tpm, name);
    } finally {
      tpm.close();
    }
  } catch (cause) {
    return { type: 'failed', fault: faultOf(cause, name) };
  }
}

function look(tpm: Tpm, places: TpmPlaces | null): TpmReport {
  const identity = identityOf(tpm);
  if (places === null) return { tpm: identity, attestationKeyName: null, counter: null };
  const found = findCounter(tpm, places.index);
  const counter = found !== null && isUncounted(found.attributes) ? null : found;
  return {
    tpm: identity,
    attestationKeyName: findKey(tpm, places.handle)?.name ?? null,
    counter: counter && { name: counter.name, value: tpm.readCounter(places.index) },
  };
}

function identityOf(tpm: Tpm): TpmIdentity {
  const { manufacturer, vendor, firmwareVersion, hasSha256Pcrs, ...about } = tpm.properties();
  return {
    manufacturer,
    vendor,
    firmwareVersion: firmwareVersion.toString(16).padStart(16, '0'),
    lockout: {
      isLocked: about.inLockout,
      failures: about.lockoutCounter,
      failuresAllowed: about.maxAuthFail,
    },
    hasSha256Pcrs,
  };
}

/** What can be refused is refused before anything is made. */
function enrol(
  tpm: Tpm,
  name: string,
  { tcti, akHandle, counterIndex, pcrs, missing }: EnrolRequest,
): EnrolmentReport {
  const identity = identityOf(tpm);
  if (tpm.properties().ownerAuthSet)
    throw new TpmError(tpmFault('owner-auth', `${name} has an owner with a password`));
  if (!identity.hasSha256Pcrs)
    throw new TpmError(tpmFault('no-sha256-bank', `${name} does not keep all PCRs in a SHA-256 bank`));
  const foundKey = findKey(tpm, akHandle);
  if (foundKey !== null) requireFitKey(foundKey.publicArea, name, akHandle);
  const foundCounter = findCounter(tpm, counterIndex);
  if (foundCounter !== null && !isUncounted(foundCounter.attributes))
    requireFitCounter(foundCounter.attributes, name, counterIndex);
  if (missing === 'refuse') requireBoth(foundKey, foundCounter, name, akHandle, counterIndex);

  const key = foundKey ?? tpm.createAttestationKey(akHandle);
  const { attributes } = requireFitKey(key.publicArea, name, akHandle);
  const endorsement = proveResidence(tpm, name, akHandle, key.name);
  const counter = provideCounter(tpm, counterIndex, foundCounter);
  requireFitCounter(counter.attributes, name, counterIndex);
  const quote = tpm.quote(akHandle, pcrs, randomBytes(32));
  const { resetCount, restartCount } = parseAttestedQuote(quote.attest).clock;
  return {
    tcti,
    tpm: identity,
    endorsement,
    attestationKey: {
      outcome: foundKey === null ? 'made' : 'adopted',
      handle: akHandle,
      publicArea: key.publicArea,
      name: key.name,
      attributes: objectAttributes(attributes),
    },
    counter: {
      outcome: foundCounter === null ? 'made' : 'adopted',
      index: counterIndex,
      publicArea: counter.publicArea,
      name: counter.name,
      attributes: counterAttributes(counter.attributes),
      value: tpm.readCounter(counterIndex),
    },
    pcrs,
    pcrValues: quote.pcrs,
    since: { resetCount, restartCount },
  };
}

function requireBoth(
  key: AttestationKey | null,
  counter: CounterPublic | null,
  name: string,
  handle: number,
  index: number,
): void {
  if (key === null)
    throw new TpmError(tpmFault('key-missing', `${name} holds no key at the handle ${handleText(handle)}`));
  if (counter === null || isUncounted(counter.attributes))
    throw new TpmError(
      tpmFault('counter-missing', `${name} holds no counter at the index ${handleText(index)}`),
    );
}

/** Any other key could sign what its TPM did not make up, or could leave the TPM. */
function requireFitKey(publicArea: Uint8Array, name: string, handle: number) {
  try {
    return parseAttestationPublic(publicArea);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${name} holds an object at the handle ${handleText(handle)} that is no attestation key: ${reason}`;
    throw new TpmError(tpmFault('key-unfit', message), { cause });
  }
}

/** Whether an enrolment was interrupted between making a counter and counting once, which gives it a value and its Name. */
function isUncounted(attributes: number): boolean {
  return [...counterAttributes(attributes), 'written'].join() === demandedCounterAttributes.join();
}

function provideCounter(tpm: Tpm, index: number, found: CounterPublic | null): CounterPublic {
  if (found === null) return tpm.defineCounter(index);
  if (!isUncounted(found.attributes)) return found;
  tpm.incrementCounter(index);
  return tpm.counterPublic(index);
}

function requireFitCounter(attributes: number, name: string, index: number): void {
  const found = counterAttributes(attributes);
  if (found.join() === demandedCounterAttributes.join()) return;
  const message = `${name} holds a counter at the index ${handleText(index)} that is not of our kind (${found.join(', ')})`;
  throw new TpmError(tpmFault('counter-unfit', message));
}

/**
 * Has the TPM open a credential that only the TPM with this endorsement key and this attestation key can open. The key with
 * a certificate is preferred, since only that ties the TPM to its maker.
 */
function proveResidence(
  tpm: Tpm,
  name: string,
  handle: number,
  keyName: string,
): EnrolmentReport['endorsement'] {
  const certified = (['ecc-p256', 'rsa-2048'] as const).find(
    (kind) => tpm.endorsementCertificate(kind) !== null,
  );
  const kind = certified ?? 'ecc-p256';
  const { publicArea } = tpm.endorsementKey(kind);
  const secret = randomBytes(32);
  const credential = makeCredential(publicArea, keyName, secret);
  if (!equalBytes(tpm.activateCredential(handle, kind, credential), secret)) {
    const message = `${name} did not prove that the key at the handle ${handleText(handle)} is its own`;
    throw new TpmError(tpmFault('not-resident', message));
  }
  return { kind, publicArea, certificate: tpm.endorsementCertificate(kind) };
}
