import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Acknowledgements, readAcknowledgements } from '../../../bench/load/acknowledgements.js';
import { firstId, requestsOf, requestText } from '../../../bench/load/requests.js';
import { nonceSchema } from '../../../src/format/predicate.js';
import { type AuthorizeParams, paramsSchemas, type RedeemParams } from '../../../src/format/protocol.js';

const none = new Acknowledgements();

interface Line {
  readonly id: number;
  readonly method: 'authorize' | 'redeem';
  readonly params: unknown;
}

/** A request line whose parameters are as the protocol wants them. */
function parsed(text: string): { readonly id: number; readonly params: RedeemParams | AuthorizeParams } {
  assert.ok(text.endsWith('\n'));
  const { id, method, params }: Line = JSON.parse(text);
  return { id, params: paramsSchemas[method].parse(params) };
}

function argumentOf(text: string): unknown {
  const { action } = parsed(text).params;
  return action.type === 'execute' ? action.argv[1] : undefined;
}

test('a rotation repeats its requests, but not their ids', () => {
  const requests = requestsOf({ kind: 'rotation', requests: 3 }, none);
  const texts = [0, 1, 2, 3].map((position) => requestText(requests, firstId + position, position));
  assert.deepEqual(
    texts.map((text) => parsed(text).id),
    [0, 1, 2, 3].map((number) => firstId + number),
  );
  const [first, second, third, fourth] = texts.map(argumentOf);
  assert.equal(first, fourth);
  assert.equal(new Set([first, second, third]).size, 3);
});

test('distinct requests never repeat', () => {
  const requests = requestsOf({ kind: 'distinct' }, none);
  const seen = Array.from({ length: 2000 }, (_, position) =>
    argumentOf(requestText(requests, firstId, position)),
  );
  assert.equal(new Set(seen).size, seen.length);
});

test('a redemption names the artifact, does what that permits, and has a nonce of its own', () => {
  const authorizations = requestsOf({ kind: 'rotation', requests: 10 }, none);
  const grants = new Acknowledgements();
  const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(128));
  ids.forEach((id, position) => {
    grants.add(
      Buffer.from(`x${id}`),
      1,
      40 + position,
      authorizations.letter,
      authorizations.number(12 + position),
    );
  });
  const requests = requestsOf({ kind: 'redeem' }, grants);
  assert.equal(requests.count, 3);
  const texts = ids.map((_, position) => requestText(requests, firstId, position));
  const params = texts.map((text) => {
    const { params: read } = parsed(text);
    if (!('nonce' in read)) assert.fail('it redeems nothing');
    return read;
  });
  assert.deepEqual(
    params.map(({ id }) => id),
    ids.map((id) => `sha3-512:${id}`),
  );
  assert.equal(new Set(params.map(({ nonce }) => nonceSchema.parse(nonce))).size, 3);
  const asked = [12, 13, 14].map((position) => argumentOf(requestText(authorizations, firstId, position)));
  assert.deepEqual(texts.map(argumentOf), asked);
});

test('acknowledgements are read back as they were noted', () => {
  const grants = new Acknowledgements();
  const count = 40_000;
  for (let number = 0; number < count; number++)
    grants.add(Buffer.from(number.toString(16).padStart(128, '0')), 0, number * 2, 0, 0);
  const read = [...readAcknowledgements(Buffer.concat([...grants.bytes()]))];
  assert.equal(read.length, count);
  assert.deepEqual(read.at(-1), {
    digest: (count - 1).toString(16).padStart(128, '0'),
    index: 2 * (count - 1),
  });
});
