/** One client for as long as its connection lasts: who it is, how to say something to it, and what it was given. */

import type { ArtifactId } from '../format/artifact-id.js';
import type { Binding } from '../format/predicate.js';
import type { PeerConnection } from '../identity/peer.js';
import type { Push } from './connection.js';
import type { Observation } from './lineage/observation.js';

/** A receipt that was given over this connection, of an artifact that is used under a lease. */
export interface HeldReceipt {
  /** Log index of the redemption. */
  readonly index: number;
  readonly artifact: ArtifactId;
  /** The redeemer's own nonce (base64): whoever opens a lease on the receipt shows it. */
  readonly redeemerNonce: string;
  /** What the action's own file added to the environment when it was redeemed: the interpreters of a script. */
  readonly bindings: readonly Binding[];
}

export class ClientSession {
  readonly peer: PeerConnection;
  readonly push: Push;
  /** Which run its process was seen inside of. */
  readonly observation: Observation;
  readonly #receipts = new Map<ArtifactId, HeldReceipt>();
  #closed = false;

  constructor(peer: PeerConnection, push: Push, observation: Observation) {
    this.peer = peer;
    this.push = push;
    this.observation = observation;
  }

  /** Whether the connection is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Remembers a receipt by its id: a lease is opened only by the connection that redeemed. */
  hold(id: ArtifactId, receipt: HeldReceipt): void {
    this.#receipts.set(id, receipt);
  }

  /** The receipt with this id, if this connection was given it. */
  receipt(id: ArtifactId): HeldReceipt | null {
    return this.#receipts.get(id) ?? null;
  }

  close(): void {
    this.#closed = true;
    this.peer.close();
  }
}
