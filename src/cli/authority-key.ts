/**
 * The key of a policy authority, or of a delegate, on its PKCS#11 token: how the command line finds it and has it sign. The
 * process that loads the token's module signs statements of policy authorities alone.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { base64Encode } from '../format/base64.js';
import type { Envelope } from '../format/dsse.js';
import { jcsText } from '../format/jcs.js';
import type { PolicyDocument } from '../format/policy-document.js';
import {
  encodePolicyStatement,
  type PolicyStatement,
  policyPayloadType,
} from '../format/policy-statement.js';
import type { KeyDescription } from '../hsm/key-description.js';
import type { PinnedKey, TokenAccess } from '../hsm/token-access.js';
import { MissingError, UsageError } from './cli-error.js';
import type { CliContext } from './context.js';
import { appended } from './option-values.js';
import { readPolicyDocument } from './policy-place.js';

export interface AuthorityFlags {
  readonly token?: string;
  readonly key?: string;
  readonly module?: string;
  readonly pinFile?: string;
  readonly chain: readonly string[];
}

/** The options by which a command finds the authority's key. */
export function addAuthorityOptions(command: Command): Command {
  return command
    .option(
      '--token <label>',
      'the token of the authority (otherwise that of the ceremony in the state directory)',
    )
    .option('--key <id>', 'the id of its key, in hexadecimal (otherwise the newest policy key on the token)')
    .option('--module <file>', "the token's PKCS#11 module (otherwise SoftHSM2)")
    .option('--pin-file <file>', "the file that holds the token's PIN (otherwise you are asked)")
    .option(
      '--chain <file>',
      'a document of writ policy delegate or rotate-authority that goes along; can be given several times',
      appended,
      [],
    );
}

/** How to log in to the authority's token. Throws UsageError where nothing says which it is. */
export async function authorityToken(
  { environment, locations }: CliContext,
  { token, module, pinFile }: AuthorityFlags,
): Promise<TokenAccess> {
  if (token === undefined) return ceremonyToken(locations.stateDirectory);
  const { findSofthsmModule } = await import('../hsm/softhsm.js');
  return {
    modulePath: module === undefined ? findSofthsmModule(environment) : resolve(module),
    softhsmConf: environment.SOFTHSM2_CONF ?? null,
    token: { label: token },
    pin: pinFile === undefined ? { type: 'prompt' } : { type: 'file', path: resolve(pinFile) },
  };
}

async function ceremonyToken(stateDirectory: string): Promise<TokenAccess> {
  const { Progress } = await import('./ceremony/progress.js');
  const authority = Progress.find(stateDirectory)?.plan.authority;
  if (authority === undefined || authority === null)
    throw new UsageError(
      `name the token of the policy authority with --token: no ceremony in ${stateDirectory} made one`,
    );
  const { module, softhsmConf, label, serial, pin } = authority;
  return { modulePath: module, softhsmConf, token: serial === null ? { label } : { serial, label }, pin };
}

/** The key that the options name, else the newest policy key on the token. Throws UsageError, MissingError and HsmError. */
export async function authorityKey(access: TokenAccess, { key: id }: AuthorityFlags): Promise<PinnedKey> {
  const { listKeys } = await import('../hsm/token.js');
  const keys = await listKeys(access);
  const named =
    id === undefined
      ? keys.toSorted((left, right) => generationOf(right) - generationOf(left)).slice(0, 1)
      : keys.filter((key) => key.id === id);
  const [key] = named.filter((candidate) => id !== undefined || generationOf(candidate) > 0);
  if (key === undefined)
    throw new MissingError(
      id === undefined
        ? 'the token holds no key with the label "writ policy key"; name one with --key'
        : `the token holds no key with the id ${id}`,
    );
  if (key.publicKey === null)
    throw new MissingError(`the token does not show the public half of the key ${key.id}`);
  return { id: key.id, publicKey: key.publicKey };
}

/** Which of the policy keys it is, counted from 1; 0 for any other key. */
export function generationOf({ label }: KeyDescription): number {
  const [, number = '1'] = /^writ policy key(?: ([1-9][0-9]*))?$/.exec(label) ?? [];
  return label.startsWith('writ policy key') ? Number(number) : 0;
}

/** A statement, signed by each of the keys. Throws HsmError. */
export async function signedStatement(
  access: TokenAccess,
  keys: readonly PinnedKey[],
  statement: PolicyStatement,
): Promise<Envelope> {
  const { signPolicyStatement } = await import('../hsm/token.js');
  const payload = encodePolicyStatement(statement);
  const signatures: { readonly keyid: string; readonly sig: string }[] = [];
  for (const key of keys) {
    const signature = await signPolicyStatement(access, key, payload);
    signatures.push({ keyid: base64Encode(key.publicKey), sig: base64Encode(signature) });
  }
  return { payload: base64Encode(payload), payloadType: policyPayloadType, signatures };
}

/** What the documents of `--chain` say of keys, each statement once. Throws UsageError. */
export async function chainOf({ chain: files }: AuthorityFlags): Promise<readonly Envelope[]> {
  const statements = new Map<string, Envelope>();
  for (const file of files)
    for (const envelope of (await readPolicyDocument(file)).chain) statements.set(envelope.payload, envelope);
  return [...statements.values()];
}

/** Writes a policy document. Throws UsageError. */
export async function writePolicyDocument(path: string, document: PolicyDocument): Promise<void> {
  const { writeText } = await import('./artifact-file.js');
  await writeText(path, jcsText(document));
}

/** A document that carries statements about keys alone. */
export function keyDocument(chain: readonly Envelope[]): PolicyDocument {
  return { type: 'urn:writ:policy-document:v1', files: null, tests: null, statement: null, chain };
}
