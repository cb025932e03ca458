/**
 * A connection to a TPM: what can be asked of it, and what can be relied on. For processes of their own: each call blocks
 * until the TPM has answered, and a real one takes up to a second for a quote and ten for a key.
 */

import type { PcrValue } from '../format/quote.js';
import type { Secret } from '../kernel/secret.js';
import type { AttestationKey, Quote } from './attester.js';

/** What the TPM tells about itself. */
export interface TpmProperties {
  /** Four characters of the TCG's vendor registry, such as `INTC`; `IBM` for swtpm. */
  readonly manufacturer: string;
  /** Up to sixteen characters of the vendor's own. */
  readonly vendor: string;
  /** As in TPMS_ATTEST.firmwareVersion. */
  readonly firmwareVersion: bigint;
  /** Wrong authorizations so far, and how many lead to lockout. */
  readonly lockoutCounter: number;
  readonly maxAuthFail: number;
  readonly inLockout: boolean;
  readonly ownerAuthSet: boolean;
  /** Whether all 24 PCRs are in the SHA-256 bank. */
  readonly hasSha256Pcrs: boolean;
  /** Transient objects and sessions that the TPM holds; behind a resource manager only those of this connection. */
  readonly loadedCount: number;
}

/** TPMS_TIME_INFO (Part 2, section 10.11): the counts change with each boot; `safe`: the clock was not set back. */
export interface TpmClock {
  readonly clockMs: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly safe: boolean;
}

/** The two endorsement keys that have certificates in TPMs of today. */
export type EndorsementKind = 'ecc-p256' | 'rsa-2048';

/** TPMS_NV_PUBLIC of a counter, its Name in hex (Part 1, section 16), and its TPMA_NV. */
export interface CounterPublic {
  readonly publicArea: Uint8Array;
  readonly name: string;
  readonly attributes: number;
}

/** What only the TPM with the endorsement key and the key of that name can open (make-credential.ts). */
export interface Credential {
  /** Content of the TPM2B_ID_OBJECT. */
  readonly blob: Uint8Array;
  /** Content of the TPM2B_ENCRYPTED_SECRET. */
  readonly encryptedSecret: Uint8Array;
}

/** What the PCRs must hold: rising indexes, and the SHA-256 of their values in that order. */
export interface PcrState {
  readonly pcrs: readonly number[];
  readonly pcrDigest: Uint8Array;
}

/**
 * A state in which a secret may be opened, as long as the version counter is not above `highestVersion`. To replace a state:
 * approve the new one with the next version, then count up. Before and after the counting the new one opens; the old one no
 * more once it is done.
 */
export interface ApprovedState extends PcrState {
  readonly counterIndex: number;
  readonly highestVersion: number;
}

/** Whoever approves states: an ECDSA key on P-256 outside the TPM. */
export interface PolicyAuthority {
  /** x and y, 32 bytes each. */
  readonly point: Uint8Array;
  /** At most 32 bytes that say what its approvals are for, so that they do not count for anything else. */
  readonly policyRef: Uint8Array;
}

export interface Approval {
  readonly state: ApprovedState;
  readonly authority: PolicyAuthority;
  /** ECDSA over SHA-256, r and s of 32 bytes each, over the digest of `statePolicy` and then `policyRef`. */
  readonly signature: Uint8Array;
}

/** Of no use anywhere but in the TPM that sealed. */
export interface SealedSecret {
  /** TPM2B_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** TPM2B_PRIVATE, encrypted by the TPM. */
  readonly privateArea: Uint8Array;
  /** Name of the storage key, hex: a secret is only let out to a session with that one. */
  readonly parentName: string;
}

/**
 * One connection. Every method throws TpmAddonError for what the TPM or the way to it refuses, TypeError for arguments of
 * another kind. Nothing that a method loads into the TPM stays there. Key handles are persistent handles from 0x81000000 to
 * 0x817fffff, indexes are NV indexes from 0x01000000 to 0x01ffffff.
 */
export interface Tpm {
  /** 1 to 1024 bytes of the TPM's generator. Whoever listens on the bus knows them too. */
  random(sizeBytes: number): Uint8Array;
  properties(): TpmProperties;
  readClock(): TpmClock;
  /** PCRs of the SHA-256 bank, by rising index. TPM_ABSENT: the TPM keeps no such bank. */
  readPcrs(indexes: readonly number[]): readonly PcrValue[];
  /**
   * Makes a new attestation key and keeps it at the handle: ECDSA over SHA-256 on P-256, restricted, fixed to this TPM.
   * TPM_PRESENT: something lies there.
   */
  createAttestationKey(handle: number): AttestationKey;
  /** What is public of the key at the handle. TPM_ABSENT: nothing lies there. */
  readKey(handle: number): AttestationKey;
  removeKey(handle: number): void;
  /**
   * A quote over the PCRs (rising indexes), with up to 32 bytes of the caller's. The values' digest is the quoted one: if
   * PCRs change meanwhile it is tried again some times, then TPM_PCRS_MOVING.
   */
  quote(handle: number, pcrs: readonly number[], qualifyingData: Uint8Array): Quote;
  /** What is public of the endorsement key by the TCG's template (EK Credential Profile, L-2 and L-1). */
  endorsementKey(kind: EndorsementKind): AttestationKey;
  /** Its certificate in DER, where the maker put one into the TPM; otherwise null. */
  endorsementCertificate(kind: EndorsementKind): Uint8Array | null;
  /** Opens a credential for the key at the handle (Part 3, section 12.5). */
  activateCredential(handle: number, kind: EndorsementKind, credential: Credential): Uint8Array;
  /** Makes a counter and counts once, which puts it above every counter that this TPM ever had. TPM_PRESENT: it exists. */
  defineCounter(index: number): CounterPublic;
  /** TPM_ABSENT: there is no such index, or it is no counter. */
  counterPublic(index: number): CounterPublic;
  readCounter(index: number): number;
  /** The new value. After a failure it may have counted all the same: read it. */
  incrementCounter(index: number): number;
  removeCounter(index: number): void;
  /** The digest of the policy that only these PCRs fulfil (PolicyPCR). */
  pcrPolicy(state: PcrState): Uint8Array;
  /** The digest of the policy of such a state (PolicyNV, PolicyPCR): with the policy reference, what an authority signs. */
  statePolicy(state: ApprovedState): Uint8Array;
  /** The digest of the policy that every state fulfils which the authority approved (PolicyAuthorize). */
  authorityPolicy(authority: PolicyAuthority): Uint8Array;
  /** Seals a secret of 1 to 128 bytes: this TPM alone gives it out again, and only if the policy of that digest is fulfilled. */
  seal(secret: Secret, policy: Uint8Array): SealedSecret;
  /**
   * The secret that was sealed under `pcrPolicy`, never seen by JavaScript: for the native login, and to be wiped.
   * TPM_POLICY: the PCRs hold something else. TPM_FOREIGN: another TPM sealed it, or the owner was cleared since.
   */
  unsealUnderPcrs(sealed: SealedSecret, state: PcrState): Secret;
  /**
   * The secret that was sealed under `authorityPolicy`. TPM_POLICY also when the counter is above the state's highest
   * version, or the authority did not sign the state.
   */
  unsealApproved(sealed: SealedSecret, approval: Approval): Secret;
  /** Ends the connection; a second time does nothing. */
  close(): void;
}
