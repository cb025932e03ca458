/** The order of announcements and increments, on a counter and a log of the test's own; the real ones are in tpm.test.ts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Anchoring } from '../../src/daemon/anchoring.js';
import type { Sealing } from '../../src/daemon/sealing.js';
import type { AnchorCause } from '../../src/format/anchor.js';
import { denial } from '../../src/format/denial.js';

const lost = { outcome: 'unavailable', denial: denial('TPM_UNAVAILABLE', 'no answer') } as const;
const unsealed: Sealing = { outcome: 'unsealed', denial: denial('HSM_UNAVAILABLE', 'no token') };

/** A counter that can fail before or after it has counted, and a list of everything that happened. */
class Bench {
  readonly events: string[] = [];
  value = 7;
  nowMs = 0;
  failure: 'none' | 'before' | 'after' | 'seal' = 'none';
  fatal: string | null = null;
  readonly troubles: (string | null)[] = [];
  readonly anchoring: Anchoring;

  constructor(writesPerDay = 144) {
    const name = `000b${'0'.repeat(64)}`;
    this.anchoring = new Anchoring(
      {
        attester: {
          key: { name, publicArea: new Uint8Array() },
          counterName: name,
          readCounter: async () => ({ outcome: 'done', value: this.value }),
          incrementCounter: async () => {
            if (this.failure === 'before') return lost;
            this.value++;
            this.events.push(`raise ${this.value}`);
            return this.failure === 'after' ? lost : { outcome: 'done', value: this.value };
          },
        },
        seal: async ({ value, cause }) => {
          if (this.failure === 'seal') return unsealed;
          this.events.push(`announce ${value} ${cause}`);
          const sealed = { id: `sha3-512:${'0'.repeat(128)}`, index: 0, payloadType: '', proof: '' } as const;
          return { outcome: 'sealed', sealed: { ...sealed, payload: new Uint8Array() } };
        },
        nowMs: () => this.nowMs,
        settings: { periodMs: 1000, writesPerDay },
        onTrouble: (trouble) => this.troubles.push(trouble?.code ?? null),
        onFatal: ({ message }) => {
          this.fatal = message;
        },
      },
      this.value,
    );
  }

  async outcome(cause: AnchorCause): Promise<string> {
    const outcome = await this.anchoring.anchor(cause);
    return outcome.outcome === 'failed' ? outcome.denial.code : outcome.outcome;
  }
}

describe('Anchoring', () => {
  it('announces before it raises, and shares one turn among those that wait', async () => {
    const bench = new Bench();
    const outcomes = await Promise.all(
      ['start', 'request', 'request', 'key'].map((cause) => bench.outcome(cause as AnchorCause)),
    );
    assert.deepEqual(outcomes, Array(4).fill('anchored'));
    assert.deepEqual(bench.events, ['announce 8 start', 'raise 8']);
    await bench.outcome('request');
    assert.deepEqual(bench.events.slice(2), ['announce 9 request', 'raise 9']);
  });

  for (const failure of ['before', 'after'] as const) {
    it(`finds out what became of a raise whose answer was lost (${failure} it counted)`, async () => {
      const bench = new Bench();
      bench.failure = failure;
      assert.equal(await bench.outcome('start'), 'TPM_UNAVAILABLE');
      bench.failure = 'none';
      assert.equal(await bench.outcome('request'), 'anchored');
      assert.deepEqual(bench.events, ['announce 8 start', 'raise 8', 'announce 9 request', 'raise 9']);
      assert.equal(bench.anchoring.status.value, 9);
    });
  }

  it('raises nothing that could not be announced, and passes the value that may have been', async () => {
    const bench = new Bench();
    bench.failure = 'seal';
    assert.equal(await bench.outcome('request'), 'HSM_UNAVAILABLE');
    assert.equal(bench.value, 7);
    // The announcement may have been written all the same, and be sealed by a later checkpoint.
    bench.failure = 'none';
    assert.equal(await bench.outcome('request'), 'anchored');
    assert.deepEqual(bench.events, ['announce 8 request', 'raise 8', 'announce 9 request', 'raise 9']);
    assert.equal(await bench.outcome('request'), 'anchored');
    assert.deepEqual(bench.events.slice(4), ['announce 10 request', 'raise 10']);
  });

  it('counts nothing as protected by a value that may have been announced before it', async () => {
    const bench = new Bench(6);
    const starting = bench.outcome('start');
    bench.anchoring.follow('anchor', 0);
    await starting;
    await bench.outcome('revocation');
    bench.failure = 'seal';
    const failing = bench.outcome('revocation');
    bench.anchoring.follow('anchor', 1);
    await failing;
    bench.anchoring.follow('redemption', 2);
    bench.failure = 'none';
    // The first announcement of 10 lies before the redemption: a log that ends between them fits a counter of 10.
    const passing = bench.outcome('revocation');
    bench.anchoring.follow('anchor', 3);
    await passing;
    assert.equal(bench.anchoring.status.value, 10, 'the budget allows no further write');
    assert.ok(!bench.anchoring.covers(2));
    bench.nowMs = 86_400_000;
    assert.equal(await bench.outcome('revocation'), 'anchored');
    assert.equal(bench.anchoring.status.value, 11);
    assert.ok(bench.anchoring.covers(2));
    await bench.anchoring.close();
  });

  it('tells of trouble when it begins and when it ends, and a spent budget is none', async () => {
    const bench = new Bench(6);
    await bench.outcome('start');
    bench.failure = 'before';
    for (let attempt = 0; attempt < 3; attempt++) await bench.outcome('request');
    assert.deepEqual(bench.troubles, ['TPM_UNAVAILABLE']);
    bench.failure = 'none';
    bench.nowMs = 86_400_000;
    await bench.outcome('request');
    assert.deepEqual(bench.troubles, ['TPM_UNAVAILABLE', null]);
    while ((await bench.outcome('request')) === 'anchored');
    assert.equal(bench.anchoring.status.trouble, null);
    assert.deepEqual(bench.troubles, ['TPM_UNAVAILABLE', null]);
    // What joins a demand may still spend what no demand can.
    const outcomes = await Promise.all([bench.outcome('request'), bench.outcome('revocation')]);
    assert.deepEqual(outcomes, ['anchored', 'anchored']);
    await bench.anchoring.close();
  });

  it('ends everything when somebody else raised the counter', async () => {
    const bench = new Bench();
    bench.value = 8;
    assert.equal(await bench.outcome('request'), 'TPM_UNAVAILABLE');
    assert.match(bench.fatal ?? '', /somebody else raised it/);
  });

  it('denies beyond its budget, but never the start and the end', async () => {
    const bench = new Bench(6);
    for (let write = 0; write < 2; write++) assert.equal(await bench.outcome('request'), 'anchored');
    assert.equal(await bench.outcome('request'), 'TPM_UNAVAILABLE');
    for (let write = 0; write < 2; write++) assert.equal(await bench.outcome('revocation'), 'anchored');
    assert.equal(await bench.outcome('revocation'), 'TPM_UNAVAILABLE');
    assert.equal(await bench.outcome('start'), 'anchored');
    bench.nowMs = 86_400_000;
    assert.equal(await bench.outcome('request'), 'anchored');
    assert.equal((await bench.anchoring.close()).outcome, 'anchored');
  });

  it('counts what could be taken back, and not what a log adds by itself', async () => {
    const bench = new Bench();
    const starting = bench.outcome('start');
    bench.anchoring.follow('anchor', 0);
    await starting;
    bench.anchoring.follow('quote', 1);
    bench.anchoring.follow('authorization', 2);
    assert.equal(bench.anchoring.status.unprotectedEntries, 2);
    bench.failure = 'before';
    const announcing = bench.outcome('request');
    bench.anchoring.follow('anchor', 3);
    await announcing;
    assert.equal(bench.anchoring.status.unprotectedEntries, 3, 'announced, and not raised');
    bench.failure = 'none';
    const anchoring = bench.outcome('request');
    bench.anchoring.follow('anchor', 4);
    await anchoring;
    assert.equal(bench.anchoring.status.unprotectedEntries, 0);
    await bench.anchoring.close();
  });

  it('ends with the anchor of the stop, whatever is asked of it meanwhile', async () => {
    const bench = new Bench();
    await bench.outcome('start');
    const closing = bench.anchoring.close();
    const late = bench.outcome('request');
    assert.equal((await closing).outcome, 'anchored');
    assert.equal(await late, 'TPM_UNAVAILABLE');
    assert.equal(await bench.outcome('request'), 'TPM_UNAVAILABLE');
    assert.equal(bench.fatal, null);
    assert.deepEqual(bench.events.slice(2), ['announce 9 stop', 'raise 9']);
  });
});
