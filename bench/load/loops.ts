/** The two ways to keep a daemon busy (see Pace in round.ts). They decide when and where to send; sending is done for them. */

import type { Pace } from './round.js';
import type { OpenSchedule } from './schedule.js';

/** What a loop may do. */
export interface LoopRoom {
  readonly outstanding: number;
  /** How many requests there still are to be made. */
  readonly left: number;
  /** When the load ends; a closed loop that had hardly any answers so far goes on for longer. */
  readonly endMs: number;
  /** Sends so many on one connection, whose latencies count from `startMs`. */
  send(connection: number, count: number, startMs: number): void;
  /** Ends the round if nothing will be sent and nothing is unanswered any more. */
  endIfOver(nowMs: number): void;
}

export interface Loop {
  /** Sends what is to be sent at the beginning. */
  begin(nowMs: number): void;
  /** After `lines` answers came on a connection. */
  answered(connection: number, lines: number, nowMs: number): void;
  /** Whether nothing more will be sent. */
  isOver(nowMs: number): boolean;
  /** How late the latest request in the last tenth of the schedule was sent; 0 without a schedule. */
  readonly sendDelayMs: number;
  /** When the arrivals were due that were never sent. Takes them. */
  unsentMs(): number[];
  /** Sends nothing any more. */
  stop(): void;
}

/** Each answer makes room for the next request on its connection, until the end. */
export function closedLoop(
  room: LoopRoom,
  { connections, inFlight }: Extract<Pace, { loop: 'closed' }>,
): Loop {
  const send = (connection: number, count: number, nowMs: number): void => {
    const possible = Math.min(count, room.left);
    if (possible > 0) room.send(connection, possible, nowMs);
  };
  return {
    begin(nowMs) {
      for (let connection = 0; connection < connections; connection++) send(connection, inFlight, nowMs);
    },
    answered(connection, lines, nowMs) {
      if (nowMs < room.endMs) send(connection, lines, nowMs);
    },
    isOver: (nowMs) => nowMs >= room.endMs || room.left <= 0,
    sendDelayMs: 0,
    unsentMs: () => [],
    stop() {},
  };
}

/** How long after the end arrivals are still sent, that were due just before it. */
const graceMs = 200;

/**
 * Whatever is due is sent, in turn over the connections, as long as not too much is unanswered. What could not be sent
 * by the end never is: a daemon that does not keep up would otherwise stretch the round without end.
 */
export function openLoop(
  room: LoopRoom,
  { connections, maxOutstanding }: Extract<Pace, { loop: 'open' }>,
  schedule: OpenSchedule,
): Loop {
  const lastSendMs = room.endMs + graceMs;
  let turn = 0;
  let timer: NodeJS.Timeout | null = null;
  let sendDelayMs = 0;
  const isOver = (nowMs: number): boolean => schedule.done || room.left <= 0 || nowMs >= lastSendMs;
  const pump = (nowMs: number): void => {
    while (room.outstanding < maxOutstanding && room.left > 0 && nowMs < lastSendMs) {
      const dueMs = schedule.take(nowMs);
      if (dueMs === null) break;
      if (schedule.taken > 0.9 * schedule.count) sendDelayMs = Math.max(sendDelayMs, nowMs - dueMs);
      room.send(turn, 1, dueMs);
      turn = (turn + 1) % connections;
    }
    // While too much is unanswered, the next answer calls.
    if (timer !== null || isOver(nowMs) || room.outstanding >= maxOutstanding) return;
    timer = setTimeout(() => {
      timer = null;
      const wokenMs = performance.now();
      pump(wokenMs);
      // Whoever wakes up after the end sends nothing more, and then there may be no answer to notice that.
      room.endIfOver(wokenMs);
    }, schedule.nextMs - nowMs);
  };
  return {
    begin: pump,
    answered: (_connection, _lines, nowMs) => pump(nowMs),
    isOver,
    get sendDelayMs() {
      return sendDelayMs;
    },
    unsentMs() {
      const unsent: number[] = [];
      const { endMs } = room;
      for (let dueMs = schedule.take(endMs); dueMs !== null; dueMs = schedule.take(endMs)) unsent.push(dueMs);
      return unsent;
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
