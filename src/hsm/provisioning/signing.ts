/**
 * The signatures that ceremonies, policy authorities and approvers need. As in a signer process, what is signed is built here
 * from what was asked: no caller can put bytes of its own before a key. Every function throws HsmError.
 */

import type { Session } from 'graphene-pk11';
import { decodeApproval, encodeApproval } from '../../format/approval.js';
import { equalBytes } from '../../format/bytes.js';
import { formatCheckpoint } from '../../format/checkpoint.js';
import { pae } from '../../format/dsse.js';
import { decodePolicyStatement, policyPayloadType } from '../../format/policy-statement.js';
import { decodeTranscript, transcriptPayloadType } from '../../format/transcript.js';
import { utf8Encode } from '../../format/utf8.js';
import { sha256 } from '../../hash/sha256.js';
import { verifyingKey } from '../../verify/ed25519.js';
import { HsmError, hsmFault } from '../faults.js';
import { findPrivateKey, publicKeyOf, signOnce } from '../pkcs11/keys.js';
import { type PinnedKey, type TokenAccess, tokenName } from '../token-access.js';

/** Signs the PAE of a transcript. Throws SyntaxError for bytes that are none. */
export function certify(
  session: Session,
  key: PinnedKey,
  transcript: Uint8Array,
  { token }: TokenAccess,
): Uint8Array {
  decodeTranscript(transcript);
  return signWith(session, key, pae(transcriptPayloadType, transcript), tokenName(token));
}

/** Signs the PAE of a statement of a policy authority. Throws SyntaxError for bytes that are none. */
export function sayPolicy(
  session: Session,
  key: PinnedKey,
  statement: Uint8Array,
  { token }: TokenAccess,
): Uint8Array {
  decodePolicyStatement(statement);
  return signWith(session, key, pae(policyPayloadType, statement), tokenName(token));
}

/** A signature, and the raw public key under which it verifies. */
export interface SignedByKey {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs an approval with the key of that id. Throws SyntaxError for bytes that are none, HsmError `key-missing` and the like. */
export function signApproval(
  session: Session,
  id: string,
  document: Uint8Array,
  { token }: TokenAccess,
): SignedByKey {
  const name = tokenName(token);
  const publicKey = publicKeyOf(session, findPrivateKey(session, id, name));
  if (publicKey === null)
    throw new HsmError(
      hsmFault('key-missing', `${name} holds the key with id ${id} without its public half`),
    );
  const message = encodeApproval(decodeApproval(document));
  return { publicKey, signature: signWith(session, { id, publicKey }, message, name) };
}

/** Signs the tree head of the empty log: a checkpoint like any other, below which no log can be. */
export function provePossession(
  session: Session,
  key: PinnedKey,
  origin: string,
  { token }: TokenAccess,
): Uint8Array {
  const head = formatCheckpoint({ origin, size: 0, root: sha256(new Uint8Array()) });
  return signWith(session, key, utf8Encode(head), tokenName(token));
}

function signWith(session: Session, key: PinnedKey, message: Uint8Array, name: string): Uint8Array {
  const found = findPrivateKey(session, key.id, name);
  const publicKey = publicKeyOf(session, found);
  if (publicKey !== null && !equalBytes(publicKey, key.publicKey))
    throw new HsmError(hsmFault('key-differs', `${name} holds another key under the id ${key.id}`));
  const signature = signOnce(session, found, message);
  if (verifyingKey(key.publicKey).verify(message, signature)) return signature;
  const fault = `${name} made a signature that does not verify under the key with id ${key.id}`;
  throw new HsmError(hsmFault('bad-signature', fault));
}
