/**
 * Ed25519 in PKCS#11, as numbers and byte forms: what the standard says (v3.0, Current Mechanisms, section 2.3) and
 * where tokens differ. Other files of this layer hold no mechanism number and no vendor's habit.
 */

import { concatBytes, equalBytes } from '../format/bytes.js';
import { hexDecode } from '../format/hex.js';

/** CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA and CKK_EC_EDWARDS; no parameter means plain Ed25519. */
export const edwardsKeyPairGeneration = 0x1055;
export const eddsa = 0x1057;
export const edwardsKeyType = 0x40;

/** CKF_OS_LOCKING_OK for C_Initialize: Node runs threads beside ours. */
export const osLockingOk = 0x02;

/** Ways to name the curve in CKA_EC_PARAMS, in the order in which key generation tries them. */
export const curveParameters: readonly Uint8Array[] = [
  // The object identifier 1.3.101.112 of RFC 8410: SoftHSM2, and tokens after PKCS#11 v3.0 errata.
  hexDecode('06032b6570'),
  // PrintableString "edwards25519": tokens after the first text of v3.0.
  hexDecode('130c656477617264733235353139'),
];

/** What a token answers to a form of CKA_EC_PARAMS that it does not know: reason to try the next. */
export const unknownCurveParameters: readonly number[] = [
  // CKR_ATTRIBUTE_VALUE_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCONSISTENT
  0x13, 0x71, 0xd1,
  // CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED
  0x130, 0x140,
];

/** What a token answers when it is asked for an attribute that the object lacks: CKR_ATTRIBUTE_TYPE_INVALID. */
export const noSuchAttribute = 0x12;

/** A mechanism as the token lists it. */
export interface ListedMechanism {
  readonly type: number;
  readonly flags: number;
}

/** Whether a token can do what Writ needs, from its mechanism list. */
export type Ed25519Support = 'supported' | 'cannot-generate' | 'cannot-sign';

/** CKF_SIGN and CKF_GENERATE_KEY_PAIR of CK_MECHANISM_INFO. */
const signFlag = 0x800;
const generateKeyPairFlag = 0x1_0000;

/** Judges a mechanism list. Signing is looked at first: a token without it is of no use at all. */
export function ed25519Support(mechanisms: readonly ListedMechanism[]): Ed25519Support {
  const offers = (type: number, flag: number) =>
    mechanisms.some((listed) => listed.type === type && (listed.flags & flag) !== 0);
  if (!offers(eddsa, signFlag)) return 'cannot-sign';
  return offers(edwardsKeyPairGeneration, generateKeyPairFlag) ? 'supported' : 'cannot-generate';
}

/** How CKA_EC_POINT may wrap the 32 bytes of RFC 8032: bare, in a DER OCTET STRING, or in a DER BIT STRING. */
const pointPrefixes: readonly Uint8Array[] = [hexDecode(''), hexDecode('0420'), hexDecode('032100')];

/** The raw public key in a CKA_EC_POINT. Throws SyntaxError for any other form. */
export function publicKeyOfPoint(point: Uint8Array): Uint8Array {
  const key = Uint8Array.from(point.subarray(-32));
  const known = pointPrefixes.some((prefix) => equalBytes(concatBytes(prefix, key), point));
  if (!known || key.length !== 32) throw new SyntaxError('CKA_EC_POINT holds no Ed25519 public key');
  return key;
}
