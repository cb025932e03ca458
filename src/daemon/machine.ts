/** This machine behind the daemon's services: clocks, callers, the environment, and the digests of executables. */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { createKernelMeasurer, type EnvironmentMeasurer, measureMachine } from '../environment/bindings.js';
import { defaultFileDigesterOptions, FileDigester } from '../environment/file-digest.js';
import type { ExecuteRequest, RequestedAction } from '../format/action.js';
import { base64Encode } from '../format/base64.js';
import { denial } from '../format/denial.js';
import { displayText, exactBytes, exactText } from '../format/exact-text.js';
import { jcsText } from '../format/jcs.js';
import type { Binding, Peer } from '../format/predicate.js';
import { Accounts, AccountsError } from '../identity/accounts.js';
import {
  currentPeer,
  identifyPeer,
  type PeerConnection,
  PeerError,
  type PidfdSupport,
  probePidfdSupport,
} from '../identity/peer.js';
import { bootTimeMs } from '../kernel/boot-clock.js';
import { socketDescriptor } from '../kernel/socket-descriptor.js';
import type { ClockReading } from '../state/payload-clock.js';
import type { Identified, MeasuredAction } from './services.js';

export class Machine {
  readonly #digester: FileDigester;
  readonly #accounts = new Accounts();
  readonly #pidfdSupport: PidfdSupport = probePidfdSupport();
  readonly #measurer: EnvironmentMeasurer = createKernelMeasurer();

  /** `maxPendingFiles`: requests whose executables may be looked at at once; beyond, OVERLOADED. */
  constructor(maxPendingFiles: number) {
    this.#digester = new FileDigester({ ...defaultFileDigesterOptions, maxPending: maxPendingFiles });
  }

  /** Wall clock and CLOCK_BOOTTIME, as near together as two reads can be. */
  readClocks(): ClockReading {
    return { wallMs: Date.now(), bootTimeMs: bootTimeMs() };
  }

  /** 16 random bytes, in base64. */
  nonce(): string {
    return base64Encode(randomBytes(16));
  }

  /** A fact about the machine itself (`host`, `boot`), or the word `unavailable` where there is no such sensor. */
  fact(name: string): string {
    return measureMachine().bindings.find((binding) => binding.name === name)?.value ?? 'unavailable';
  }

  /** Identifies the peer of an accepted connection. Throws PeerError. */
  connect(socket: Socket): PeerConnection {
    const descriptor = socketDescriptor(socket);
    if (descriptor === null)
      throw new PeerError('The connection was closed before its peer could be identified.');
    return identifyPeer(descriptor, this.#pidfdSupport);
  }

  /** The caller as it is at this request. */
  async identify(connection: PeerConnection): Promise<Identified> {
    const current = await currentPeer(connection, (path) => this.#digester.digest(path, 'executable'));
    if (current.outcome === 'denied') return current;
    const { peer } = current;
    try {
      const user = this.#accounts.userName(peer.uid);
      const groups = this.#accounts.groupNames([peer.gid, ...peer.groups]);
      return { outcome: 'identified', caller: { peer, user, groups } };
    } catch (cause) {
      // Policies that name groups would be evaluated without them.
      if (!(cause instanceof AccountsError)) throw cause;
      return {
        outcome: 'denied',
        denial: denial('IDENTITY_MISMATCH', `the caller's names are not known: ${cause.message}`),
      };
    }
  }

  async measureEnvironment({ pid, startTime }: Peer): Promise<readonly Binding[]> {
    return (await this.#measurer.measure({ pid, startTime })).bindings;
  }

  /** Digests what the action would execute. SCOPE_MISMATCH for a path that is not the file's own, or is no such file. */
  async measureAction(action: RequestedAction): Promise<MeasuredAction> {
    if (action.type === 'tool') return { outcome: 'measured', action };
    const shown = displayText(action.executable);
    if (!isAbsolute(action))
      return scopeMismatch('the paths of executable and working directory must be absolute');
    const reading = await this.#digester.digest(Buffer.from(exactBytes(action.executable)), 'executable');
    if (reading.outcome === 'refused' && reading.refusal === 'overloaded') {
      return { outcome: 'denied', denial: denial('OVERLOADED', reading.reason) };
    }
    if (reading.outcome === 'refused') return scopeMismatch(reading.reason);
    const real = exactText(reading.path);
    // Policies name real paths: a link that is followed here could point elsewhere when the action runs.
    if (jcsText(real) !== jcsText(action.executable)) {
      return scopeMismatch(
        `${shown} is a link to ${displayText(real)}`,
        `Ask for ${displayText(real)} itself.`,
      );
    }
    return { outcome: 'measured', action: { ...action, digests: reading.digests } };
  }

  /** Ends the digesting threads. */
  close(): Promise<void> {
    return this.#digester.close();
  }
}

function isAbsolute({ executable, cwd }: ExecuteRequest): boolean {
  return exactBytes(executable)[0] === 0x2f && exactBytes(cwd)[0] === 0x2f;
}

function scopeMismatch(message: string, remedy?: string): MeasuredAction {
  return { outcome: 'denied', denial: denial('SCOPE_MISMATCH', message, remedy) };
}
