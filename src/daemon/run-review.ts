/** Looks at runs that live: does everything that each rests on still hold? At every renewal, and when a policy comes into force. */

import { denial } from '../format/denial.js';
import type { Caller } from './caller.js';
import type { Judged } from './decision.js';
import { causeOf, judgeLease } from './lease-grounds.js';
import type { Run } from './runs/run.js';
import type { Services } from './services.js';

/** Ends every run that the policy in force would not let go on. The orders to kill are out when this returns. */
export function reviewRuns(services: Services): void {
  for (const run of services.runs.live) {
    const { denials, decisions } = judgeRun(services, run, run.runner);
    const [first, ...others] = denials;
    if (first !== undefined)
      services.governed.end(run, causeOf(first.code), [first, ...others], { decisions });
  }
}

/** What speaks against a run that lives; its own end, and that of the run around it, included. */
export function judgeRun(services: Services, run: Run, runner: Caller): Judged {
  const { denials, decisions } = judgeLease(services, run.artifact, run.redemption.index, runner);
  const grounds = [...denials];
  const holding = services.runs.holding(runner.place);
  if (holding.holding === 'ended') grounds.push(denial('LINEAGE_BROKEN', holding.sentence));
  else if (run.inside !== null && services.runs.find(run.inside)?.state !== 'live')
    grounds.push(
      denial('LINEAGE_BROKEN', `the run ${run.inside}, inside of which it was started, has ended`),
    );
  return { denials: grounds, decisions };
}
