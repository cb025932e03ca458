/** A state directory with a real SoftHSM2 token in it, and what tests ask of its signer. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Checkpoint } from '../../src/format/checkpoint.js';
import { ensureDevelopmentToken } from '../../src/hsm/development-token.js';
import type { PinnedToken } from '../../src/hsm/keys-file.js';
import type { PinSource } from '../../src/hsm/pin-source.js';
import type { SignerConfig } from '../../src/hsm/process-signer.js';

export interface TokenHome {
  readonly home: string;
  readonly pinned: PinnedToken;
  readonly userPinFile: string;
  readonly soPinFile: string;
  /** Where SoftHSM2 keeps the token's files. */
  readonly tokens: string;
  remove(): void;
}

export const testOrigin = 'test.example/hsm';

/** Makes a token in a new temporary directory. */
export async function makeTokenHome(): Promise<TokenHome> {
  const home = makeTemporaryDirectory();
  const { pinned } = await ensureDevelopmentToken(home, process.env);
  return {
    home,
    pinned,
    userPinFile: join(home, 'softhsm2', 'user.pin'),
    soPinFile: join(home, 'softhsm2', 'so.pin'),
    tokens: join(home, 'softhsm2', 'tokens'),
    remove: () => rmSync(home, { recursive: true }),
  };
}

export function makeTemporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'writ-hsm-'));
}

/** A signer's configuration with room for a busy machine. */
export function signerConfig(pinned: PinnedToken, changes: Partial<SignerConfig> = {}): SignerConfig {
  return {
    ...pinned,
    origin: testOrigin,
    floor: Promise.resolve(null),
    callTimeoutMs: 5_000,
    startTimeoutMs: 20_000,
    onWarning: (warning) => {
      throw new Error(`unexpected: ${warning}`);
    },
    benchDelayMs: 0,
    ...changes,
  };
}

/** A PIN in a file. */
export function filePin(path: string): PinSource {
  return { type: 'file', path };
}

/** A tree head of the test log; `fill` makes another root at the same size. */
export function treeHead(size: number, fill = size % 256): Checkpoint {
  return { origin: testOrigin, size, root: new Uint8Array(32).fill(fill) };
}

/** Waits until `condition` holds; asks every 20 ms. Rejects after `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 20) {
    if (waitedMs >= timeoutMs) throw new Error(`this never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
