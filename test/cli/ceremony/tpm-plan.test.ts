/** What a plan must say of the TPM, and what the guided ceremony asks about it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interview } from '../../../src/cli/ceremony/interview.js';
import { tpmPlan, usualTpmPlan } from '../../../src/cli/ceremony/tpm-plan.js';
import { UsageError } from '../../../src/cli/cli-error.js';

const device = '/dev/tpmrm0';

describe('a plan', () => {
  it('must say what happens to a TPM that the machine shows, and need not where it shows none', () => {
    assert.equal(tpmPlan(undefined, '/', null), null);
    assert.throws(() => tpmPlan(undefined, '/', device), /this machine has a TPM: .*enrol = false.*--no-tpm/);
    assert.equal(tpmPlan({ enrol: false }, '/', device), null);
  });

  it('takes what it does not say as usual', () => {
    assert.deepEqual(tpmPlan({ device: 'tpm' }, '/srv', null), usualTpmPlan('/srv/tpm'));
    assert.deepEqual(tpmPlan({ development: true, pcrs: [7], reference: true }, '/', null), {
      ...usualTpmPlan(null),
      pcrs: [7],
      reference: true,
    });
  });

  it('does not contradict itself', () => {
    for (const section of [{}, { device, development: true }, { enrol: false, device }, { enrol: true }])
      assert.throws(() => tpmPlan(section, '/', null), UsageError);
  });
});

describe('the guided ceremony', () => {
  const planOf = (answers: readonly string[], tpmDevice: string | null) => {
    const left = [...answers];
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(left.shift() ?? '');
    };
    const environment = { SOFTHSM2_MODULE: '/lib/m.so' };
    const surroundings = { stateDirectory: '/tmp/none', environment, tpmDevice };
    return interview({ ask, say: () => {} }, surroundings).then(({ tpm }) => ({ tpm, asked }));
  };
  /** Name, log, module, label, blank, two PIN files, and whether to make PINs. */
  const before = ['', '', '/lib/m.so', '', '', '', '', 'y'];

  it('asks about a TPM that is there, and has verifiers demand nothing unless told so', async () => {
    const { tpm, asked } = await planOf(before, device);
    assert.ok(asked.some((question) => question.includes(device)));
    assert.deepEqual(tpm, usualTpmPlan(device));
    const demanding = await planOf([...before, 'adopt', 'yes'], device);
    assert.deepEqual(demanding.tpm, { ...usualTpmPlan(device), action: 'adopt', reference: true });
  });

  it('leaves it out when told so, and where there is none', async () => {
    assert.equal((await planOf([...before, 'none'], device)).tpm, null);
    const { tpm, asked } = await planOf(before, null);
    assert.equal(tpm, null);
    assert.ok(!asked.some((question) => question.includes('TPM')));
  });
});
