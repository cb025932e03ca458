/**
 * Where payloads become bytes, each behind its DSSE header. They lie in slabs outside the JavaScript heap: hundreds of
 * payloads wait for each seal, and a collector that has to copy them each time would cost more than making them.
 */

import { type EncodedPayload, paeHeader } from '../format/dsse.js';

const slabBytes = 1 << 20;

export class PayloadSlabs {
  #slab = Buffer.alloc(0);
  #used = 0;

  /**
   * A payload as UTF-8 behind the header of its Pre-Authentication Encoding (DSSE protocol.md). Both views keep a whole
   * slab alive, so nobody should hold them for long.
   */
  encode(payloadType: string, payload: string): EncodedPayload {
    const payloadBytes = Buffer.byteLength(payload);
    const header = paeHeader(payloadType, payloadBytes);
    const start = this.#reserve(header.length + payloadBytes);
    const payloadStart = start + this.#slab.write(header, start, 'latin1');
    const end = payloadStart + this.#slab.write(payload, payloadStart, 'utf8');
    return { pae: this.#slab.subarray(start, end), payload: this.#slab.subarray(payloadStart, end) };
  }

  #reserve(sizeBytes: number): number {
    if (this.#used + sizeBytes > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, sizeBytes));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += sizeBytes;
    return start;
  }
}
