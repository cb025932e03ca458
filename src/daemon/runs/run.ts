/** One governed process tree under one lease, as the daemon knows it while it lives. */

import type { ArtifactId } from '../../format/artifact-id.js';
import type { Confinement, DescendEnforcement, RunProcess } from '../../format/lease.js';
import type { Caller } from '../caller.js';
import type { ClientSession, HeldReceipt } from '../client-session.js';
import type { GrantedArtifact } from '../granted-artifact.js';

/** An entry of the log, by id and index. */
export interface Logged {
  readonly id: ArtifactId;
  readonly index: number;
}

/** What a run is from its beginning to its end. */
export interface RunFacts {
  /** The record that opened it: a run is known by its id. */
  readonly lease: Logged;
  readonly redemption: Logged;
  /** What it runs on; `artifact.state` is what the log says of that, and of its ancestors, at the moment of asking. */
  readonly artifact: GrantedArtifact;
  /** The connection of whoever runs it. */
  readonly session: ClientSession;
  /** Its first process, as the daemon sees it. */
  readonly process: RunProcess;
  readonly confinement: Confinement;
  readonly descend: DescendEnforcement;
  /** The lease of the run that it was started inside of; null where it was started outside of any. */
  readonly inside: ArtifactId | null;
  /** As of the receipt that it was opened on. */
  readonly bindings: HeldReceipt['bindings'];
}

export interface Run extends RunFacts {
  /** Whoever runs it, as last identified. */
  readonly runner: Caller;
  /** CLOCK_BOOTTIME at which it is killed unless its lease is renewed before, in milliseconds. */
  readonly deadlineBootMs: number;
  /** `ending`: its processes are being killed; none of them is believed any more. */
  readonly state: 'live' | 'ending';
}
