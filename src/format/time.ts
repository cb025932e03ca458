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
  const timeMs = plainInstant(text);
  return Number.isNaN(timeMs) ? parseByRoundTrip(text) : timeMs;
}

function parseByRoundTrip(text: Instant): number {
  const timeMs = Date.parse(text);
  if (!Number.isFinite(timeMs) || formatInstant(timeMs) !== text) {
    throw new SyntaxError('not an RFC 3339 time in UTC with milliseconds');
  }
  return timeMs;
}

const shape = /^[1-9]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The instant, where it is plain that it is one; else NaN. Saves the round trip, which costs more than all the rest. */
function plainInstant(text: string): number {
  if (!shape.test(text)) return Number.NaN;
  const month = decimal(text, 5, 7);
  const day = decimal(text, 8, 10);
  const hour = decimal(text, 11, 13);
  // The last days of months are left to the calendar of `parseByRoundTrip`.
  if (month < 1 || month > 12 || day < 1 || day > 28 || hour > 23) return Number.NaN;
  const year = decimal(text, 0, 4);
  return Date.UTC(
    year,
    month - 1,
    day,
    hour,
    decimal(text, 14, 16),
    decimal(text, 17, 19),
    decimal(text, 20, 23),
  );
}

/** The number that stands at these positions, all of which hold digits. */
function decimal(text: string, start: number, end: number): number {
  let value = 0;
  for (let position = start; position < end; position++)
    value = value * 10 + text.charCodeAt(position) - 0x30;
  return value;
}

export const instantSchema = z.string().refine((text) => {
  try {
    parseInstant(text);
    return true;
  } catch {
    return false;
  }
}, 'must be an RFC 3339 time in UTC with milliseconds');
