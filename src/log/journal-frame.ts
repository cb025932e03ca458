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
import { utf8Decode, utf8Encode } from '../format/utf8.js';

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
  const body = frame.frame === 'entry' ? encodeEntryBody(frame) : encodeCheckpointBody(frame);
  if (body.length > maxBodyBytes) throw new RangeError(`a journal frame holds at most ${maxBodyBytes} bytes`);
  const bytes = new Uint8Array(headerBytes + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  view.setUint32(4, crc32(body));
  bytes.set(body, headerBytes);
  return bytes;
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

function encodeEntryBody({ leaf, payloadType, payload, attachment }: EntryFrame): Uint8Array {
  const body = new Uint8Array(4 + leaf.length + 4 + payload.length + 4 + attachment.length);
  const view = new DataView(body.buffer);
  body[0] = 1;
  body[1] = payloadTypes.indexOf(payloadType);
  view.setUint16(2, leaf.length);
  body.set(leaf, 4);
  const payloadAt = 4 + leaf.length;
  view.setUint32(payloadAt, payload.length);
  body.set(payload, payloadAt + 4);
  const attachmentAt = payloadAt + 4 + payload.length;
  view.setUint32(attachmentAt, attachment.length);
  body.set(attachment, attachmentAt + 4);
  return body;
}

function encodeCheckpointBody({ note }: CheckpointFrame): Uint8Array {
  const text = utf8Encode(note);
  const body = new Uint8Array(1 + text.length);
  body[0] = 2;
  body.set(text, 1);
  return body;
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
