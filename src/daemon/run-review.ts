/** Looks at runs that live: does everything that each rests on still hold? At every renewal, and when a policy comes into force. */

import { type Denial, denial } from '../format/denial.js';
import type { Caller } from './caller.js';
import { causeOf, leaseGrounds } from './lease-grounds.js';
import type { Run } from './runs/run.js';
import type { Services } from './services.js';

/** Ends every run that the policy in force would not let go on. The orders to kill are out when this returns. */
export function reviewRuns(services: Services): void {
  for (const run of services.runs.live) {
    const [first, ...others] = runGrounds(services, run, run.runner);
    if (first !== undefined) services.governed.end(run, causeOf(first.code), [first, ...others]);
  }
}

/** What speaks against a run that lives; its own end, and that of the run around it, included. */
export function runGrounds(services: Services, run: Run, runner: Caller): Denial[] {
  const grounds = leaseGrounds(services, run.artifact, run.redemption.index, runner);
  const holding = services.runs.holding(runner.place);
  if (holding.holding === 'ended') grounds.push(denial('LINEAGE_BROKEN', holding.sentence));
  else if (run.inside !== null && services.runs.find(run.inside)?.state !== 'live')
    grounds.push(
      denial('LINEAGE_BROKEN', `the run ${run.inside}, inside of which it was started, has ended`),
    );
  return grounds;
}
