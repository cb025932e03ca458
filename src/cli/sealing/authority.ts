/**
 * The authority that approves states of a machine: an ECDSA key on P-256 in a file, which need not be on that machine but
 * while something is approved. Whoever has it can have the TPM open the PIN in a state of his own choice.
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createFile } from '../../kernel/private-file.js';
import { fileProblem, UsageError } from '../cli-error.js';

export interface Authority {
  readonly outcome: 'made' | 'present';
  /** x and y, 32 bytes each. */
  readonly point: Uint8Array;
  /** r and s, 32 bytes each. */
  approve(policy: Uint8Array, policyRef: Uint8Array): Uint8Array;
}

/** Reads the key (PEM); makes it when there is no such file and `ifMissing` says so. Throws UsageError. */
export function openAuthority(path: string, ifMissing: 'make' | 'refuse'): Authority {
  const outcome = ifMissing === 'make' && !existsSync(path) ? make(path) : 'present';
  const key = readKey(path);
  return {
    outcome,
    point: pointOf(key),
    approve: (policy, policyRef) =>
      new Uint8Array(sign('sha256', Buffer.concat([policy, policyRef]), { key, dsaEncoding: 'ieee-p1363' })),
  };
}

function make(path: string): 'made' | 'present' {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  try {
    return createFile(path, text, 0o600) === 'created' ? 'made' : 'present';
  } catch (cause) {
    throw new UsageError(fileProblem(path, cause), { cause });
  }
}

function readKey(path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(path));
  } catch (cause) {
    const known = cause instanceof Error && 'syscall' in cause;
    throw new UsageError(known ? fileProblem(path, cause) : `${path} holds no private key in PEM`, { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new UsageError(`${path} holds no key on P-256; name another file, and one is made there`);
  return key;
}

function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return new Uint8Array(Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]));
}
