/**
 * Ed25519 public keys as OpenSSH writes them: the wire form (RFC 8709 section 4), and the one-line form of a `.pub` file
 * (sshd(8), AUTHORIZED_KEYS FILE FORMAT, without options). Other algorithms are refused by name.
 */

import { base64Decode, base64Encode } from './base64.js';
import { concatBytes } from './bytes.js';
import { SshReader, sshString } from './ssh-wire.js';
import { utf8Encode } from './utf8.js';

/** The only algorithm: RFC 8709. */
export const sshEd25519 = 'ssh-ed25519';
const maxLineChars = 16_384;

/** The wire form of a raw 32-byte key. */
export function sshPublicKeyBlob(publicKey: Uint8Array): Uint8Array {
  return concatBytes(sshString(utf8Encode(sshEd25519)), sshString(publicKey));
}

/** The raw 32-byte key out of its wire form. Throws SyntaxError for another algorithm, a wrong length or anything behind it. */
export function readSshPublicKeyBlob(blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob, 'the SSH public key');
  const algorithm = reader.text();
  if (algorithm !== sshEd25519)
    throw reader.fault(`is of the algorithm ${JSON.stringify(algorithm)}, not ${sshEd25519}`);
  const publicKey = reader.string();
  if (publicKey.length !== 32) throw reader.fault(`holds ${publicKey.length} bytes of key, not 32`);
  reader.end();
  return publicKey;
}

/** `ssh-ed25519 AAAA… comment`: the raw 32-byte key and the comment, empty where there is none. Throws SyntaxError. */
export function parseSshPublicKey(line: string): {
  readonly publicKey: Uint8Array;
  readonly comment: string;
} {
  if (line.length > maxLineChars) throw new SyntaxError('the SSH public key is too long');
  const [, algorithm, encoded, comment] = /^(\S+)[ \t]+(\S+)(?:[ \t]+([^\r\n]*))?\r?\n?$/.exec(line) ?? [];
  if (algorithm === undefined || encoded === undefined)
    throw new SyntaxError('not a line with an SSH public key (ssh-ed25519 AAAA… comment)');
  if (algorithm !== sshEd25519)
    throw new SyntaxError(
      `the SSH public key is of the algorithm ${JSON.stringify(algorithm)}, not ${sshEd25519}`,
    );
  return { publicKey: readSshPublicKeyBlob(base64Decode(encoded)), comment: comment?.trim() ?? '' };
}

/** The one-line form without a newline. */
export function formatSshPublicKey(publicKey: Uint8Array, comment = ''): string {
  const line = `${sshEd25519} ${base64Encode(sshPublicKeyBlob(publicKey))}`;
  return comment === '' ? line : `${line} ${comment}`;
}
