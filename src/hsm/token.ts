/**
 * Setting up tokens and keys, for the command line and for development. Each call runs in a short-lived process of its
 * own, so that no vendor's module is ever loaded here. Every function throws HsmError, `no-answer` among its faults.
 */

import { randomBytes } from 'node:crypto';
import { exposureOf } from '../format/key-protection.js';
import { askOnce } from '../kernel/one-shot-process.js';
import { HsmError, hsmFault } from './faults.js';
import type { KeyDescription } from './key-description.js';
import type { PinnedToken } from './keys-file.js';
import { type PinSource, patienceMs } from './pin-source.js';
import {
  type InitializeRequest,
  type ModuleStatus,
  type ProvisioningAnswer,
  type ProvisioningRequest,
  parseProvisioningAnswer,
  type TokenIdentity,
  type TokenStatus,
} from './provisioning/protocol.js';
import type { SignedByKey } from './provisioning/signing.js';
import { noSuccession } from './succession.js';
import {
  type KeyRole,
  keyLabel,
  type ModuleLocation,
  moduleSettings,
  type PinnedKey,
  type ProvisionedRole,
  type TokenAccess,
  tokenName,
} from './token-access.js';

/** What it takes to set up a token. `soPin` is needed for a blank one only. */
export interface SetUpRequest extends ModuleLocation {
  readonly label: string;
  readonly userPin: PinSource;
  readonly soPin: PinSource | null;
}

/** Key generation on a slow token takes seconds; more than this is a token that hangs. */
const operationTimeoutMs = 60_000;

/** What a module says of itself, and every token that it shows, blank ones included. Needs no PIN. */
export async function moduleStatus(module: ModuleLocation): Promise<ModuleStatus> {
  const answer = await provision({ type: 'status', module }, module);
  return answer.type === 'tokens' ? answer.module : unexpected(answer);
}

/** Every token that a module shows, blank ones included. Needs no PIN. */
export async function tokenStatus(module: ModuleLocation): Promise<readonly TokenStatus[]> {
  return (await moduleStatus(module)).tokens;
}

/**
 * Initializes a blank token with label and PINs, or finishes one of that label that was left without a user PIN. Never
 * touches a token in use. Faults: `token-exists`, `no-free-slot`, `ed25519-unsupported`, `pin-unfit`, and the rest.
 */
export async function initializeToken(request: InitializeRequest): Promise<TokenIdentity> {
  const answer = await provision({ type: 'initialize', initialize: request }, request);
  return answer.type === 'initialized' ? answer.identity : unexpected(answer);
}

/** How a key pair is to be named: `label` for people, `id` (CKA_ID, lower-case hex) for whoever looks for it. */
export interface KeyName {
  readonly label: string;
  readonly id: string;
}

/** A name for a new key pair of a role, with an id that no other key bears. */
export function newKeyName(role: ProvisionedRole, generation = 1): KeyName {
  return { label: keyLabel(role, generation), id: randomBytes(8).toString('hex') };
}

/**
 * Generates an Ed25519 pair on the token: sensitive, never extractable, which is read back and checked.
 * Faults: `key-exists`, `key-exposed`, `token-full`, `ed25519-unsupported`, and those of a login.
 */
export async function generateKey(access: TokenAccess, { label, id }: KeyName): Promise<KeyDescription> {
  const answer = await provision({ type: 'generate', access, label, id }, access);
  const [key] = answer.type === 'keys' ? answer.keys : unexpected(answer);
  return key ?? unexpected(answer);
}

/** Generates the first pair of one role, under a name of its own. Faults: those of `generateKey`. */
export function generateRoleKey(access: TokenAccess, role: ProvisionedRole): Promise<KeyDescription> {
  return generateKey(access, newKeyName(role));
}

/** Signs a provisioning transcript (its PAE) with a pinned key. Faults: those of finding a key, and of a login. */
export async function certifyTranscript(
  access: TokenAccess,
  key: PinnedKey,
  transcript: Uint8Array,
): Promise<Uint8Array> {
  const answer = await provision({ type: 'certify', access, key, transcript }, access);
  return answer.type === 'signature' ? answer.signature : unexpected(answer);
}

/** Signs what a policy authority says (its PAE) with a pinned key. Faults: those of finding a key, and of a login. */
export async function signPolicyStatement(
  access: TokenAccess,
  key: PinnedKey,
  statement: Uint8Array,
): Promise<Uint8Array> {
  const answer = await provision({ type: 'say-policy', access, key, statement }, access);
  return answer.type === 'signature' ? answer.signature : unexpected(answer);
}

/** Signs the document of an approval with the key of that id (lower-case hex). Faults: those of finding a key, and of a login. */
export async function signApproval(
  access: TokenAccess,
  id: string,
  document: Uint8Array,
): Promise<SignedByKey> {
  const answer = await provision({ type: 'approve', access, id, document }, access);
  return answer.type === 'approval' ? answer.approval : unexpected(answer);
}

/** Signs the tree head of the empty log with its pinned key. Faults: those of finding a key, and of a login. */
export async function proveKeyPossession(
  access: TokenAccess,
  key: PinnedKey,
  origin: string,
): Promise<Uint8Array> {
  const answer = await provision({ type: 'possession', access, key, origin }, access);
  return answer.type === 'signature' ? answer.signature : unexpected(answer);
}

/** Every Ed25519 key pair on the token. */
export async function listKeys(access: TokenAccess): Promise<readonly KeyDescription[]> {
  const answer = await provision({ type: 'list', access }, access);
  return answer.type === 'keys' ? answer.keys : unexpected(answer);
}

/** The pair with this CKA_ID (lower-case hex). Faults: `key-missing`, `key-ambiguous`, and those of a login. */
export async function showKey(access: TokenAccess, id: string): Promise<KeyDescription> {
  const [key, ...others] = (await listKeys(access)).filter((listed) => listed.id === id);
  const name = tokenName(access.token);
  if (key === undefined)
    throw new HsmError(hsmFault('key-missing', `${name} holds no private key with id ${id}`));
  if (others.length > 0) {
    throw new HsmError(
      hsmFault('key-ambiguous', `${name} holds ${others.length + 1} private keys with id ${id}`),
    );
  }
  return key;
}

/**
 * From whatever is there to a token with both keys, and what to pin of it: initializes a blank token unless one bears
 * the label, generates each key that is missing. Finishes what an interrupted call left; takes over a token that was
 * initialized by its vendor's own tool. Faults: those of `initializeToken`, `generateRoleKey` and a login.
 */
export async function setUpToken(request: SetUpRequest): Promise<PinnedToken> {
  const { modulePath, softhsmConf, label, userPin, soPin } = request;
  const [usable, ...others] = (await tokenStatus(request)).filter(
    (token) => token.state === 'initialized' && token.label === label && token.userPin !== 'not-set',
  );
  if (others.length > 0) {
    const message = `${tokenName({ label })} exists ${others.length + 1} times in ${modulePath}`;
    throw new HsmError(hsmFault('token-ambiguous', message));
  }
  const { serial } = usable ?? (await initializeFor(request, soPin));
  return provisionKeys(
    { modulePath, softhsmConf, token: { label, serial }, pin: userPin },
    { label, serial },
  );
}

/**
 * Makes sure that an initialized token holds both keys, generates what is missing, and returns what to pin. To be used
 * once for a token: afterwards the keys file says which keys are right, and a missing one is a fault.
 */
export async function provisionKeys(access: TokenAccess, identity: TokenIdentity): Promise<PinnedToken> {
  const present = await listKeys(access);
  const log = await provisionKey(access, 'log', present);
  const artifact = await provisionKey(access, 'artifact', present);
  const { modulePath, softhsmConf, pin } = access;
  return { modulePath, softhsmConf, pin, token: identity, keys: { log, artifact }, succession: noSuccession };
}

async function initializeFor(request: SetUpRequest, soPin: PinSource | null): Promise<TokenIdentity> {
  if (soPin !== null) return initializeToken({ ...request, soPin });
  const message = `${tokenName(request)} is not there, and to initialize it takes a security officer's PIN`;
  throw new HsmError(hsmFault('pin-file', message));
}

async function provisionKey(
  access: TokenAccess,
  role: KeyRole,
  present: readonly KeyDescription[],
): Promise<PinnedKey> {
  const label = keyLabel(role);
  const key = present.find((listed) => listed.label === label) ?? (await generateRoleKey(access, role));
  const name = tokenName(access.token);
  const exposed = exposureOf(key.protection);
  if (exposed !== null)
    throw new HsmError(hsmFault('key-exposed', `${name} holds a ${role} key that ${exposed}`));
  if (key.publicKey === null) {
    throw new HsmError(hsmFault('key-missing', `${name} holds a ${role} key without its public half`));
  }
  return { id: key.id, publicKey: key.publicKey };
}

/** Runs one request in a process of its own. */
async function provision(request: ProvisioningRequest, module: ModuleLocation): Promise<ProvisioningAnswer> {
  const asked = await askOnce(
    new URL('./provisioning/main.js', import.meta.url),
    moduleSettings(module.softhsmConf),
    request,
    parseProvisioningAnswer,
    operationTimeoutMs + patienceWith(request),
  );
  if (asked.outcome === 'silent')
    throw new HsmError(hsmFault('no-answer', `the process that loaded ${module.modulePath} ${asked.how}`));
  if (asked.answer.type === 'failed') throw new HsmError(asked.answer.fault);
  return asked.answer;
}

/** The time that people may take to answer, in milliseconds. */
function patienceWith(request: ProvisioningRequest): number {
  switch (request.type) {
    case 'status':
      return 0;
    case 'initialize':
      // A PIN that the token is about to learn is asked for twice.
      return 2 * (patienceMs(request.initialize.soPin) + patienceMs(request.initialize.userPin));
    case 'generate':
    case 'certify':
    case 'say-policy':
    case 'approve':
    case 'possession':
    case 'list':
      return patienceMs(request.access.pin);
  }
}

function unexpected({ type }: ProvisioningAnswer): never {
  throw new TypeError(`the provisioning process gave an answer that was not asked for: ${type}`);
}
