/**
 * Verifies OpenSSH signatures over messages under the rule for Ed25519 that holds everywhere here. The key must be one that
 * the caller already trusts for this purpose: the one that the signature carries proves nothing.
 */

import { equalBytes } from '../format/bytes.js';
import { parseSshSignature, type SshSignature, sshSignedBytes } from '../format/sshsig.js';
import { sha256 } from '../hash/sha256.js';
import { sha512 } from '../hash/sha512.js';
import { type VerifyingKey, verifyingKey } from './ed25519.js';

export type SshVerdict =
  | { readonly outcome: 'valid' }
  /** `reason` is a clause for a sentence: "the signature {reason}". */
  | { readonly outcome: 'invalid'; readonly reason: string };

/** Whether `blob` (see `parseSshSignature`) is `key`'s signature over `message` for the purpose `namespace`. Never throws. */
export function verifySshSignature(
  blob: Uint8Array,
  message: Uint8Array,
  namespace: string,
  key: VerifyingKey,
): SshVerdict {
  let claimed: SshSignature;
  try {
    claimed = parseSshSignature(blob);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return invalid(`cannot be read: ${cause.message}`);
  }
  if (claimed.namespace !== namespace)
    return invalid(`is for ${JSON.stringify(claimed.namespace)}, not for ${JSON.stringify(namespace)}`);
  if (!equalBytes(claimed.publicKey, key.publicKey)) return invalid('is by another key');
  const digest = claimed.hash === 'sha256' ? sha256(message) : sha512(message);
  const isValid = key.verify(sshSignedBytes(namespace, claimed.hash, digest), claimed.signature);
  return isValid ? { outcome: 'valid' } : invalid('does not cover what it is presented for');
}

/** How a key signed: over the message itself, or over OpenSSH's structure around its hash. */
export type SignatureForm = 'ed25519' | 'sshsig';

/**
 * Whether `signature` is that of a raw 32-byte key over `message`. `ed25519`: 64 bytes, over the message itself, which must
 * then say by itself what it is for. `sshsig`: the blob, in `namespace`. Never throws; a key that is none makes it invalid.
 */
export function verifyDetached(
  form: SignatureForm,
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
  namespace: string,
): SshVerdict {
  let key: VerifyingKey;
  try {
    key = verifyingKey(publicKey);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return invalid(`cannot be checked: ${cause.message}`);
  }
  switch (form) {
    case 'ed25519':
      return key.verify(message, signature)
        ? { outcome: 'valid' }
        : invalid('does not cover what it is presented for');
    case 'sshsig':
      return verifySshSignature(signature, message, namespace, key);
  }
}

function invalid(reason: string): SshVerdict {
  return { outcome: 'invalid', reason };
}
