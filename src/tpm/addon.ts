/** A TPM over the addon native/tpm (tpm2-tss): tpm.ts holds the contract. */

import { createHash } from 'node:crypto';
import { hexDecode, hexEncode } from '../format/hex.js';
import type { PcrValue } from '../format/quote.js';
import type { Secret } from '../kernel/secret.js';
import { TpmAddonError } from './addon-error.js';
import { loadTpmAddon, type NativeConnection, type NativeTpm } from './addon-module.js';
import type {
  Approval,
  ApprovedState,
  CounterPublic,
  Credential,
  EndorsementKind,
  PcrState,
  PolicyAuthority,
  SealedSecret,
  Tpm,
  TpmClock,
  TpmProperties,
} from './tpm.js';

export type { CounterPublic, Credential, EndorsementKind, Tpm, TpmClock, TpmProperties } from './tpm.js';

import type { AttestationKey, Quote } from './attester.js';

/** Between reading and quoting, PCRs that something extends a few times at boot come to rest within so many rounds. */
const quoteAttempts = 5;

/** EK Credential Profile, section 2.2.1.4: where the certificates for the low-range templates are. */
const certificateIndexes: Readonly<Record<EndorsementKind, number>> = {
  'ecc-p256': 0x01c0_000a,
  'rsa-2048': 0x01c0_0002,
};

/**
 * Opens a connection. `tcti`: `device:/dev/tpmrm0`, or `swtpm:path=/a/socket`, whose control socket is beside it with
 * `.ctrl`. Sends nothing yet. Clients of a swtpm share its three slots for objects: it has no resource manager.
 * Throws TpmAddonError: TPM_GONE, or TPM_UNSUPPORTED when this build has no support for a TPM.
 */
export function openTpm(tcti: string): Tpm {
  const addon = loadTpmAddon();
  return new NativeBackedTpm(
    addon,
    attempt(() => addon.open(tcti)),
  );
}

class NativeBackedTpm implements Tpm {
  readonly #addon: NativeTpm;
  readonly #connection: NativeConnection;

  constructor(addon: NativeTpm, connection: NativeConnection) {
    this.#addon = addon;
    this.#connection = connection;
  }

  random(sizeBytes: number): Uint8Array {
    return attempt(() => this.#addon.random(this.#connection, sizeBytes));
  }

  properties(): TpmProperties {
    return attempt(() => this.#addon.properties(this.#connection));
  }

  readClock(): TpmClock {
    return attempt(() => this.#addon.readClock(this.#connection));
  }

  readPcrs(indexes: readonly number[]): readonly PcrValue[] {
    const values = this.#readPcrs(pcrIndexes(indexes));
    return pcrValues(indexes, values);
  }

  createAttestationKey(handle: number): AttestationKey {
    return named(attempt(() => this.#addon.createAttestationKey(this.#connection, handle)));
  }

  readKey(handle: number): AttestationKey {
    return named(attempt(() => this.#addon.readPublic(this.#connection, handle)));
  }

  removeKey(handle: number): void {
    attempt(() => this.#addon.removeKey(this.#connection, handle));
  }

  quote(handle: number, pcrs: readonly number[], qualifyingData: Uint8Array): Quote {
    const indexes = pcrIndexes(pcrs);
    for (let round = 0; round < quoteAttempts; round++) {
      const values = this.#readPcrs(indexes);
      const { attest, signature, pcrDigest } = attempt(() =>
        this.#addon.quote(this.#connection, handle, indexes, qualifyingData),
      );
      // The digest covers the values in the order of the selection (Part 4, PCRComputeCurrentDigest).
      if (createHash('sha256').update(values).digest().equals(pcrDigest))
        return { attest, signature, pcrs: pcrValues(pcrs, values) };
    }
    throw new TpmAddonError({
      code: 'TPM_PCRS_MOVING',
      message: `TPM_PCRS_MOVING: PCRs changed between reading and quoting, ${quoteAttempts} times running, TPM2_Quote`,
      command: 'TPM2_Quote',
      rc: null,
    });
  }

  endorsementKey(kind: EndorsementKind): AttestationKey {
    return named(attempt(() => this.#addon.endorsementKey(this.#connection, kind === 'ecc-p256')));
  }

  endorsementCertificate(kind: EndorsementKind): Uint8Array | null {
    try {
      return withoutPadding(attempt(() => this.#addon.readNv(this.#connection, certificateIndexes[kind])));
    } catch (cause) {
      if (cause instanceof TpmAddonError && cause.code === 'TPM_ABSENT') return null;
      throw cause;
    }
  }

  activateCredential(handle: number, kind: EndorsementKind, credential: Credential): Uint8Array {
    const { blob, encryptedSecret } = credential;
    return attempt(() =>
      this.#addon.activateCredential(this.#connection, handle, kind === 'ecc-p256', blob, encryptedSecret),
    );
  }

  defineCounter(index: number): CounterPublic {
    return counterPublic(attempt(() => this.#addon.defineCounter(this.#connection, index)));
  }

  counterPublic(index: number): CounterPublic {
    return counterPublic(attempt(() => this.#addon.counterPublic(this.#connection, index)));
  }

  readCounter(index: number): number {
    return exactNumber(attempt(() => this.#addon.readCounter(this.#connection, index)));
  }

  incrementCounter(index: number): number {
    return exactNumber(attempt(() => this.#addon.incrementCounter(this.#connection, index)));
  }

  removeCounter(index: number): void {
    attempt(() => this.#addon.removeCounter(this.#connection, index));
  }

  pcrPolicy({ pcrs, pcrDigest }: PcrState): Uint8Array {
    return attempt(() => this.#addon.pcrPolicy(this.#connection, pcrIndexes(pcrs), pcrDigest));
  }

  statePolicy(state: ApprovedState): Uint8Array {
    const { pcrs, pcrDigest, counterIndex, highestVersion } = state;
    return attempt(() =>
      this.#addon.statePolicy(this.#connection, pcrIndexes(pcrs), pcrDigest, counterIndex, highestVersion),
    );
  }

  authorityPolicy({ point, policyRef }: PolicyAuthority): Uint8Array {
    return attempt(() => this.#addon.authorityPolicy(this.#connection, point, policyRef));
  }

  seal(secret: Secret, policy: Uint8Array): SealedSecret {
    const sealed = attempt(() => this.#addon.seal(this.#connection, secret, policy));
    return { ...sealed, parentName: hexEncode(sealed.parentName) };
  }

  unsealUnderPcrs(sealed: SealedSecret, { pcrs, pcrDigest }: PcrState): Secret {
    const { publicArea, privateArea, parentName } = sealed;
    return attempt(() =>
      this.#addon.unsealUnderPcrs(
        this.#connection,
        publicArea,
        privateArea,
        hexDecode(parentName),
        pcrIndexes(pcrs),
        pcrDigest,
      ),
    );
  }

  unsealApproved(sealed: SealedSecret, { state, authority, signature }: Approval): Secret {
    const { publicArea, privateArea, parentName } = sealed;
    return attempt(() =>
      this.#addon.unsealApproved(
        this.#connection,
        publicArea,
        privateArea,
        hexDecode(parentName),
        pcrIndexes(state.pcrs),
        state.pcrDigest,
        state.counterIndex,
        state.highestVersion,
        authority.point,
        authority.policyRef,
        signature,
      ),
    );
  }

  close(): void {
    attempt(() => this.#addon.close(this.#connection));
  }

  #readPcrs(indexes: Uint8Array): Uint8Array {
    return attempt(() => this.#addon.readPcrs(this.#connection, indexes));
  }
}

/** Gives the addon's errors their class; TypeErrors pass as they are. */
function attempt<Value>(operation: () => Value): Value {
  try {
    return operation();
  } catch (cause) {
    throw TpmAddonError.of(cause) ?? cause;
  }
}

/** As bytes for the addon, which checks that they rise and are below 24; what is no byte must not become one. */
function pcrIndexes(indexes: readonly number[]): Uint8Array {
  if (!indexes.every((index) => Number.isInteger(index) && index >= 0 && index <= 255))
    throw new TypeError('expected PCR indexes from 0 to 23 in ascending order');
  return Uint8Array.from(indexes);
}

const pcrSizeBytes = 32;

function pcrValues(indexes: readonly number[], values: Uint8Array): readonly PcrValue[] {
  return indexes.map((index, position) => ({
    index,
    value: hexEncode(values.subarray(position * pcrSizeBytes, (position + 1) * pcrSizeBytes)),
  }));
}

function named(object: { readonly publicArea: Uint8Array; readonly name: Uint8Array }): AttestationKey {
  return { name: hexEncode(object.name), publicArea: object.publicArea };
}

function counterPublic(found: ReturnType<NativeTpm['counterPublic']>): CounterPublic {
  return { publicArea: found.publicArea, name: hexEncode(found.name), attributes: found.attributes };
}

/** At a count a millisecond 2^53 is 285,000 years away; a TPM that says otherwise is not believed. */
function exactNumber(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new TpmAddonError({
    code: 'TPM_RESPONSE',
    message: `TPM_RESPONSE: the counter's value ${value} is beyond what a counter can reach, TPM2_NV_Read`,
    command: 'TPM2_NV_Read',
    rc: null,
  });
}

/**
 * The certificate alone: an index can be longer than what lies in it. A DER sequence says its length (X.690, section 8.1);
 * what does not begin as one of at least 128 bytes is given as it is, for whoever parses it to refuse.
 */
function withoutPadding(content: Uint8Array): Uint8Array {
  const [tag, form = 0, high = 0, low = 0] = content;
  if (tag !== 0x30) return content;
  if (form === 0x81) return content.subarray(0, 3 + high);
  return form === 0x82 ? content.subarray(0, 4 + high * 256 + low) : content;
}
