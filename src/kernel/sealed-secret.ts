/**
 * Lets a secret out of the TPM, straight into a locked page: all that a process needs of the TPM which wants nothing else of
 * it, such as the one that logs in to a token. Everything else about TPMs is in src/tpm.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Secret } from './addon.js';

/** A sealed secret, and the approval of the machine's state that opens it (src/tpm/tpm.ts says what each part means). */
export interface OpenableSecret {
  /** Where the TPM is: `device:/dev/tpmrm0` or `swtpm:path=/a/socket`. */
  readonly tcti: string;
  readonly publicArea: Uint8Array;
  readonly privateArea: Uint8Array;
  readonly parentName: Uint8Array;
  readonly pcrs: readonly number[];
  readonly pcrDigest: Uint8Array;
  readonly counterIndex: number;
  readonly highestVersion: number;
  readonly authorityPoint: Uint8Array;
  readonly policyRef: Uint8Array;
  readonly signature: Uint8Array;
}

/** What the addon writ_tpm.node does for that. */
interface UnsealingAddon {
  open(tcti: string): object;
  close(connection: object): void;
  unsealApproved(connection: object, ...parts: readonly (Uint8Array | number)[]): Secret;
}

const addonPath = fileURLToPath(new URL('../../../native/build/Release/writ_tpm.node', import.meta.url));
const loadModule = createRequire(import.meta.url);

/**
 * Unseals; blocks until the TPM has answered. Throws an Error whose message begins with a code of the TPM's addon:
 * TPM_POLICY, the machine is in another state than the approved one; TPM_FOREIGN, another TPM sealed it; TPM_GONE; or
 * what loading the addon throws.
 */
export function unsealSecret(sealed: OpenableSecret): Secret {
  const addon = loadAddon();
  const connection = addon.open(sealed.tcti);
  try {
    return addon.unsealApproved(
      connection,
      sealed.publicArea,
      sealed.privateArea,
      sealed.parentName,
      Uint8Array.from(sealed.pcrs),
      sealed.pcrDigest,
      sealed.counterIndex,
      sealed.highestVersion,
      sealed.authorityPoint,
      sealed.policyRef,
      sealed.signature,
    );
  } finally {
    addon.close(connection);
  }
}

function loadAddon(): UnsealingAddon {
  const loaded: unknown = loadModule(addonPath);
  if (isUnsealingAddon(loaded)) return loaded;
  throw new Error(`${addonPath} is of another version: run \`npm run build\``);
}

function isUnsealingAddon(candidate: unknown): candidate is UnsealingAddon {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const members = new Map<string, unknown>(Object.entries(candidate));
  return ['open', 'close', 'unsealApproved'].every((name) => typeof members.get(name) === 'function');
}
