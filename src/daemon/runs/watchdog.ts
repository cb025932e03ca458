/**
 * The watchdog that enforces the end of runs: a process of its own that the daemon starts and that outlives it, or a service with a
 * socket (`watchdog.socket` in the configuration). One that is lost is replaced after a pause; until then no lease is given.
 */

import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { nativeAddon } from '../../kernel/addon.js';
import { socketDescriptor } from '../../kernel/socket-descriptor.js';
import {
  type Guarding,
  type GuardOrder,
  type WatchdogCause,
  type WatchdogFacts,
  WatchdogLink,
} from './watchdog-link.js';

export interface WatchdogParts {
  /** Names the group of this daemon's runs: a-z, 0-9 and hyphens. */
  readonly name: string;
  /** Path of the service's socket; null: the daemon starts a watchdog of its own. */
  readonly socketPath: string | null;
  readonly onEnded: (run: string, cause: WatchdogCause) => void;
  /** There is no watchdog any more: nothing enforces the end of the runs that it guarded. */
  readonly onLost: (why: string) => void;
  readonly onReady: (facts: WatchdogFacts) => void;
}

export type WatchdogState =
  | { readonly state: 'ready'; readonly facts: WatchdogFacts }
  | { readonly state: 'restarting' | 'closed'; readonly reason: string };

const program = fileURLToPath(new URL('../../../../native/build/Release/writ-watchdog', import.meta.url));
const firstPauseMs = 100;
const longestPauseMs = 10_000;
/** The descriptor that the watchdog finds its end of the line at. */
const lineDescriptor = 3;

export class Watchdog {
  readonly #parts: WatchdogParts;
  #link: WatchdogLink | null = null;
  #state: WatchdogState = { state: 'restarting', reason: 'it is starting' };
  #restart: NodeJS.Timeout | null = null;
  #pauseMs = firstPauseMs;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  get state(): WatchdogState {
    return this.#state;
  }

  /** Settles when there is one, or when it is clear that there is none as yet: then it is tried again. */
  async start(): Promise<void> {
    let why = 'it did not answer as a watchdog';
    const events = {
      onEnded: this.#parts.onEnded,
      onLost: (reason: string) => {
        why = reason;
        this.#onLost(reason);
      },
    };
    let stream: Duplex;
    try {
      stream = await this.#connect();
    } catch (cause) {
      this.#onLost(cause instanceof Error ? cause.message : String(cause));
      return;
    }
    const opened = await WatchdogLink.open(stream, this.#parts.name, events);
    if (this.#state.state === 'closed') return opened?.link.close();
    if (opened === null) {
      this.#onLost(why);
      return;
    }
    this.#link = opened.link;
    this.#state = { state: 'ready', facts: opened.facts };
    this.#pauseMs = firstPauseMs;
    this.#parts.onReady(opened.facts);
  }

  /** As of the link; without a watchdog everything is refused. */
  guard(order: GuardOrder): Promise<Guarding> {
    return this.#link?.guard(order) ?? Promise.resolve({ outcome: 'refused', reason: 'lost' });
  }

  renew(run: string, deadlineBootMs: number): Promise<boolean> {
    return this.#link?.renew(run, deadlineBootMs) ?? Promise.resolve(false);
  }

  end(run: string): Promise<void> {
    return this.#link?.end(run) ?? Promise.resolve();
  }

  /** Hangs up. A watchdog with runs that are left keeps them to their deadlines; one of the daemon's own ends then. */
  close(): void {
    this.#state = { state: 'closed', reason: 'the daemon is stopping' };
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#link?.close();
    this.#link = null;
  }

  #onLost(reason: string): void {
    if (this.#state.state === 'closed' || this.#restart !== null) return;
    const wasReady = this.#state.state === 'ready';
    this.#link = null;
    this.#state = { state: 'restarting', reason };
    this.#restart = setTimeout(() => {
      this.#restart = null;
      void this.start();
    }, this.#pauseMs);
    this.#restart.unref();
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    if (wasReady) this.#parts.onLost(reason);
  }

  #connect(): Promise<Duplex> {
    const { socketPath } = this.#parts;
    return socketPath === null ? startOwn() : connectTo(socketPath);
  }
}

/** Starts one in a session of its own, with nothing of the daemon's but the line to it. */
function startOwn(): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['--descriptor', String(lineDescriptor)], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    child.once('error', reject);
    child.unref();
    const stream = child.stdio[lineDescriptor];
    if (stream === null || stream === undefined || !('write' in stream)) {
      reject(new Error('no line to the watchdog was made'));
      return;
    }
    child.once('spawn', () => resolve(stream as Duplex));
  });
}

/** Only root can kill what other users started, and nobody else may pass for the one who does. */
function connectTo(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      const descriptor = socketDescriptor(socket);
      const uid = descriptor === null ? null : nativeAddon().connectedPeer(descriptor, false).uid;
      if (uid === 0) return resolve(socket);
      socket.destroy();
      reject(new Error(`the socket ${path} is not root's`));
    });
  });
}
