/** The signer of one token, as the rest of Writ sees it. */

import type { Checkpoint } from '../format/checkpoint.js';
import type { Denial } from '../format/denial.js';

/** Raw 32-byte Ed25519 public keys. */
export interface SignerKeys {
  readonly log: Uint8Array;
  readonly artifact: Uint8Array;
}

/**
 * `signed`: 64 bytes that verified under the pinned public key before they were handed out.
 * `unavailable`: no signature was made, or none that anybody will see; the caller may ask again.
 * `refused`: the signer judged the request illegitimate and will never sign it: a checkpoint of another log, of a
 * smaller size or with another root at the same size, or bytes that are no statement of ours.
 */
export type SignerReply =
  | { readonly outcome: 'signed'; readonly signature: Uint8Array }
  | { readonly outcome: 'unavailable'; readonly denial: Denial<'HSM_UNAVAILABLE'> }
  | { readonly outcome: 'refused'; readonly reason: string };

/**
 * `ready`: calls reach the token. `restarting`: the signer process ended and a new one is on its way; calls are
 * `unavailable` at once. `closed`: nothing will be signed again, because `close` was called or the token refused the PIN.
 */
export type SignerState = 'ready' | 'restarting' | 'closed';

/**
 * Guarantees:
 * - Every call settles, none rejects. A call waits for earlier ones and then for the token, each at most the configured
 *   call timeout.
 * - Calls may overlap: they queue, a checkpoint before statements, and the token sees one at a time. A full queue is
 *   `unavailable` at once.
 * - No call is repeated behind the caller's back. A token that hangs or crashes costs the call in flight; the process
 *   that holds it is killed, and started again after a pause that grows from 0.1 s to 10 s.
 * - The log key never signs two histories: across restarts of the signer process too, a checkpoint only replaces one of
 *   smaller size, or equals the last. That a larger tree extends a smaller one is for the log to ensure.
 */
export interface Signer {
  readonly keys: SignerKeys;
  readonly state: SignerState;
  /** Signs `formatCheckpoint(checkpoint)` with the log key. */
  signCheckpoint(checkpoint: Checkpoint): Promise<SignerReply>;
  /** Signs `pae(payloadType, payload)` with the artifact key; the payload must be a statement of ours. */
  signStatement(payloadType: string, payload: Uint8Array): Promise<SignerReply>;
  /** Lets the call in flight finish, logs out and ends the signer process. */
  close(): Promise<void>;
}
