/** Keys of policy authorities and what they say, for tests: signed as a token would sign it. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { base64Encode } from '../../src/format/base64.js';
import { type Envelope, pae } from '../../src/format/dsse.js';
import {
  type AuthorityStatement,
  type BundleStatement,
  encodePolicyStatement,
  type PolicyStatement,
  policyPayloadType,
} from '../../src/format/policy-statement.js';

export interface AuthorityKey {
  readonly publicKey: Uint8Array;
  /** Base64. */
  readonly text: string;
  readonly privateKey: KeyObject;
}

export function authorityKey(): AuthorityKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { publicKey: raw, text: base64Encode(raw), privateKey };
}

/** A statement in its envelope, signed by each of the keys. */
export function signed(statement: PolicyStatement, ...keys: readonly AuthorityKey[]): Envelope {
  const payload = encodePolicyStatement(statement);
  const message = pae(policyPayloadType, payload);
  return {
    payload: base64Encode(payload),
    payloadType: policyPayloadType,
    signatures: keys.map(({ text, privateKey }) => ({
      keyid: text,
      sig: base64Encode(sign(null, message, privateKey)),
    })),
  };
}

const time = '2026-01-01T00:00:00.000Z';

export function bundleStatement(parts: Partial<BundleStatement> = {}): BundleStatement {
  return {
    type: 'urn:writ:policy-bundle:v1',
    bundle: 'a'.repeat(128),
    name: 'starter',
    version: 1,
    previous: null,
    time,
    ...parts,
  };
}

export function delegation(key: AuthorityKey, notAfter: string, ...names: string[]): AuthorityStatement {
  return { type: 'urn:writ:policy-delegation:v1', key: key.text, names, notAfter, time };
}

export function succession(key: AuthorityKey): AuthorityStatement {
  return { type: 'urn:writ:policy-succession:v1', key: key.text, time };
}
