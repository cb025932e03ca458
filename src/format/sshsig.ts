/**
 * OpenSSH signatures over messages (PROTOCOL.sshsig of OpenSSH; what `ssh-keygen -Y sign` writes), with Ed25519 keys. What
 * is signed is not the message but a structure around its hash, with a namespace: so a signature for one purpose is none
 * for another, and no such signature can be taken for one of an SSH login.
 */

import { base64Decode, base64Encode } from './base64.js';
import { concatBytes, equalBytes } from './bytes.js';
import { readSshPublicKeyBlob, sshEd25519, sshPublicKeyBlob } from './ssh-key.js';
import { SshReader, sshString } from './ssh-wire.js';
import { utf8Encode } from './utf8.js';

/** Which hash of the message is signed; ssh-keygen's default is `sha512`. */
export type SshHash = 'sha256' | 'sha512';

export interface SshSignature {
  /** The raw 32-byte key that claims to have signed. Nothing is trusted because it stands here. */
  readonly publicKey: Uint8Array;
  readonly namespace: string;
  readonly hash: SshHash;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

const magic = utf8Encode('SSHSIG');
const version = 1;
const beginning = '-----BEGIN SSH SIGNATURE-----';
const ending = '-----END SSH SIGNATURE-----';
const lineChars = 70;
const maxArmorChars = 16_384;

/**
 * Reads the blob. Throws SyntaxError for another version, an algorithm other than Ed25519, another hash, an empty namespace
 * (which the specification forbids), anything in the reserved field, and bytes that are missing or too many.
 */
export function parseSshSignature(blob: Uint8Array): SshSignature {
  const reader = new SshReader(blob, 'the SSH signature');
  if (!equalBytes(reader.bytes(magic.length), magic)) throw reader.fault('does not begin with SSHSIG');
  const stated = reader.uint32();
  if (stated !== version) throw reader.fault(`is of version ${stated}, not ${version}`);
  const publicKey = readSshPublicKeyBlob(reader.string());
  const namespace = reader.text();
  if (namespace === '') throw reader.fault('has no namespace');
  if (reader.string().length > 0) throw reader.fault('has something in its reserved field');
  const hash = reader.text();
  if (hash !== 'sha256' && hash !== 'sha512') throw reader.fault(`is over the hash ${JSON.stringify(hash)}`);
  const signature = readSignature(reader.string());
  reader.end();
  return { publicKey, namespace, hash, signature };
}

/** The 64 bytes out of an SSH signature's wire form (RFC 8709 section 6), as an agent answers. Throws SyntaxError. */
export function readSignature(blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob, 'the signature');
  const algorithm = reader.text();
  if (algorithm !== sshEd25519)
    throw reader.fault(`is of the algorithm ${JSON.stringify(algorithm)}, not ${sshEd25519}`);
  const signature = reader.string();
  if (signature.length !== 64) throw reader.fault(`holds ${signature.length} bytes, not 64`);
  reader.end();
  return signature;
}

/** The blob of a signature. */
export function encodeSshSignature({ publicKey, namespace, hash, signature }: SshSignature): Uint8Array {
  return concatBytes(
    magic,
    Uint8Array.of(0, 0, 0, version),
    sshString(sshPublicKeyBlob(publicKey)),
    sshString(utf8Encode(namespace)),
    sshString(new Uint8Array()),
    sshString(utf8Encode(hash)),
    sshString(concatBytes(sshString(utf8Encode(sshEd25519)), sshString(signature))),
  );
}

/** The bytes that the key signs, where `digest` is the message's under `hash`. */
export function sshSignedBytes(namespace: string, hash: SshHash, digest: Uint8Array): Uint8Array {
  return concatBytes(
    magic,
    sshString(utf8Encode(namespace)),
    sshString(new Uint8Array()),
    sshString(utf8Encode(hash)),
    sshString(digest),
  );
}

/** The blob out of its armor. Throws SyntaxError for text that is none, and for base64 in a second spelling. */
export function unarmorSshSignature(text: string): Uint8Array {
  if (text.length > maxArmorChars) throw new SyntaxError('the SSH signature is too long');
  const lines = text.replaceAll('\r\n', '\n').trimEnd().split('\n');
  if (lines[0] !== beginning || lines.at(-1) !== ending || lines.length < 3)
    throw new SyntaxError(`an SSH signature stands between ${beginning} and ${ending}`);
  return base64Decode(lines.slice(1, -1).join(''));
}

/** The armor around a blob, ended by a newline. */
export function armorSshSignature(blob: Uint8Array): string {
  const lines = base64Encode(blob).match(new RegExp(`.{1,${lineChars}}`, 'g')) ?? [];
  return `${[beginning, ...lines, ending].join('\n')}\n`;
}
