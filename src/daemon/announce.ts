/** The first records of a run. They are sealed before anybody is served, which proves on the way that sealing works. */

import { base64Encode } from '../format/base64.js';
import type { LogRecord } from '../format/record.js';
import type { SignerKeys } from '../hsm/signer.js';
import type { KeySuccession } from '../hsm/succession.js';
import type { CheckedContinuity } from './continuity-check.js';
import { authorityRecords } from './governance/authority-records.js';
import { activationRecord } from './governance/policy-governance.js';
import type { StartingBundle } from './governance/starting-bundle.js';
import { keyEndsToLog } from './key-ends.js';
import type { Machine } from './machine.js';
import { sealRecord } from './pipeline/seal.js';
import { recordHead } from './records.js';
import type { Services } from './services.js';
import { StartError } from './start-error.js';

/** Logs this start and the decision that it follows, and the keys and the policy bundle if they are new. Throws StartError when they cannot be sealed. */
export async function announce(
  services: Services,
  machine: Machine,
  keys: SignerKeys,
  { continuity, decision }: CheckedContinuity,
  succession: KeySuccession,
  starting: StartingBundle,
): Promise<void> {
  const { views, policy } = services;
  const head = () => recordHead(services);
  const records: LogRecord[] = [
    {
      type: 'urn:writ:start:v1',
      ...head(),
      daemon: services.daemonId,
      version: services.version,
      boot: machine.fact('boot'),
      bootTimeMs: Math.floor(machine.readClocks().bootTimeMs),
      clock: services.clock.now().outcome,
      continuity,
    },
  ];
  if (decision !== null) {
    const { notice, by, why } = decision;
    const { announced, found } = notice;
    records.push({ type: 'urn:writ:recovery:v1', ...head(), announced, found, by, reason: why });
  }
  for (const role of ['log', 'artifact'] as const) {
    const publicKey = base64Encode(keys[role]);
    if (views.stated.loggedKey(role) !== publicKey)
      records.push({ type: 'urn:writ:key:v1', ...head(), event: 'use', role, publicKey });
  }
  for (const end of keyEndsToLog(succession, views))
    records.push({ type: 'urn:writ:key:v1', ...head(), ...end });
  records.push(...authorityRecords(services, starting.taken));
  if (starting.isNew) records.push(activationRecord(services, policy, starting.signature, null));
  for (const sealing of await Promise.all(records.map((record) => sealRecord(services, record)))) {
    if (sealing.outcome === 'unsealed')
      throw new StartError(`${sealing.denial.message}. ${sealing.denial.remedy}`);
  }
}
