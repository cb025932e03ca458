/** The log key signs one history: what is refused, and what a history may start from. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Checkpoint } from '../../../src/format/checkpoint.js';
import { formatNote } from '../../../src/format/note.js';
import { HsmError } from '../../../src/hsm/faults.js';
import { type History, provenHistory, refusalOf } from '../../../src/hsm/signer/checkpoint-guard.js';
import { verifyingKey } from '../../../src/verify/ed25519.js';
import { TestLog } from '../../verify/sealed-artifact.js';
import { testOrigin, treeHead } from '../token-home.js';

const log = new TestLog(testOrigin);
const logKey = verifyingKey(log.key.publicKey);
const { root } = treeHead(5);

function isBadFloor(message: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof HsmError && error.fault.code === 'bad-floor' && error.fault.message === message;
}

describe('the guard of the log key', () => {
  const history: History = { origin: testOrigin, newest: treeHead(5) };
  const refused: readonly [what: string, checkpoint: Checkpoint, reason: string][] = [
    ['a smaller size', treeHead(4), 'its size 4 is smaller than the size 5 that was signed before'],
    ['another root at the same size', treeHead(5, 9), 'another root was signed before at its size 5'],
    [
      'another origin',
      { ...treeHead(6), origin: 'other.example/log' },
      `it is a checkpoint of another log than ${testOrigin}`,
    ],
    [
      'a root that is none',
      { ...treeHead(6), root: new Uint8Array(31) },
      'it is no checkpoint: no such tree head',
    ],
    ['a size that is none', { ...treeHead(6), size: 6.5 }, 'it is no checkpoint: no such tree head'],
  ];
  for (const [what, checkpoint, reason] of refused) {
    it(`refuses ${what}`, () => assert.equal(refusalOf(checkpoint, history), reason));
  }

  it('lets the same tree head and a larger one pass, and anything when nothing was signed yet', () => {
    assert.equal(refusalOf(treeHead(5), history), null);
    assert.equal(refusalOf(treeHead(6), history), null);
    assert.equal(refusalOf(treeHead(0), { origin: testOrigin, newest: null }), null);
  });

  it('never lets two roots of one size, or a shrinking log, through', () => {
    const heads = fc.array(fc.tuple(fc.nat(8), fc.nat(1)), { maxLength: 40 });
    fc.assert(
      fc.property(heads, (wanted) => {
        let state: History = { origin: testOrigin, newest: null };
        const roots = new Map<number, number>();
        let largest = 0;
        for (const [size, fill] of wanted) {
          if (refusalOf(treeHead(size, fill), state) !== null) continue;
          state = { ...state, newest: treeHead(size, fill) };
          assert.ok(size >= largest);
          assert.equal(roots.get(size) ?? fill, fill);
          largest = size;
          roots.set(size, fill);
        }
      }),
    );
  });
});

describe('a history', () => {
  it('starts empty without a checkpoint', () => {
    assert.deepEqual(provenHistory(testOrigin, logKey, null), { origin: testOrigin, newest: null });
  });

  it('starts at the newest signed checkpoint', () => {
    const history = provenHistory(testOrigin, logKey, log.checkpoint(5, root));
    assert.equal(history.newest?.size, 5);
    assert.deepEqual(history.newest?.root, root);
  });

  it('does not start at a checkpoint that another key signed', () => {
    const stranger = new TestLog(testOrigin).checkpoint(5, root);
    const message = 'the last checkpoint is not signed by the pinned log key';
    assert.throws(() => provenHistory(testOrigin, logKey, stranger), isBadFloor(message));
  });

  it('does not start at a checkpoint whose signature was made over something else', () => {
    const signature = { name: testOrigin, keyId: log.key.keyId, signature: new Uint8Array(64) };
    const forged = formatNote(`${testOrigin}\n5\n${Buffer.from(root).toString('base64')}\n`, [signature]);
    const message = 'the last checkpoint is not signed by the pinned log key';
    assert.throws(() => provenHistory(testOrigin, logKey, forged), isBadFloor(message));
  });

  it('does not start at a checkpoint of another log', () => {
    const other = new TestLog('other.example/log').checkpoint(5, root);
    const message = `the last checkpoint is not of the log ${testOrigin}`;
    assert.throws(() => provenHistory(testOrigin, logKey, other), isBadFloor(message));
  });

  it('does not start at what is no checkpoint', () => {
    const message = 'the last checkpoint of the log cannot be read';
    const unsigned = `${testOrigin}\n5\n`;
    for (const note of ['', 'hello\n', unsigned, log.checkpoint(5, root).replace('\n5\n', '\n05\n')]) {
      assert.throws(() => provenHistory(testOrigin, logKey, note), isBadFloor(message));
    }
  });
});
