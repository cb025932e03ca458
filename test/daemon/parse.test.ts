import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseLine, type RpcFault } from '../../src/daemon/pipeline/parse.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { malformedLines, request } from './malformed-lines.js';

function faultOf(line: string | Uint8Array): RpcFault {
  const parsed = parseLine(typeof line === 'string' ? utf8Encode(line) : line);
  if (parsed.outcome !== 'fault') assert.fail(`accepted: ${String(line)}`);
  return parsed.fault;
}

describe('the first stage of a request', () => {
  for (const [name, line, rpcCode, code, message] of malformedLines) {
    test(`answers ${name}`, () => {
      const fault = faultOf(line);
      assert.deepEqual([fault.rpcCode, fault.code], [rpcCode, code], fault.message);
      assert.match(fault.message, message);
    });
  }

  test('names the id of a faulty request wherever it can be read', () => {
    assert.equal(faultOf(request({ id: 'abc', method: 'nope' })).id, 'abc');
    assert.equal(faultOf('{').id, null);
  });

  test('accepts a request of every shape of id', () => {
    for (const requestId of [0, -5, 'x', '']) {
      const parsed = parseLine(utf8Encode(request({ id: requestId })));
      assert.equal(parsed.outcome === 'request' && parsed.request.id, requestId);
    }
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => Boolean(parseLine(bytes))));
    fc.assert(fc.property(fc.json(), (text) => Boolean(parseLine(utf8Encode(text.toWellFormed())))));
  });
});
