/** The compiled addon native/build/Release/writ_tpm.node as it is: its functions, and how it is loaded. Only addon.ts calls it. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Secret } from '../kernel/secret.js';
import { TpmAddonError } from './addon-error.js';
import type { TpmClock, TpmProperties } from './tpm.js';

/** An open connection; the addon alone can look inside. */
export interface NativeConnection {
  readonly connection: unique symbol;
}

interface NativePublic {
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
}

interface NativeSealed {
  readonly publicArea: Uint8Array;
  readonly privateArea: Uint8Array;
  readonly parentName: Uint8Array;
}

/** See Tpm in tpm.ts. Endorsement keys are chosen by `ecc`: P-256, otherwise RSA 2048. PCR indexes go as bytes. */
export interface NativeTpm {
  open(tcti: string): NativeConnection;
  close(connection: NativeConnection): void;
  random(connection: NativeConnection, sizeBytes: number): Uint8Array;
  properties(connection: NativeConnection): TpmProperties;
  readClock(connection: NativeConnection): TpmClock;
  readPcrs(connection: NativeConnection, indexes: Uint8Array): Uint8Array;
  quote(
    connection: NativeConnection,
    handle: number,
    indexes: Uint8Array,
    qualifyingData: Uint8Array,
  ): { readonly attest: Uint8Array; readonly signature: Uint8Array; readonly pcrDigest: Uint8Array };
  createAttestationKey(connection: NativeConnection, handle: number): NativePublic;
  readPublic(connection: NativeConnection, handle: number): NativePublic;
  removeKey(connection: NativeConnection, handle: number): void;
  endorsementKey(connection: NativeConnection, ecc: boolean): NativePublic;
  activateCredential(
    connection: NativeConnection,
    handle: number,
    ecc: boolean,
    blob: Uint8Array,
    encryptedSecret: Uint8Array,
  ): Uint8Array;
  readNv(connection: NativeConnection, index: number): Uint8Array;
  defineCounter(connection: NativeConnection, index: number): NativePublic & { readonly attributes: number };
  counterPublic(connection: NativeConnection, index: number): NativePublic & { readonly attributes: number };
  readCounter(connection: NativeConnection, index: number): bigint;
  incrementCounter(connection: NativeConnection, index: number): bigint;
  removeCounter(connection: NativeConnection, index: number): void;
  pcrPolicy(connection: NativeConnection, indexes: Uint8Array, pcrDigest: Uint8Array): Uint8Array;
  statePolicy(
    connection: NativeConnection,
    indexes: Uint8Array,
    pcrDigest: Uint8Array,
    counter: number,
    highest: number,
  ): Uint8Array;
  authorityPolicy(connection: NativeConnection, point: Uint8Array, policyRef: Uint8Array): Uint8Array;
  seal(connection: NativeConnection, secret: Secret, policy: Uint8Array): NativeSealed;
  unsealUnderPcrs(
    connection: NativeConnection,
    publicArea: Uint8Array,
    privateArea: Uint8Array,
    parentName: Uint8Array,
    indexes: Uint8Array,
    pcrDigest: Uint8Array,
  ): Secret;
  unsealApproved(
    connection: NativeConnection,
    publicArea: Uint8Array,
    privateArea: Uint8Array,
    parentName: Uint8Array,
    indexes: Uint8Array,
    pcrDigest: Uint8Array,
    counter: number,
    highest: number,
    point: Uint8Array,
    policyRef: Uint8Array,
    signature: Uint8Array,
  ): Secret;
}

const functionNames: readonly (keyof NativeTpm)[] = [
  'open',
  'close',
  'random',
  'properties',
  'readClock',
  'readPcrs',
  'quote',
  'createAttestationKey',
  'readPublic',
  'removeKey',
  'endorsementKey',
  'activateCredential',
  'readNv',
  'defineCounter',
  'counterPublic',
  'readCounter',
  'incrementCounter',
  'removeCounter',
  'pcrPolicy',
  'statePolicy',
  'authorityPolicy',
  'seal',
  'unsealUnderPcrs',
  'unsealApproved',
];

const addonPath = fileURLToPath(new URL('../../../native/build/Release/writ_tpm.node', import.meta.url));
const loadModule = createRequire(import.meta.url);

let loadedAddon: NativeTpm | null = null;

/** The addon, loaded once for each thread. Throws TpmAddonError, code TPM_UNSUPPORTED. */
export function loadTpmAddon(path = addonPath): NativeTpm {
  if (path !== addonPath) return load(path);
  loadedAddon ??= load(path);
  return loadedAddon;
}

function load(path: string): NativeTpm {
  if (!existsSync(path))
    throw unsupported('this build has no TPM support: install libtss2-dev, then run `npm run build`');
  let loaded: unknown;
  try {
    loaded = loadModule(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unsupported(
      `${path} cannot be loaded (${reason}): install tpm2-tss or run \`npm run build\``,
      cause,
    );
  }
  if (!isNativeTpm(loaded)) throw unsupported(`${path} is of another version: run \`npm run build\``);
  return loaded;
}

function unsupported(explanation: string, cause?: unknown): TpmAddonError {
  const facts = { code: 'TPM_UNSUPPORTED', command: 'load', rc: null } as const;
  return new TpmAddonError({ ...facts, message: `TPM_UNSUPPORTED: ${explanation}` }, { cause });
}

function isNativeTpm(candidate: unknown): candidate is NativeTpm {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const members = new Map<string, unknown>(Object.entries(candidate));
  return functionNames.every((name) => typeof members.get(name) === 'function');
}
