/** The option --pcrs: which PCRs of the SHA-256 bank a sealed PIN depends on. */

import { UsageError } from '../cli-error.js';

/** Reads a list such as `0,2,7`, in any order. Throws UsageError. */
export function pcrList(text: string): readonly number[] {
  const words = text.split(',');
  const pcrs = [...new Set(words.map(Number))].sort((a, b) => a - b);
  const fit = words.every((word) => /^\d{1,2}$/.test(word)) && pcrs.every((pcr) => pcr <= 23 && pcr !== 10);
  if (!fit)
    throw new UsageError('--pcrs takes numbers from 0 to 23 and commas, without 10, which always moves');
  return pcrs;
}
