/** Keys and signatures made by the OpenSSH that is installed, so that what we read is what people's tools write. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSshPublicKey } from '../../src/format/ssh-key.js';
import { unarmorSshSignature } from '../../src/format/sshsig.js';

export interface SshKeyFile {
  /** The private key's file; the public one lies beside it, with `.pub` at its end. */
  readonly path: string;
  /** The line of the public key's file. */
  readonly line: string;
  readonly publicKey: Uint8Array;
}

/** A new key without a passphrase in a directory of its own. */
export function newSshKey(
  type: 'ed25519' | 'rsa' | 'ecdsa' = 'ed25519',
  comment = 'somebody@example',
): SshKeyFile {
  const path = join(mkdtempSync(join(tmpdir(), 'writ-ssh-')), 'id');
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', comment, '-f', path]);
  const line = readFileSync(`${path}.pub`, 'utf8');
  return { path, line, publicKey: type === 'ed25519' ? parseSshPublicKey(line).publicKey : new Uint8Array() };
}

/** The armored signature of `ssh-keygen -Y sign` over a message. */
export function sshKeygenSign(
  key: SshKeyFile,
  message: Uint8Array,
  namespace: string,
  options: readonly string[] = [],
): string {
  const file = join(mkdtempSync(join(tmpdir(), 'writ-ssh-')), 'message');
  writeFileSync(file, message);
  execFileSync('ssh-keygen', ['-Y', 'sign', '-f', key.path, '-n', namespace, ...options, file], {
    stdio: 'pipe',
  });
  return readFileSync(`${file}.sig`, 'utf8');
}

/** The same as a blob. */
export function sshSignatureBlob(
  key: SshKeyFile,
  message: Uint8Array,
  namespace: string,
  options: readonly string[] = [],
): Uint8Array {
  return unarmorSshSignature(sshKeygenSign(key, message, namespace, options));
}

/** Runs `work` beside an agent of its own that holds these keys; `environment` is what names it. */
export async function withSshAgent<Result>(
  keys: readonly SshKeyFile[],
  work: (environment: NodeJS.ProcessEnv) => Promise<Result>,
): Promise<Result> {
  const socket = join(mkdtempSync(join(tmpdir(), 'writ-ssh-')), 'agent');
  // In the foreground: then it is our child, and ends with us.
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(agent.stdout, 'data');
    const environment = { PATH: process.env.PATH, SSH_AUTH_SOCK: socket };
    for (const { path } of keys) execFileSync('ssh-add', ['-q', path], { env: environment, stdio: 'pipe' });
    return await work(environment);
  } finally {
    agent.kill();
  }
}
