/**
 * Frames of the append journal: length, CRC-32, body. The CRC tells a torn write from a whole one; authenticity comes
 * from the Merkle tree, whose signed root covers every leaf.
 *
 * frame      = u32 body length, u32 CRC-32 of the body, body           (all integers big-endian)
 * entry      = 0x01, u8 payload type, u16 leaf length, leaf, u32 payload length, payload, u32 attachment length, attachment
 * checkpoint = 0x02, signed note (UTF-8)
 */

import { crc32 } from 'node:zlib';
import { recordPayloadType } from '../format/record.js';
import { statementPayloadType } from '../format/statement.js';
import { utf8Decode } from '../format/utf8.js';

/** An entry with what its leaf digests, and what was kept beside it (the policy input), which may be empty. */
export interface EntryFrame {
  readonly frame: 'entry';
  readonly leaf: Uint8Array;
  readonly payloadType: PayloadType;
  readonly payload: Uint8Array;
  readonly attachment: Uint8Array;
}

export interface CheckpointFrame {
  readonly frame: 'checkpoint';
  readonly note: string;
}

export type Frame = EntryFrame | CheckpointFrame;

export type PayloadType = typeof statementPayloadType | typeof recordPayloadType;

/** `torn`: the bytes from this offset on are no whole frame. */
export type FrameReading =
  | { readonly reading: 'frame'; readonly frame: Frame; readonly nextOffset: number }
  | { readonly reading: 'torn' };

const headerBytes = 8;
/** More than any entry: statement, policy input and leaf together. */
const maxBodyBytes = 1 << 20;
export const maxFrameBytes = headerBytes + maxBodyBytes;

const payloadTypes: readonly PayloadType[] = [statementPayloadType, recordPayloadType];

/** The bytes of one frame. */
export function encodeFrame(frame: Frame): Uint8Array {
  const bytes = Buffer.alloc(maxEncodedBytes(frame));
  return bytes.subarray(0, encodeFrameInto(frame, bytes, 0));
}

/** Room that the encoded frame takes at most. */
export function maxEncodedBytes(frame: Frame): number {
  if (frame.frame === 'checkpoint') return headerBytes + 1 + 3 * frame.note.length;
  return headerBytes + 16 + frame.leaf.length + frame.payload.length + frame.attachment.length;
}

/**
 * Writes one frame at `offset` and returns where it ends: no copy but the one into the buffer, which has room for it.
 * Throws RangeError for a frame that would be too large to be read again.
 */
export function encodeFrameInto(frame: Frame, bytes: Buffer, offset: number): number {
  const bodyAt = offset + headerBytes;
  const end =
    frame.frame === 'entry' ? writeEntry(frame, bytes, bodyAt) : writeCheckpoint(frame, bytes, bodyAt);
  if (end - bodyAt > maxBodyBytes)
    throw new RangeError(`a journal frame holds at most ${maxBodyBytes} bytes`);
  bytes.writeUInt32BE(end - bodyAt, offset);
  bytes.writeUInt32BE(crc32(bytes.subarray(bodyAt, end)), offset + 4);
  return end;
}

/** The kind of a frame and where it ends, from its header alone; null where that cannot be one. */
export function peekFrame(
  bytes: Buffer,
  offset: number,
): { readonly isEntry: boolean; readonly nextOffset: number } | null {
  if (offset + headerBytes >= bytes.length) return null;
  const bodyLength = bytes.readUInt32BE(offset);
  if (bodyLength === 0 || bodyLength > maxBodyBytes) return null;
  return { isEntry: bytes[offset + headerBytes] === 1, nextOffset: offset + headerBytes + bodyLength };
}

/** Reads the frame at `offset`; the returned parts are views into `bytes`. */
export function readFrame(bytes: Uint8Array, offset: number): FrameReading {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + headerBytes > bytes.length) return { reading: 'torn' };
  const bodyLength = view.getUint32(offset);
  const nextOffset = offset + headerBytes + bodyLength;
  if (bodyLength === 0 || bodyLength > maxBodyBytes || nextOffset > bytes.length) return { reading: 'torn' };
  const body = bytes.subarray(offset + headerBytes, nextOffset);
  if (crc32(body) !== view.getUint32(offset + 4)) return { reading: 'torn' };
  const frame = decodeBody(body);
  return frame === null ? { reading: 'torn' } : { reading: 'frame', frame, nextOffset };
}

function writeEntry(
  { leaf, payloadType, payload, attachment }: EntryFrame,
  bytes: Buffer,
  at: number,
): number {
  bytes[at] = 1;
  bytes[at + 1] = payloadTypes.indexOf(payloadType);
  bytes.writeUInt16BE(leaf.length, at + 2);
  bytes.set(leaf, at + 4);
  const payloadAt = at + 4 + leaf.length;
  bytes.writeUInt32BE(payload.length, payloadAt);
  bytes.set(payload, payloadAt + 4);
  const attachmentAt = payloadAt + 4 + payload.length;
  bytes.writeUInt32BE(attachment.length, attachmentAt);
  bytes.set(attachment, attachmentAt + 4);
  return attachmentAt + 4 + attachment.length;
}

function writeCheckpoint({ note }: CheckpointFrame, bytes: Buffer, at: number): number {
  bytes[at] = 2;
  return at + 1 + bytes.write(note, at + 1, 'utf8');
}

/** Null for a body whose CRC holds but whose shape is foreign. */
function decodeBody(body: Uint8Array): Frame | null {
  switch (body[0]) {
    case 1:
      return decodeEntryBody(body);
    case 2:
      return { frame: 'checkpoint', note: utf8Decode(body.subarray(1)) };
    default:
      return null;
  }
}

function decodeEntryBody(body: Uint8Array): EntryFrame | null {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const payloadType = payloadTypes[body[1] ?? -1];
  if (payloadType === undefined || body.length < 12) return null;
  const payloadAt = 4 + view.getUint16(2);
  if (payloadAt + 8 > body.length) return null;
  const attachmentAt = payloadAt + 4 + view.getUint32(payloadAt);
  if (attachmentAt + 4 > body.length) return null;
  const end = attachmentAt + 4 + view.getUint32(attachmentAt);
  if (end !== body.length) return null;
  return {
    frame: 'entry',
    leaf: body.subarray(4, payloadAt),
    payloadType,
    payload: body.subarray(payloadAt + 4, attachmentAt),
    attachment: body.subarray(attachmentAt + 4, end),
  };
}
