/**
 * The token providers that the conformance suite runs over, as data. Every token here is a SoftHSM2; what differs is
 * how it behaves: at once, slowly, or failing in the middle of a call.
 */

import { renameSync } from 'node:fs';
import type { SignerConfig } from '../../src/hsm/process-signer.js';
import type { TokenHome } from '../hsm/token-home.js';

export interface TokenProvider {
  readonly name: string;
  readonly config: Partial<SignerConfig>;
  /** What befalls the token while a call is on its way; null for one that works. */
  readonly disturbance: Disturbance | null;
}

export interface Disturbance {
  /** `pid`: the signer process. Returns how to end the disturbance. */
  begin(token: TokenHome, pid: number): () => void;
  /** The sentence with which the call in flight is answered, unless the signature was made before. */
  readonly answer: RegExp;
}

/** Long enough for a disturbance to begin while the token works. */
const slowMs = 100;

export const tokenProviders: readonly TokenProvider[] = [
  { name: 'SoftHSM2', config: {}, disturbance: null },
  { name: 'a token that takes 100 ms a signature', config: { benchDelayMs: slowMs }, disturbance: null },
  {
    name: 'a token whose process is killed',
    config: { benchDelayMs: slowMs },
    disturbance: {
      begin: (_, pid) => {
        process.kill(pid, 'SIGKILL');
        return () => {};
      },
      answer: /^the signer process of the token .* ended unasked \(SIGKILL\)$/,
    },
  },
  {
    name: 'a token that hangs',
    config: { benchDelayMs: slowMs, callTimeoutMs: 1_000 },
    disturbance: {
      begin: (_, pid) => {
        process.kill(pid, 'SIGSTOP');
        return () => {};
      },
      answer: /^the signer process of the token .* did not answer within 1000 ms and was stopped$/,
    },
  },
  {
    name: 'a token that is taken away',
    config: { benchDelayMs: slowMs },
    disturbance: {
      begin: ({ tokens }) => {
        renameSync(tokens, `${tokens}.away`);
        return () => renameSync(`${tokens}.away`, tokens);
      },
      answer: /^the token .* is gone$/,
    },
  },
];
