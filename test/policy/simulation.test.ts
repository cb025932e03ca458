// What a simulation calls a change, under bundles that say more, less, or cannot say anything.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadBundle } from '../../src/policy/bundle.js';
import { pastEntries } from '../../src/policy/past-decisions.js';
import { Simulation, type SimulationResult } from '../../src/policy/simulation.js';
import { removeState } from '../daemon/running-daemon.js';
import { starterDirectory, withBundle } from './facts.js';
import { decideSomething } from './kept-log.js';

const starter = await loadBundle(starterDirectory);

describe('a simulation', { timeout: 120_000 }, () => {
  let state: string;
  before(async () => {
    state = await decideSomething();
  });
  after(() => removeState(state));

  async function simulated(
    policies: (starter: string) => string,
    sinceMs: number | null = null,
  ): Promise<SimulationResult> {
    const text = policies(starter.files['starter.cedar'] ?? '');
    const simulation = new Simulation(await withBundle({ 'starter.cedar': text }, loadBundle), sinceMs);
    for await (const entry of pastEntries(join(state, 'journal'))) simulation.take(entry);
    return simulation.result;
  }

  it('changes nothing under the bundle that decided', async () => {
    const { decisions, unchanged, unknown, changed } = await simulated((text) => text);
    assert.deepEqual([decisions, unchanged, unknown, changed], [10, 10, 0, []]);
  });

  it('groups what would change by action, resource and policies, with counts and examples', async () => {
    const { changed, unchanged } = await simulated((text) =>
      text
        .replace('"/usr/bin/date", "/usr/bin/echo"', '"/usr/bin/date"')
        .replace('@id("nobody-destroys-data")\nforbid', '@id("anybody-destroys-data")\npermit'),
    );
    assert.equal(unchanged, 3);
    assert.deepEqual(
      changed.map(({ examples, ...group }) => ({ ...group, examples: examples.length })),
      [
        {
          change: 'allow-to-deny',
          action: 'execute',
          resource: 'Command "/usr/bin/echo"',
          before: ['anyone-runs-harmless-commands'],
          after: [],
          reason: 'No policy of the bundle "starter" permits the action execute on Command "/usr/bin/echo".',
          count: 4,
          examples: 3,
        },
        {
          change: 'deny-to-allow',
          action: 'execute',
          resource: 'Command "/usr/bin/rm"',
          before: ['nobody-destroys-data'],
          after: ['anybody-destroys-data'],
          reason: null,
          count: 3,
          examples: 3,
        },
      ],
    );
  });

  it('tells what the new bundle could not decide', async () => {
    const { changed } = await simulated(
      (text) =>
        `${text}\n@id("erring") forbid (principal, action == Writ::Action::"redeem", resource)\nwhen { (resource.ownerUid + 2) * 9223372036854775807 == 5 };`,
    );
    assert.deepEqual(
      changed.map(({ change, action, count }) => [change, action, count]),
      [['undecidable', 'redeem', 2]],
    );
  });

  it('leaves out what was decided before a time', async () => {
    const later = await simulated((text) => text, Date.now() + 3_600_000);
    assert.deepEqual([later.decisions, later.changed], [0, []]);
    const earlier = await simulated((text) => text, Date.now() - 3_600_000);
    assert.equal(earlier.decisions, 10);
  });
});
