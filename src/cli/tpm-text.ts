/** A TPM as commands show it, as it is pinned and as a daemon uses it, and the options that name places in one. */

import { InvalidArgumentError } from 'commander';
import type { TpmStatus } from '../format/protocol.js';
import type { PinnedTpm } from '../tpm/tpm-file.js';

/** Reads PCR indexes; they may come in any order. PCR 10 is refused: the kernel extends it all the time. */
export function pcrList(text: string): readonly number[] {
  if (!/^\d+(?:,\d+)*$/.test(text))
    throw new InvalidArgumentError('Numbers with commas are expected: 0,1,7.');
  const pcrs = [...new Set(text.split(',').map(Number))].sort((left, right) => left - right);
  if (pcrs.some((index) => index > 23)) throw new InvalidArgumentError('PCRs go from 0 to 23.');
  if (pcrs.includes(10))
    throw new InvalidArgumentError('PCR 10 cannot be quoted: the kernel extends it at any time.');
  return pcrs;
}

/** Reads a persistent handle of the owner's. */
export function persistentHandle(text: string): number {
  return placeIn(text, 0x8100_0000, 0x817f_ffff);
}

/** Reads an NV index of the owner's. */
export function counterIndex(text: string): number {
  return placeIn(text, 0x0180_0000, 0x01bf_ffff);
}

/** As a program reads it; handles and indexes as TPM tools write them. */
export function tpmDocument({ tcti, development, attestationKey, counter, pcrs }: PinnedTpm) {
  return {
    tcti,
    development,
    attestationKey: { handle: hex(attestationKey.handle), name: attestationKey.name },
    counter: { index: hex(counter.index), name: counter.name },
    pcrs,
  };
}

/** As a person reads it. */
export function tpmRows({ tcti, attestationKey, counter, pcrs }: PinnedTpm): [string, string][] {
  return [
    ['TPM', tcti],
    ['attestation key', `${hex(attestationKey.handle)}, name ${attestationKey.name}`],
    ['counter', `${hex(counter.index)}, name ${counter.name}`],
    ['PCRs', `SHA-256 bank: ${pcrs.join(', ')}`],
  ];
}

/** What a daemon says of its TPM. */
export function tpmStatusRows(tpm: TpmStatus): [string, string][] {
  if (tpm.state === 'unavailable') return [['tpm', `unavailable: ${tpm.reason}`]];
  const { quote, anchor, development } = tpm;
  const { value, unprotectedEntries, ageSeconds, writesLeft } = anchor;
  const anchored = ageSeconds === null ? 'not yet' : `${ageSeconds} s ago`;
  return [
    ['tpm', `${tpm.state}${development ? ', for development: it proves nothing' : ''}`],
    ['quote', quote === null ? 'none yet' : `${quote.ageSeconds} s old, log index ${quote.index}`],
    ['anchor', `${anchored}, counter ${value}, ${writesLeft} writes left`],
    ['unprotected', `${unprotectedEntries} entries behind the anchor could be taken back unnoticed`],
  ];
}

function hex(place: number): string {
  return `0x${place.toString(16).padStart(8, '0')}`;
}

function placeIn(text: string, first: number, last: number): number {
  const place = /^0x[0-9a-fA-F]{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (place >= first && place <= last) return place;
  throw new InvalidArgumentError(`A number from ${hex(first)} to ${hex(last)} is expected.`);
}
