/** An Ed25519 public key as people name it: by a line of OpenSSH, by its file, or as base64 of its 32 bytes. */

import { open } from 'node:fs/promises';
import { base64Decode, base64Encode } from '../format/base64.js';
import { parseSshPublicKey } from '../format/ssh-key.js';
import { verifyingKey } from '../verify/ed25519.js';
import { fileProblem, UsageError } from './cli-error.js';

const privateStart = '-----BEGIN ';

/**
 * The key that a word on the command line means, as base64: `ssh-ed25519 AAAA…`, the base64 itself, a file with such a line,
 * or a private key's file, beside which its public half lies as `.pub`. Throws UsageError.
 */
export async function principalKey(word: string): Promise<string> {
  const line = /^[A-Za-z0-9+/]{43}=$/.test(word) || word.startsWith('ssh-') ? word : await lineOf(word);
  try {
    const publicKey = line.startsWith('ssh-') ? parseSshPublicKey(line).publicKey : base64Decode(line.trim());
    return base64Encode(verifyingKey(publicKey).publicKey);
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw new UsageError(`${word} names no Ed25519 public key: ${cause.message}`, { cause });
  }
}

async function lineOf(path: string): Promise<string> {
  if (path.endsWith('.pub')) return readLine(path);
  try {
    return await readLine(`${path}.pub`);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    return readLine(path);
  }
}

/** The text of a file, unless it begins like a private key: then no more of it is read. */
async function readLine(path: string): Promise<string> {
  const text = await publicText(path).catch((cause: unknown) => {
    throw new UsageError(fileProblem(path, cause), { cause });
  });
  if (text === null) throw new UsageError(`${path} holds a private key; name the file of its public half`);
  return text;
}

async function publicText(path: string): Promise<string | null> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(privateStart.length), 0, privateStart.length, 0);
    return buffer.toString('latin1') === privateStart ? null : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
