/** This machine behind the daemon's services: clocks, callers, the environment, and the digests of executables. */

import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import { EnvironmentMeasurer } from '../environment/bindings.js';
import { defaultFileDigesterOptions, FileDigester } from '../environment/file-digest.js';
import type { Measurement } from '../environment/measurement.js';
import { BindingSelection } from '../environment/selection.js';
import type { RequestedAction } from '../format/action.js';
import { base64Encode } from '../format/base64.js';
import { denial } from '../format/denial.js';
import type { DigestSet } from '../format/digest-set.js';
import type { ExactText } from '../format/exact-text.js';
import type { Binding, Peer } from '../format/predicate.js';
import { Accounts, AccountsError } from '../identity/accounts.js';
import {
  currentPeer,
  identifyPeer,
  type PeerConnection,
  PeerError,
  type PidfdSupport,
  peerAtGlance,
  probePidfdSupport,
} from '../identity/peer.js';
import { type ProcessPlace, placeOf } from '../identity/process-place.js';
import { bootTimeMs } from '../kernel/boot-clock.js';
import { ProcessReadError, readCgroup } from '../kernel/process.js';
import { type ProcessFacts, parseProcessFacts } from '../kernel/process-facts.js';
import { socketDescriptor } from '../kernel/socket-descriptor.js';
import type { ClockReading } from '../state/payload-clock.js';
import type { Caller, Identified } from './caller.js';
import { Look } from './look.js';
import { Programs } from './programs.js';
import type { MeasuredAction, MeasuredProgram } from './services.js';

/** What the last glance at a peer showed. `named`: the caller that comes of it, and what else it was made from. */
interface Seen {
  readonly glance: string;
  readonly facts: ProcessFacts;
  named: {
    readonly accounts: string;
    readonly digests: DigestSet;
    readonly machine: Measurement;
    readonly caller: Caller;
  } | null;
}

/** Random bytes are asked for in portions this large; each is used once. */
const randomPortionBytes = 4096;
const nonceBytes = 16;
const maxSeen = 1024;

export class Machine {
  readonly #digester: FileDigester;
  readonly #random = Buffer.alloc(randomPortionBytes);
  #randomUsed = randomPortionBytes;
  /** By the peer's facts of the moment when it connected: connections of one process have one caller. */
  readonly #seen = new Map<string, Seen>();
  /** Taken after every request that is in work had arrived. */
  #newestLook: Look;
  readonly #accounts = new Accounts();
  readonly #pidfdSupport: PidfdSupport = probePidfdSupport();
  readonly #measurer: EnvironmentMeasurer;
  readonly #programs: Programs;

  /**
   * `maxPendingFiles`: requests whose executables may be looked at at once; beyond, OVERLOADED. `selection`: what of the
   * environment is bound.
   */
  constructor(maxPendingFiles: number, selection: BindingSelection = new BindingSelection()) {
    this.#measurer = new EnvironmentMeasurer(selection, performance.now());
    this.#newestLook = new Look(this.#accounts, selection.extras);
    this.#digester = new FileDigester({ ...defaultFileDigesterOptions, maxPending: maxPendingFiles });
    this.#programs = new Programs(this.#digester, selection);
  }

  /** Wall clock and CLOCK_BOOTTIME, as near together as two reads can be. */
  readClocks(): ClockReading {
    return { wallMs: Date.now(), bootTimeMs: bootTimeMs() };
  }

  /** 16 random bytes, in base64. */
  nonce(): string {
    if (this.#randomUsed + nonceBytes > randomPortionBytes) {
      randomFillSync(this.#random);
      this.#randomUsed = 0;
    }
    const start = this.#randomUsed;
    this.#randomUsed += nonceBytes;
    return base64Encode(this.#random.subarray(start, start + nonceBytes));
  }

  /** A fact about the machine itself (`host`, `boot`), or the word `unavailable` where there is no such sensor. */
  fact(name: string): string {
    return this.#measurer.fact(name) ?? 'unavailable';
  }

  /** All that can be measured now of the machine and of a caller, bound or not. */
  survey(peer: Peer): Measurement {
    return this.#measurer.survey(peer);
  }

  /** Identifies the peer of an accepted connection. Throws PeerError. */
  connect(socket: Socket): PeerConnection {
    const descriptor = socketDescriptor(socket);
    if (descriptor === null)
      throw new PeerError('The connection was closed before its peer could be identified.');
    return identifyPeer(descriptor, this.#pidfdSupport);
  }

  /** Where the peer of a new connection stands now. Throws PeerError where that cannot be read, after closing the connection. */
  placeOf(connection: PeerConnection): ProcessPlace {
    let reason: string;
    try {
      const placing = placeOf(connection, readCgroup(connection.facts.pid), null);
      if (placing.outcome === 'placed') return placing.place;
      reason = placing.denial.message;
    } catch (cause) {
      if (!(cause instanceof ProcessReadError)) throw cause;
      reason = cause.message;
    }
    connection.close();
    throw new PeerError(`It cannot be seen which run the caller is in: ${reason}`);
  }

  /** For `identify`: take one when all requests that it is for have arrived. */
  look(): Look {
    this.#measurer.refresh(performance.now());
    this.#newestLook = new Look(this.#accounts, this.#measurer.selection.extras);
    return this.#newestLook;
  }

  /**
   * The caller as it is now, and where it runs. At a glance where that can be: nobody but root could have changed its
   * executable since that was digested. What the glance before showed is used again as long as nothing changed.
   */
  identify(connection: PeerConnection, look: Look): Identified | Promise<Identified> {
    const glance = look.glance(connection);
    const seen = glance === null ? null : this.#seenAs(connection, glance);
    const digests = seen && this.#digester.keptDigestsOf(seen.facts.executableIdentity);
    if (seen === null || digests === null) return this.#identifyAnew(connection);
    const { cgroup, namespaces } = seen.facts;
    const placing = placeOf(connection, cgroup, namespaces.pid);
    if (placing.outcome === 'denied') return placing;
    const { place } = placing;
    return this.#named(() => {
      const accounts = look.accountsVersion;
      const { machine } = this.#measurer;
      const known = seen.named;
      if (known?.accounts === accounts && known.digests === digests && known.machine === machine)
        return { outcome: 'identified', caller: known.caller };
      const peer = peerAtGlance(connection, seen.facts, digests);
      const { bindings } = this.#measurer.atGlance(seen.facts, connection.facts.label);
      seen.named = { accounts, digests, machine, caller: this.#caller(peer, bindings, place) };
      return { outcome: 'identified', caller: seen.named.caller };
    });
  }

  /** Null for a glance that cannot be understood. */
  #seenAs({ facts: connected }: PeerConnection, glance: string): Seen | null {
    const { pid, startTime, uid, gid, groups, label } = connected;
    const key = `${pid} ${startTime} ${uid} ${gid} ${groups.join()} ${label}`;
    const known = this.#seen.get(key);
    if (known?.glance === glance) return known;
    const facts = parseProcessFacts(glance, this.#measurer.selection.extras);
    if (facts === null) return null;
    if (this.#seen.size >= maxSeen) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    const seen = { glance, facts, named: null };
    this.#seen.set(key, seen);
    return seen;
  }

  async #identifyAnew(connection: PeerConnection): Promise<Identified> {
    const current = await currentPeer(connection, (path) => this.#digester.digest(path, 'executable'));
    if (current.outcome === 'denied') return current;
    const { peer } = current;
    const placing = placeOf(connection, peer.cgroup, null);
    if (placing.outcome === 'denied') return placing;
    const { place } = placing;
    return this.#named(() => {
      const { bindings } = this.#measurer.measure(peer);
      return { outcome: 'identified', caller: this.#caller(peer, bindings, place) };
    });
  }

  /** Throws AccountsError. */
  #caller(peer: Peer, environment: readonly Binding[], place: ProcessPlace): Caller {
    const user = this.#accounts.userName(peer.uid);
    const groups = this.#accounts.groupNames([peer.gid, ...peer.groups]);
    return { peer, user, groups, environment, place, run: null, likeness: {} };
  }

  /** Policies that name groups would be evaluated without them where the names cannot be read. */
  #named(identify: () => Identified): Identified {
    try {
      return identify();
    } catch (cause) {
      if (!(cause instanceof AccountsError)) throw cause;
      return {
        outcome: 'denied',
        denial: denial(
          'IDENTITY_MISMATCH',
          `the caller's names are not known: ${cause.message}`,
          'Make /etc/passwd and /etc/group readable for the daemon.',
        ),
      };
    }
  }

  /** As Programs.measureAction, for a request that arrived before the newest look. */
  measureAction(action: RequestedAction): MeasuredAction | Promise<MeasuredAction> {
    return this.#programs.measureAction(action, this.#newestLook);
  }

  /** As Programs.measureProgram. */
  measureProgram(path: ExactText): Promise<MeasuredProgram> {
    return this.#programs.measureProgram(path);
  }

  /** Ends the digesting threads. */
  close(): Promise<void> {
    return this.#digester.close();
  }
}
