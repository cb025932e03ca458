/** What a program may start in turn: as it is asked for, with the listed files digested, else as its parent may. */

import type { Denial } from '../../format/denial.js';
import type { Descend } from '../../format/predicate.js';
import type { RequestedDescend } from '../../format/protocol.js';
import type { Services } from '../services.js';
import type { Parentage } from './parentage.js';

export interface DescribedDescend {
  readonly descend: Descend;
  /** Why files that are listed cannot be: SCOPE_MISMATCH, OVERLOADED. */
  readonly faults: readonly Denial[];
}

/** Waits only where programs are listed. */
export function describeDescend(
  services: Pick<Services, 'measureProgram'>,
  asked: RequestedDescend | undefined,
  parent: Parentage | null,
): DescribedDescend | Promise<DescribedDescend> {
  if (asked === undefined) return { descend: descendUnder(parent), faults: [] };
  return typeof asked === 'string' ? { descend: asked, faults: [] } : measureListed(services, asked);
}

/** What may be started where nothing is asked for. */
export function descendUnder(parent: Parentage | null): Descend {
  return parent?.artifact.statement.predicate.scope.descend ?? 'any';
}

async function measureListed(
  services: Pick<Services, 'measureProgram'>,
  { listed }: Exclude<RequestedDescend, string>,
): Promise<DescribedDescend> {
  const measured = await Promise.all(listed.map((path) => services.measureProgram(path)));
  return {
    descend: { listed: measured.flatMap((each) => (each.outcome === 'measured' ? [each.program] : [])) },
    faults: measured.flatMap((each) => (each.outcome === 'denied' ? [each.denial] : [])),
  };
}
