/** The data types of SSH's wire format that keys and signatures are made of (RFC 4251 section 5): uint32 and string. */

import { ByteReader } from './byte-reader.js';
import { concatBytes } from './bytes.js';
import { utf8Decode } from './utf8.js';

/** Keys, names and signatures are short: whatever claims to be longer is none. */
const maxStringBytes = 65_536;

/** A string: its length in four bytes, then its bytes. */
export function sshString(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}

/** Reads a structure from front to back. Every method throws SyntaxError for what is cut short or too long. */
export class SshReader {
  readonly #reader: ByteReader;

  /** @param what names the structure in errors: `the signature` */
  constructor(bytes: Uint8Array, what: string) {
    this.#reader = new ByteReader(bytes, 'big-endian', what);
  }

  uint32(): number {
    return this.#reader.u32();
  }

  /** Exactly this many bytes, without a length before them. */
  bytes(sizeBytes: number): Uint8Array {
    return this.#reader.bytes(sizeBytes);
  }

  string(): Uint8Array {
    const sizeBytes = this.#reader.u32();
    if (sizeBytes > maxStringBytes) throw this.fault(`holds a string of ${sizeBytes} bytes`);
    return this.#reader.bytes(sizeBytes);
  }

  /** A string that is UTF-8; in names nothing else is allowed. */
  text(): string {
    const bytes = this.string();
    try {
      return utf8Decode(bytes);
    } catch (cause) {
      throw new SyntaxError(this.fault('holds a name that is no UTF-8').message, { cause });
    }
  }

  /** Throws SyntaxError unless everything was read. */
  end(): void {
    this.#reader.end();
  }

  /** What is wrong, and where. */
  fault(message: string): SyntaxError {
    return this.#reader.fault(message);
  }
}
