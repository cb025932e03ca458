import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  firstIdentity,
  identitiesRequest,
  isSignature,
  publicKeyOf,
  signatureOf,
  signRequestOf,
} from '../../../bench/peers/agent-protocol.js';

function text(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const algorithm = text(Buffer.from('ssh-ed25519'));
const rawKey = Buffer.alloc(32, 7);
const blob = Buffer.concat([algorithm, text(rawKey)]);
const signature = Buffer.alloc(64, 9);

test('requests have the layout of the protocol', () => {
  assert.deepEqual([...identitiesRequest], [0, 0, 0, 1, 11]);
  const data = Buffer.from('data');
  const body = Buffer.concat([Buffer.from([13]), text(blob), text(data), Buffer.alloc(4)]);
  assert.deepEqual(signRequestOf(blob, data), text(body));
});

test('the key and the signature are found in the answers', () => {
  const identities = Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), text(blob), text(Buffer.from('comment'))]);
  assert.deepEqual(firstIdentity(identities), blob);
  assert.deepEqual(publicKeyOf(blob), rawKey);
  const answer = Buffer.concat([Buffer.from([14]), text(Buffer.concat([algorithm, text(signature)]))]);
  assert.equal(isSignature(answer[0]), true);
  assert.deepEqual(signatureOf(answer), signature);
});

test('a refusal, an empty agent and a cut answer are told apart from signatures', () => {
  assert.equal(isSignature(5), false);
  assert.throws(() => signatureOf(Buffer.from([5])), RangeError);
  assert.throws(() => firstIdentity(Buffer.from([12, 0, 0, 0, 0])), RangeError);
  assert.throws(() => signatureOf(Buffer.from([14, 0, 0, 0, 99, 1])), RangeError);
  const other = Buffer.concat([text(Buffer.from('ssh-rsa')), text(signature)]);
  assert.throws(() => signatureOf(Buffer.concat([Buffer.from([14]), text(other)])), RangeError);
});
