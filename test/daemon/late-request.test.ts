/** A request whose client is gone does not keep the daemon from stopping, and may meet a log that is closed already. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatch } from '../../src/daemon/dispatch.js';
import { RedemptionQueue } from '../../src/daemon/methods/redeem.js';
import { Counters, type Services } from '../../src/daemon/services.js';
import { grantSubmission, openLog, SoftwareSigner, temporaryDirectory } from '../log/software-log.js';
import { peer } from '../verify/sealed-artifact.js';
import { outside, unconnectedSession } from './unconnected.js';

test('a request that reads the log after it was closed is denied, and no fault of the daemon', async () => {
  const directory = await temporaryDirectory();
  const { log } = await openLog(directory.path, new SoftwareSigner());
  assert.equal((await log.append(grantSubmission())).outcome, 'sealed');
  await log.close();
  const counters = new Counters();
  // Reading an entry needs no other service.
  const services = { log, counters, tpm: null } as Partial<Services> as Services;
  const caller = { peer, user: null, groups: [], environment: [], place: outside, run: null, likeness: {} };
  const answer = await dispatch(
    services,
    new RedemptionQueue(),
    unconnectedSession(),
    () => ({ outcome: 'identified', caller }),
    { id: 1, method: 'log.entry', params: { index: 0 } },
  );
  const denials = [
    {
      code: 'LOG_UNAVAILABLE',
      message: 'the daemon is shutting down',
      remedy: 'Ask again once it has started.',
    },
  ];
  assert.deepEqual(answer, { decision: 'deny', denials, evidence: null });
  assert.equal(counters.snapshot()['denied.LOG_UNAVAILABLE'], 1);
  await directory.remove();
});
