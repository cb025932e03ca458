/** Pieces of text out of bytes, and comparison with other bytes: with Node's buffers where there are any. */

import { utf8Decode } from './utf8.js';

export interface AsciiView {
  /** The text of the bytes from `start` to `end`, which must be ASCII. It keeps nothing else alive. */
  text(start: number, end: number): string;
  /** Whether these bytes, ASCII or not, stand at `start`. */
  hasAt(start: number, expected: Uint8Array): boolean;
}

const nodeBuffer = globalThis.process?.getBuiltinModule?.('node:buffer')?.Buffer;

/** A view of bytes, which must not change while it is used. */
export const asciiView: (bytes: Uint8Array) => AsciiView =
  nodeBuffer === undefined ? portableAsciiView : nodeAsciiView(nodeBuffer);

function nodeAsciiView(buffers: NonNullable<typeof nodeBuffer>): (bytes: Uint8Array) => AsciiView {
  return (bytes) => {
    const buffer = buffers.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return {
      text: (start, end) => buffer.toString('latin1', start, end),
      hasAt: (start, expected) => {
        const end = start + expected.length;
        return end <= buffer.length && buffer.compare(expected, 0, expected.length, start, end) === 0;
      },
    };
  };
}

/** The view for platforms without Node's buffers. */
export function portableAsciiView(bytes: Uint8Array): AsciiView {
  return {
    text: (start, end) => utf8Decode(bytes.subarray(start, end)),
    hasAt: (start, expected) => {
      for (let position = 0; position < expected.length; position++) {
        if (bytes[start + position] !== expected[position]) return false;
      }
      return true;
    },
  };
}
