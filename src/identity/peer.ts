/**
 * Who asks: the process at the other end of a Unix socket. Its uid, gid, groups and label are those of the moment it
 * connected (unix(7)); its executable and control group are read again for each request, because a process can execute
 * another program. All of it is believed only if the process is still the one that connected, after the last read.
 */

import { type Denial, denial } from '../format/denial.js';
import type { DigestSet } from '../format/digest-set.js';
import { exactText } from '../format/exact-text.js';
import type { ExecutableFact, Peer } from '../format/predicate.js';
import { type ConnectedPeer, nativeAddon } from '../kernel/addon.js';
import { ProcessReadError, readCgroup, readNamespace, readProcessStat } from '../kernel/process.js';
import { glanceAtProcess, type ProcessExtraNames, type ProcessFacts } from '../kernel/process-facts.js';

export type CurrentPeer =
  | { readonly outcome: 'identified'; readonly peer: Peer }
  | { readonly outcome: 'denied'; readonly denial: Denial<'IDENTITY_MISMATCH'> };

/** Reads an executable through a path such as /proc/PID/exe; `path` is the file's own name, as bytes. */
export type ReadExecutable = (path: string) => Promise<ExecutableReading>;
export type ExecutableReading =
  | {
      readonly outcome: 'digested';
      readonly path: Uint8Array;
      readonly digests: DigestSet;
      /** Whether root alone can change the file. */
      readonly protection: 'root-only' | 'changeable';
    }
  | { readonly outcome: 'refused'; readonly reason: string };

/** `present`: every connection must give a pidfd. `absent`: the kernel is older than Linux 6.5, and none does. */
export type PidfdSupport = 'present' | 'absent';

/** The peer of a new connection cannot be known: close the connection. */
export class PeerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PeerError';
  }
}

/** Asked once at start: later, an answer that the kernel fails to give is never taken for a kernel that cannot give it. */
export function probePidfdSupport(): PidfdSupport {
  return nativeAddon().supportsPeerPidfd() ? 'present' : 'absent';
}

/** What stays as it was when the connection was made. */
export type ConnectionFacts = Omit<Peer, 'executable' | 'cgroup'>;

/** One connection's peer. Owns the pidfd: close it with the connection. */
export class PeerConnection {
  readonly facts: ConnectionFacts;
  readonly pidfdSupport: PidfdSupport;
  #pidfd: number | null;

  /** `pidfd` is null only where the kernel has none to give. */
  constructor(facts: ConnectionFacts, pidfd: number | null) {
    this.facts = facts;
    this.pidfdSupport = pidfd === null ? 'absent' : 'present';
    this.#pidfd = pidfd;
  }

  /** Whether the process that connected still runs. Never true again once it was false, or after `close`. */
  isAlive(): boolean {
    if (this.pidfdSupport === 'present') {
      if (this.#pidfd === null || !nativeAddon().pidfdAlive(this.#pidfd)) return false;
    }
    try {
      const { startTime, state } = readProcessStat(this.facts.pid);
      return startTime === this.facts.startTime && state !== 'Z' && state !== 'X';
    } catch (error) {
      if (error instanceof ProcessReadError) return false;
      throw error;
    }
  }

  /** The process as it is now, as a text (`parseProcessFacts`); null when it cannot be had in one go. */
  glance(extras?: ProcessExtraNames): string | null {
    return this.#pidfd === null ? null : glanceAtProcess(this.facts.pid, this.#pidfd, extras);
  }

  /** Gives the pidfd back; a second call does nothing. */
  close(): void {
    if (this.#pidfd !== null) nativeAddon().closeFd(this.#pidfd);
    this.#pidfd = null;
  }
}

/**
 * Identifies the peer of a connected Unix socket by the socket's descriptor, at once after it was accepted. Throws
 * PeerError when the peer has ended already, is hidden from this process, or the kernel fails to answer.
 */
export function identifyPeer(descriptor: number, support: PidfdSupport): PeerConnection {
  const addon = nativeAddon();
  let connected: ConnectedPeer;
  try {
    connected = addon.connectedPeer(descriptor, support === 'present');
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PeerError(`The caller cannot be identified: ${detail}`, { cause });
  }
  const { pidfd, startTime, ...facts } = connected;
  if (facts.pid !== 0 && startTime !== null) return new PeerConnection({ ...facts, startTime }, pidfd);
  if (pidfd !== null) addon.closeFd(pidfd);
  throw new PeerError(
    facts.pid === 0
      ? 'The caller lies in a PID namespace that the daemon cannot see.'
      : `Process ${facts.pid} ended while it connected.`,
  );
}

/**
 * The peer as it is now. Denied with IDENTITY_MISMATCH when the process that connected has ended, or its facts cannot be
 * read; an executable alone that cannot be read is no denial but `unavailable`, for policies to judge.
 */
export async function currentPeer(
  connection: PeerConnection,
  readExecutable: ReadExecutable,
): Promise<CurrentPeer> {
  const { pid } = connection.facts;
  const reading = await readExecutable(`/proc/${pid}/exe`);
  try {
    const executable = executableFact(connection, reading);
    const cgroup = readCgroup(pid);
    if (!connection.isAlive()) return ended(pid);
    return { outcome: 'identified', peer: { ...connection.facts, executable, cgroup } };
  } catch (error) {
    if (!(error instanceof ProcessReadError)) throw error;
    if (error.gone) return ended(pid);
    return {
      outcome: 'denied',
      denial: denial('IDENTITY_MISMATCH', `The caller is not known: ${error.message}.`),
    };
  }
}

/** The peer as a glance showed it; `digests` are those of its executable, which nobody but root can have changed since. */
export function peerAtGlance(connection: PeerConnection, facts: ProcessFacts, digests: DigestSet): Peer {
  const vouched = facts.namespaces.mnt === readNamespace('self', 'mnt');
  const executable: ExecutableFact = {
    source: vouched ? 'kernel' : 'reported',
    path: exactText(facts.executablePath),
    digests,
  };
  return { ...connection.facts, executable, cgroup: facts.cgroup };
}

/**
 * The kernel vouches for an executable only where the pid cannot have been another process's, where no user could have
 * changed the file after it was started, and where its path means the same to the daemon as to the caller.
 */
function executableFact(connection: PeerConnection, reading: ExecutableReading): ExecutableFact {
  switch (reading.outcome) {
    case 'refused':
      return { source: 'unavailable', reason: reading.reason };
    case 'digested': {
      const vouched =
        connection.pidfdSupport === 'present' &&
        reading.protection === 'root-only' &&
        sharesMounts(connection.facts.pid);
      return {
        source: vouched ? 'kernel' : 'reported',
        path: exactText(reading.path),
        digests: reading.digests,
      };
    }
  }
}

function sharesMounts(pid: number): boolean {
  try {
    return readNamespace(pid, 'mnt') === readNamespace('self', 'mnt');
  } catch (error) {
    if (error instanceof ProcessReadError) return false;
    throw error;
  }
}

function ended(pid: number): CurrentPeer {
  return {
    outcome: 'denied',
    denial: denial(
      'IDENTITY_MISMATCH',
      `Process ${pid}, which opened this connection, has ended.`,
      'Open a connection from the process that asks.',
    ),
  };
}
