/** Ed25519 key pairs on a token: made there, found by CKA_ID, described, and used for one-shot signatures. */

import { type ITemplate, ObjectClass, PrivateKey, type Session, type SessionObject } from 'graphene-pk11';
import { hexDecode, hexEncode } from '../../format/hex.js';
import { exposureOf, type KeyProtection } from '../../format/key-protection.js';
import { HsmError, hsmFault, returnValue } from '../faults.js';
import type { KeyDescription } from '../key-description.js';
import {
  curveParameters,
  eddsa,
  edwardsKeyPairGeneration,
  edwardsKeyType,
  noSuchAttribute,
  publicKeyOfPoint,
  unknownCurveParameters,
} from '../mechanisms.js';

/** The private keys of type Ed25519 on the token; every id once for each key that bears it. */
export function listPrivateKeys(session: Session): PrivateKey[] {
  const found = session.find({ class: ObjectClass.PRIVATE_KEY, keyType: edwardsKeyType, token: true });
  return Array.from(found, (object) => new PrivateKey(object));
}

/** The private key with this CKA_ID. Throws HsmError: `key-missing`, `key-ambiguous`. */
export function findPrivateKey(session: Session, id: string, name: string): PrivateKey {
  const template = { class: ObjectClass.PRIVATE_KEY, token: true, id: Buffer.from(hexDecode(id)) };
  const [key, ...others] = session.find(template);
  if (key === undefined)
    throw new HsmError(hsmFault('key-missing', `${name} holds no private key with id ${id}`));
  if (others.length > 0) {
    throw new HsmError(
      hsmFault('key-ambiguous', `${name} holds ${others.length + 1} private keys with id ${id}`),
    );
  }
  return new PrivateKey(key);
}

/** The public half of a private key, from its public key object or from the private key itself; null if neither has it. */
export function publicKeyOf(session: Session, privateKey: PrivateKey): Uint8Array | null {
  const id: Buffer = privateKey.getAttribute('id');
  const [publicObject] = session.find({ class: ObjectClass.PUBLIC_KEY, token: true, id });
  const point = readPoint(publicObject ?? privateKey);
  return point === null ? null : publicKeyOfPoint(point);
}

/** Everything that can be said about a private key. */
export function describeKey(session: Session, key: PrivateKey): KeyDescription {
  const label: string = key.getAttribute('label');
  const id: Buffer = key.getAttribute('id');
  return { id: hexEncode(id), label, publicKey: publicKeyOf(session, key), protection: protectionOf(key) };
}

/**
 * Generates a pair on the token and checks what the token made of the request.
 * @param id CKA_ID of both halves
 * Throws HsmError `key-exposed` when the token made a key that could leave it, or what the token reports.
 */
export function generateKeyPair(
  session: Session,
  label: string,
  id: Uint8Array,
  name: string,
): KeyDescription {
  const privateKey = generateOnToken(session, label, Buffer.from(id));
  const description = describeKey(session, privateKey);
  const exposed = exposureOf(description.protection);
  if (exposed !== null) throw new HsmError(hsmFault('key-exposed', `${name} made a key that ${exposed}`));
  return description;
}

/** One blocking C_SignInit and C_Sign (multi-part EdDSA fails on SoftHSM2). Throws what the module throws. */
export function signOnce(session: Session, key: PrivateKey, message: Uint8Array): Uint8Array {
  // A copy, because graphene lends a slice of a buffer that is sixteen times as large.
  return new Uint8Array(session.createSign(eddsa, key).once(Buffer.from(message)));
}

function generateOnToken(session: Session, label: string, id: Buffer): PrivateKey {
  const privateTemplate: ITemplate = {
    keyType: edwardsKeyType,
    token: true,
    private: true,
    sensitive: true,
    extractable: false,
    sign: true,
    decrypt: false,
    unwrap: false,
    derive: false,
    label,
    id,
  };
  let refusal: unknown;
  for (const parameters of curveParameters) {
    const paramsEC = Buffer.from(parameters);
    const publicTemplate = { keyType: edwardsKeyType, token: true, verify: true, label, id, paramsEC };
    try {
      return session.generateKeyPair(edwardsKeyPairGeneration, publicTemplate, { ...privateTemplate })
        .privateKey;
    } catch (cause) {
      const value = returnValue(cause);
      if (value === null || !unknownCurveParameters.includes(value.number)) throw cause;
      refusal = cause;
    }
  }
  throw refusal;
}

function readPoint(object: SessionObject): Uint8Array | null {
  try {
    const point: Buffer = object.getAttribute('pointEC');
    return point;
  } catch (cause) {
    if (returnValue(cause)?.number === noSuchAttribute) return null;
    throw cause;
  }
}

function protectionOf(key: PrivateKey): KeyProtection {
  const flag = (name: string): boolean => key.getAttribute(name) === true;
  return {
    sensitive: flag('sensitive'),
    extractable: flag('extractable'),
    alwaysSensitive: history(key, 'alwaysSensitive'),
    neverExtractable: history(key, 'neverExtractable'),
    private: flag('private'),
    token: flag('token'),
    sign: flag('sign'),
    local: history(key, 'local'),
  };
}

function history(key: PrivateKey, name: string): boolean | null {
  try {
    return key.getAttribute(name) === true;
  } catch (cause) {
    if (returnValue(cause)?.number === noSuchAttribute) return null;
    throw cause;
  }
}
