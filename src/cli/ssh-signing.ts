/**
 * Signs with a person's OpenSSH key. The key's bytes are never read here: ssh-keygen signs, with the private key's file, or
 * through the agent (SSH_AUTH_SOCK) where it is given the public one; so keys on tokens and encrypted keys work as well.
 */

import { spawn } from 'node:child_process';
import { parseSshSignature, unarmorSshSignature } from '../format/sshsig.js';
import { MissingError, UsageError } from './cli-error.js';

export interface SshSigned {
  /** The raw 32-byte key that signed. */
  readonly publicKey: Uint8Array;
  /** The blob of the signature (format/sshsig.ts). */
  readonly signature: Uint8Array;
}

/**
 * Signs a message for the purpose `namespace`. `keyFile`: of a private key, or of a public one that the agent holds.
 * ssh-keygen asks for a passphrase on the terminal. Throws UsageError with its words where it does not sign, and for keys
 * other than Ed25519; MissingError where there is no ssh-keygen.
 */
export async function signWithSshKey(
  keyFile: string,
  namespace: string,
  message: Uint8Array,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<SshSigned> {
  const armored = await sshKeygen(['-Y', 'sign', '-f', keyFile, '-n', namespace], message, environment);
  try {
    const signature = unarmorSshSignature(armored);
    return { publicKey: parseSshSignature(signature).publicKey, signature };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`${keyFile} cannot be used: ${cause.message}`, { cause });
  }
}

function sshKeygen(
  words: readonly string[],
  input: Uint8Array,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh-keygen', words, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? new MissingError('there is no ssh-keygen here; install OpenSSH', { cause })
          : cause,
      ),
    );
    child.once('close', (exitCode) => {
      if (exitCode === 0) resolve(output);
      else
        reject(new UsageError(`ssh-keygen did not sign: ${complaint.trim() || `exit status ${exitCode}`}`));
    });
    // It may end before it has read everything; its exit status tells why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
