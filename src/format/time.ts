/** Instants: milliseconds since the Unix epoch inside, RFC 3339 UTC with milliseconds on paper. */

import { z } from 'zod';

/** `2026-01-31T23:59:59.999Z`: one spelling for each instant, so that text order is time order. */
export type Instant = string;

/** Writes an instant. Throws RangeError outside the years 0 to 9999. */
export function formatInstant(timeMs: number): Instant {
  const text = new Date(timeMs).toISOString();
  if (text.length !== 24) throw new RangeError('the time has no RFC 3339 form');
  return text;
}

/** Reads an instant in exactly the spelling that `formatInstant` writes. Throws SyntaxError. */
export function parseInstant(text: Instant): number {
  const timeMs = Date.parse(text);
  if (!Number.isFinite(timeMs) || formatInstant(timeMs) !== text) {
    throw new SyntaxError('not an RFC 3339 time in UTC with milliseconds');
  }
  return timeMs;
}

export const instantSchema = z.string().refine((text) => {
  try {
    parseInstant(text);
    return true;
  } catch {
    return false;
  }
}, 'must be an RFC 3339 time in UTC with milliseconds');
