/**
 * Tells subscribers of every revocation, by rising log index and without a gap: first what the log has, read at the pace at
 * which the subscriber reads, then each as it becomes durable. Whoever does not read is cut off; nobody waits for it.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { ArtifactId } from '../format/artifact-id.js';
import { base64Encode } from '../format/base64.js';
import type { LogRecord } from '../format/record.js';
import type { SubscribeResult } from '../format/revocation-methods.js';
import { spanEntries } from '../log/journal-positions.js';
import type { Log } from '../log/log.js';
import type { LogViews } from '../state/views.js';
import type { ClientSession } from './client-session.js';

/** An entry that just became durable. */
interface Followed {
  readonly index: number;
  readonly id: ArtifactId;
  readonly record: LogRecord | null;
  readonly payload: Uint8Array;
}

interface Subscriber {
  readonly session: ClientSession;
  /** Whether everything that is durable was sent, so that the next can be. */
  live: boolean;
}

/** A subscriber with more than this unread is cut off. */
const maxUnreadBytes = 1 << 20;
/** While it catches up, it is given more only below this. */
const pacedUnreadBytes = 1 << 17;
/** A subscriber that reads nothing for so long while it catches up is cut off. */
const patienceMs = 10_000;
const paceMs = 10;

export class RevocationFeed {
  readonly #log: Pick<Log, 'size' | 'read'>;
  readonly #views: Pick<LogViews, 'revocationsIn'>;
  readonly #onTrouble: (cause: unknown) => void;
  readonly #subscribers = new Map<ClientSession, Subscriber>();

  /** `onTrouble`: a subscriber had to be cut off, because the log could not be read. */
  constructor(
    log: Pick<Log, 'size' | 'read'>,
    views: Pick<LogViews, 'revocationsIn'>,
    onTrouble: (cause: unknown) => void,
  ) {
    this.#log = log;
    this.#views = views;
    this.#onTrouble = onTrouble;
  }

  /** Sends the session everything from a log index on. An earlier subscription of the same session ends. */
  subscribe(session: ClientSession, since: number): SubscribeResult {
    const subscriber = { session, live: false };
    this.#subscribers.set(session, subscriber);
    // Behind the answer to the request that asked for it.
    setImmediate(() => {
      this.#catchUp(subscriber, since).catch((cause: unknown) => {
        this.#onTrouble(cause);
        session.push.hangUp();
      });
    });
    return { decision: 'allow', since, size: this.#log.size };
  }

  /** The session is over. */
  leave(session: ClientSession): void {
    this.#subscribers.delete(session);
  }

  /** Call for each entry once it is durable and the views have it. */
  follow({ index, id, record, payload }: Followed): void {
    if (this.#subscribers.size === 0 || record === null || !revokes(record)) return;
    const params = { index, id, payload: base64Encode(payload) };
    for (const { session, live } of this.#subscribers.values()) {
      if (!live) continue;
      session.push.notify({ method: 'revocations.event', params });
      if (session.push.unreadBytes > maxUnreadBytes) session.push.hangUp();
    }
  }

  async #catchUp(subscriber: Subscriber, since: number): Promise<void> {
    const { session } = subscriber;
    let next = since;
    while (this.#isCurrent(subscriber) && next < this.#log.size) {
      const span = Math.floor(next / spanEntries);
      const end = Math.min((span + 1) * spanEntries, this.#log.size);
      for (const index of await this.#views.revocationsIn(span))
        if (index >= next && index < end) await this.#send(subscriber, index);
      next = end;
    }
    // Nothing was awaited since the log's size was read: no entry lies between this and the first live one.
    subscriber.live = true;
    if (this.#isCurrent(subscriber))
      session.push.notify({ method: 'revocations.current', params: { size: next } });
  }

  async #send(subscriber: Subscriber, index: number): Promise<void> {
    const { push } = subscriber.session;
    const giveUpMs = performance.now() + patienceMs;
    while (push.unreadBytes > pacedUnreadBytes && this.#isCurrent(subscriber)) {
      if (performance.now() > giveUpMs) push.hangUp();
      await pause(paceMs);
    }
    const { id, payload } = await this.#log.read(index);
    if (this.#isCurrent(subscriber))
      push.notify({ method: 'revocations.event', params: { index, id, payload: base64Encode(payload) } });
  }

  #isCurrent(subscriber: Subscriber): boolean {
    return !subscriber.session.closed && this.#subscribers.get(subscriber.session) === subscriber;
  }
}

function revokes(record: LogRecord): boolean {
  return (
    record.type === 'urn:writ:revocation:v1' ||
    (record.type === 'urn:writ:key:v1' && record.event === 'compromise')
  );
}
