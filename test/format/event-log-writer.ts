/** Synthesised event logs, in the crypto-agile form that firmware writes: no test machine has a measured boot of its own. */

import { createHash } from 'node:crypto';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode } from '../../src/format/hex.js';
import { utf8Encode } from '../../src/format/utf8.js';

export const types = {
  noAction: 3,
  separator: 4,
  ipl: 0x0d,
  crtmVersion: 8,
  driverConfig: 0x8000_0001,
  application: 0x8000_0003,
  action: 0x8000_0007,
} as const;

export interface WrittenEvent {
  readonly pcr: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** Hex; the digest of the data unless given. */
  readonly digest?: string;
}

const sha1 = { number: 0x0004, sizeBytes: 20, name: 'sha1' };
const sha256 = { number: 0x000b, sizeBytes: 32, name: 'sha256' };
type Algorithm = typeof sha1;
export const bothBanks: readonly Algorithm[] = [sha1, sha256];
export const sha256Only: readonly Algorithm[] = [sha256];
export const sha1Only: readonly Algorithm[] = [sha1];

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, value >> 8);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
}

export function digestOf(data: Uint8Array, name = 'sha256'): string {
  return createHash(name).update(data).digest('hex');
}

/** TCG_PCR_EVENT with TCG_EfiSpecIdEvent. */
export function header(
  banks = bothBanks,
  signature = 'Spec ID Event03\0',
  vendor: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const data = concatBytes(
    utf8Encode(signature),
    u32(0),
    Uint8Array.of(0, 2, 0, 2),
    u32(banks.length),
    ...banks.flatMap(({ number, sizeBytes }) => [u16(number), u16(sizeBytes)]),
    Uint8Array.of(vendor.length),
    vendor,
  );
  return concatBytes(u32(0), u32(types.noAction), new Uint8Array(20), u32(data.length), data);
}

/** TCG_PCR_EVENT2. */
export function eventBytes({ pcr, type, data, digest }: WrittenEvent, banks = bothBanks): Uint8Array {
  const digests = banks.flatMap(({ number, sizeBytes, name }) => {
    const own = name === 'sha256' && digest !== undefined ? digest : digestOf(data, name);
    return [u16(number), type === types.noAction ? new Uint8Array(sizeBytes) : hexDecode(own)];
  });
  return concatBytes(u32(pcr), u32(type), u32(banks.length), ...digests, u32(data.length), data);
}

export function logBytes(events: readonly WrittenEvent[], banks = bothBanks): Uint8Array {
  return concatBytes(header(banks), ...events.map((event) => eventBytes(event, banks)));
}

export function text(words: string): Uint8Array {
  return utf8Encode(words);
}

function u64(value: number): Uint8Array {
  return concatBytes(u32(value), u32(0));
}

/** UEFI_VARIABLE_DATA: a GUID, the lengths of the name and of the value, the name in UTF-16, the value. */
export function variable(name: string, value: Uint8Array): Uint8Array {
  const wide = concatBytes(...[...name].map((character) => u16(character.charCodeAt(0))));
  return concatBytes(new Uint8Array(16).fill(0x61), u64(name.length), u64(value.length), wide, value);
}

/** UEFI_IMAGE_LOAD_EVENT: where the image lies in memory, how long it is, its link time, no device path. */
function image(sizeBytes: number): Uint8Array {
  return concatBytes(u64(0x1000), u64(sizeBytes), u64(0), u64(0));
}

/** A boot as a PC makes it, shortened. */
export const boot: readonly WrittenEvent[] = [
  { pcr: 0, type: types.crtmVersion, data: text('v1') },
  { pcr: 7, type: types.driverConfig, data: variable('SecureBoot', Uint8Array.of(1)) },
  { pcr: 7, type: types.driverConfig, data: variable('PK', text('a key')) },
  { pcr: 4, type: types.action, data: text('Calling EFI Application from Boot Option') },
  { pcr: 0, type: types.separator, data: u32(0) },
  { pcr: 4, type: types.separator, data: u32(0) },
  { pcr: 7, type: types.separator, data: u32(0) },
  { pcr: 4, type: types.application, data: image(900), digest: 'a1'.repeat(32) },
  { pcr: 4, type: types.application, data: image(2000), digest: 'b2'.repeat(32) },
  { pcr: 8, type: types.ipl, data: text('linux /vmlinuz'), digest: 'c3'.repeat(32) },
];
