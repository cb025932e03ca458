/** The bytes of a batch of payloads, each behind its DSSE header, in one allocation. */

import { type EncodedPayload, paeHeader } from '../format/dsse.js';

/** Encodes payloads as UTF-8 behind their Pre-Authentication Encoding's header (DSSE protocol.md). */
export function encodePaes(
  payloads: readonly { readonly payloadType: string; readonly payload: string }[],
): EncodedPayload[] {
  const sizes = payloads.map(({ payload }) => Buffer.byteLength(payload));
  const headers = payloads.map(({ payloadType }, position) => paeHeader(payloadType, sizes[position] ?? 0));
  const total = headers.reduce((sum, header, position) => sum + header.length + (sizes[position] ?? 0), 0);
  const bytes = Buffer.allocUnsafeSlow(total);
  let offset = 0;
  return payloads.map(({ payload }, position) => {
    const start = offset;
    const payloadStart = start + bytes.write(headers[position] ?? '', start, 'latin1');
    offset = payloadStart + bytes.write(payload, payloadStart, 'utf8');
    return { pae: bytes.subarray(start, offset), payload: bytes.subarray(payloadStart, offset) };
  });
}
