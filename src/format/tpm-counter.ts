/**
 * Reads the public area of an NV counter (TPMS_NV_PUBLIC, TPM 2.0 Library Part 2, section 13.5), whose digest is the
 * counter's Name: whoever pins the Name pins index and attributes with it.
 */

import { ByteReader } from './byte-reader.js';
import { tpmAlgorithms } from './tpm-algorithm.js';
import { counterAttributes } from './tpm-attributes.js';

export interface CounterArea {
  readonly index: number;
  /** What is set of TPMA_NV, by name. */
  readonly attributes: readonly string[];
}

/** TPMA_NV of our own counters: what Writ defines, and `written`. Any other can be reset, or wants an authorization. */
export const demandedCounterAttributes: readonly string[] = [
  'counter',
  'ownerWrite',
  'ownerRead',
  'authRead',
  'noDA',
  'written',
];

const maxPolicyBytes = 64;
const counterBytes = 8;

/** Throws SyntaxError for anything but one whole public area of an NV index of eight bytes with a Name under SHA-256. */
export function parseCounterArea(bytes: Uint8Array): CounterArea {
  const reader = new ByteReader(bytes, 'big-endian', "the counter's public area");
  const index = reader.u32();
  if (reader.u16() !== tpmAlgorithms.sha256) throw reader.fault('has a name that is not SHA-256');
  const attributes = counterAttributes(reader.u32());
  reader.sized(maxPolicyBytes);
  if (reader.u16() !== counterBytes) throw reader.fault('is not of an index of eight bytes');
  reader.end();
  return { index, attributes };
}
