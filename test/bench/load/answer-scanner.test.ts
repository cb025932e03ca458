import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AnswerScanner, type AnswerSink } from '../../../bench/load/answer-scanner.js';
import { firstId } from '../../../bench/load/requests.js';

/** What a scanner reported, in order. */
type Report =
  | { readonly granted: number; readonly hex: string; readonly index: number; readonly line: string | null }
  | { readonly other: string };

class Recorder implements AnswerSink {
  readonly reports: Report[] = [];
  readonly #wanted: () => boolean;
  constructor(wanted: () => boolean) {
    this.#wanted = wanted;
  }
  wantsText(): boolean {
    return this.#wanted();
  }
  granted(id: number, bytes: Uint8Array, idOffset: number, index: number, line: Buffer | null): void {
    const hex = Buffer.from(bytes.subarray(idOffset, idOffset + 128)).toString('latin1');
    this.reports.push({ granted: id, hex, index, line: line?.toString('utf8') ?? null });
  }
  other(line: Buffer): void {
    this.reports.push({ other: line.toString('utf8') });
  }
}

interface Grant {
  readonly id: number;
  readonly hex: string;
  readonly index: number;
  readonly payload: string;
}

const grants = fc.record({
  id: fc.integer({ min: firstId, max: firstId + 1e6 }),
  hex: fc.stringMatching(/^[0-9a-f]{128}$/),
  index: fc.nat({ max: 1e9 }),
  payload: fc.stringMatching(/^[A-Za-z0-9+/]{0,300}$/),
});
const others = fc.constantFrom(
  '{"jsonrpc":"2.0","id":100000001,"result":{"decision":"deny","denials":[]}}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}',
  '{"jsonrpc":"2.0","id":10,"result":{"decision":"allow"}}',
  '{}',
  '',
);

function grantLine({ id, hex, index, payload }: Grant): string {
  const result = { decision: 'allow', id: `sha3-512:${hex}`, index, artifact: { payload } };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

test('however the stream is cut, every line is reported once, in order', () => {
  const lines = fc.array(fc.oneof(grants, others), { maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 });
  const wanted = fc.array(fc.boolean(), { minLength: 1 });
  fc.assert(
    fc.property(lines, cuts, wanted, (items, sizes, wants) => {
      const stream = Buffer.from(
        items.map((item) => `${typeof item === 'string' ? item : grantLine(item)}\n`).join(''),
      );
      let asked = 0;
      const recorder = new Recorder(() => wants[asked++ % wants.length] ?? false);
      const scanner = new AnswerScanner(recorder);
      let ended = 0;
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        // A copy that is overwritten afterwards, as the connections' one buffer is.
        const chunk = Buffer.from(stream.subarray(at, at + size));
        ended += scanner.feed(chunk);
        chunk.fill(0);
        at += size;
      }
      assert.equal(ended, items.length);
      const expected = items.map((item, position): Report => {
        if (typeof item === 'string') return { other: item };
        const line = wants[position % wants.length] ? grantLine(item) : null;
        return { granted: item.id, hex: item.hex, index: item.index, line };
      });
      assert.deepEqual(recorder.reports, expected);
    }),
  );
});
