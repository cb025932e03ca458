/**
 * The key with which a person approves: an OpenSSH key through ssh-keygen or the agent, or a key on a PKCS#11 token. The private
 * half is read by neither Writ nor the daemon.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type ApprovalDocument, approvalNamespace, encodeApproval } from '../format/approval.js';
import { base64Encode } from '../format/base64.js';
import type { ApproveParams } from '../format/pending.js';
import { parseSshPublicKey } from '../format/ssh-key.js';
import { parseSshSignature } from '../format/sshsig.js';
import { MissingError, UsageError } from './cli-error.js';
import type { CliContext } from './context.js';

export interface KeyFlags {
  readonly sshKey?: string;
  readonly token?: string;
  readonly key?: string;
  readonly module?: string;
  readonly pinFile?: string;
}

/** `agent`: whichever key of the agent an approver has. */
export type ApprovingKey =
  | { readonly type: 'agent' }
  | { readonly type: 'ssh'; readonly file: string }
  | { readonly type: 'token'; readonly label: string; readonly id: string; readonly flags: KeyFlags };

/** The key that the options name; the agent where they name none and there is one. Throws UsageError. */
export function approvingKey(flags: KeyFlags, environment: CliContext['environment']): ApprovingKey {
  const { sshKey, token, key } = flags;
  if (sshKey !== undefined && token !== undefined)
    throw new UsageError('choose one of --ssh-key and --token');
  if (token !== undefined) {
    if (key === undefined || !/^(?:[0-9a-f]{2})+$/.test(key))
      throw new UsageError('name the key on the token with --key: its id in hexadecimal');
    return { type: 'token', label: token, id: key, flags };
  }
  if (sshKey !== undefined && sshKey !== 'agent') return { type: 'ssh', file: sshKey };
  if (sshKey === 'agent' || environment.SSH_AUTH_SOCK !== undefined) return { type: 'agent' };
  throw new UsageError('name your key: --ssh-key FILE, --ssh-key agent, or --token LABEL --key ID');
}

/**
 * Signs the document. `approverKeys`: base64 of the keys that count for this request, by which one of the agent's is chosen.
 * Throws UsageError, MissingError and HsmError.
 */
export async function signWith(
  key: ApprovingKey,
  document: ApprovalDocument,
  approverKeys: ReadonlySet<string>,
  context: CliContext,
): Promise<ApproveParams> {
  switch (key.type) {
    case 'ssh':
      return signByFile(key.file, document);
    case 'agent':
      return signByAgent(document, approverKeys, context);
    case 'token':
      return signByToken(key, document, context);
  }
}

async function signByFile(file: string, document: ApprovalDocument): Promise<ApproveParams> {
  const { signWithSshKey } = await import('./ssh-signing.js');
  const blob = await signWithSshKey(file, approvalNamespace, encodeApproval(document));
  const { hash, signature } = parseSshSignature(blob.signature);
  if (hash !== 'sha512')
    throw new UsageError('ssh-keygen signed with another hash than its default, SHA-512');
  return {
    pending: document.pending,
    key: base64Encode(blob.publicKey),
    form: 'sshsig',
    signature: base64Encode(signature),
  };
}

/** ssh-keygen asks the agent for whatever it is given the public half of. */
async function signByAgent(
  document: ApprovalDocument,
  approverKeys: ReadonlySet<string>,
  context: CliContext,
): Promise<ApproveParams> {
  const lines = await agentKeys(context);
  const line = lines.find((candidate) =>
    approverKeys.has(base64Encode(parseSshPublicKey(candidate).publicKey)),
  );
  if (line === undefined)
    throw new MissingError(
      `none of the ${lines.length} Ed25519 keys of the agent is of an approver of this request (ssh-add -L lists them)`,
    );
  const directory = await mkdtemp(join(tmpdir(), 'writ-approve-'));
  try {
    const file = join(directory, 'key.pub');
    await writeFile(file, `${line}\n`);
    return await signByFile(file, document);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The lines of the Ed25519 keys that the agent holds. */
async function agentKeys({ environment }: CliContext): Promise<readonly string[]> {
  if (environment.SSH_AUTH_SOCK === undefined)
    throw new MissingError('there is no ssh-agent here: SSH_AUTH_SOCK is not set');
  try {
    const { stdout } = await promisify(execFile)('ssh-add', ['-L']);
    return stdout.split('\n').filter((line) => line.startsWith('ssh-ed25519 '));
  } catch (cause) {
    // Its exit status is 1 also where the agent holds no key.
    throw new MissingError('the agent shows no keys (ssh-add -L); add yours with ssh-add', { cause });
  }
}

async function signByToken(
  { label, id, flags }: Extract<ApprovingKey, { type: 'token' }>,
  document: ApprovalDocument,
  { environment }: CliContext,
): Promise<ApproveParams> {
  const { findSofthsmModule } = await import('../hsm/softhsm.js');
  const { signApproval } = await import('../hsm/token.js');
  const access = {
    modulePath: flags.module === undefined ? findSofthsmModule(environment) : resolve(flags.module),
    softhsmConf: environment.SOFTHSM2_CONF ?? null,
    token: { label },
    pin:
      flags.pinFile === undefined
        ? ({ type: 'prompt' } as const)
        : ({ type: 'file', path: resolve(flags.pinFile) } as const),
  };
  const { publicKey, signature } = await signApproval(access, id, encodeApproval(document));
  return {
    pending: document.pending,
    key: base64Encode(publicKey),
    form: 'ed25519',
    signature: base64Encode(signature),
  };
}
