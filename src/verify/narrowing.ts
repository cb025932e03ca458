/**
 * A child artifact only ever narrows: whoever acts under it may do nothing that its parent did not allow, for no longer, and
 * no less confined. Each rule compares a child with its parent alone, and holds along a chain of any length because of that.
 */

import { type Denial, denial } from '../format/denial.js';
import { sameDigests } from '../format/digest-set.js';
import type {
  Descend,
  Execution,
  GrantPredicate,
  ListedProgram,
  ResourceLimits,
  Scope,
  Validity,
} from '../format/predicate.js';
import { parseInstant } from '../format/time.js';

/** When all is over that may be done under an artifact: when its run ends at the latest for a lease, else its validity. */
export function endMs(validity: Validity): number {
  return parseInstant(validity.use === 'lease' ? validity.until : validity.notAfter);
}

/** Every way in which a child is wider than its parent: LINEAGE_BROKEN, each with a sentence that names it. */
export function wideningFaults(child: GrantPredicate, parent: GrantPredicate): Denial[] {
  return [
    ...userFaults(child, parent),
    ...validityFaults(child, parent.validity),
    ...audienceFaults(child.scope, parent.scope),
    ...startFaults(child.scope, parent.scope),
    ...descendFaults(child.scope, parent.scope.descend),
    ...confinementFaults(child.scope, parent),
  ].map((message) => denial('LINEAGE_BROKEN', message));
}

/**
 * Whoever redeems an artifact that is bound to a key acts as the user that he is. So only what was seen inside its run comes
 * under it; otherwise a child is asked for by its parent's user, and acts as that user.
 */
function userFaults({ scope, initiator, lineage }: GrantPredicate, parent: GrantPredicate): string[] {
  if (typeof parent.scope.bind === 'object') {
    return lineage.basis === 'observed'
      ? []
      : ['its parent is bound to a key, so that only what its run asks for comes under it'];
  }
  const faults: string[] = [];
  if (scope.uid !== parent.scope.uid || scope.gid !== parent.scope.gid)
    faults.push('it runs as another user or group than its parent');
  if (initiator.peer.uid !== parent.scope.uid) faults.push('its parent belongs to another user');
  if (addsGroups(scope.execution, parent.scope))
    faults.push('it runs with supplementary groups that its parent does not have');
  return faults;
}

function addsGroups(child: Execution | null, { gid, execution: parent }: Scope): boolean {
  if (child === null || parent === null) return false;
  return child.groups.some((group) => group !== gid && !parent.groups.includes(group));
}

/** A blob signature permits nothing: it says what was signed, and that stays so when the run that asked for it is over. */
function validityFaults({ scope, validity }: GrantPredicate, parent: Validity): string[] {
  const faults: string[] = [];
  if (parseInstant(validity.notBefore) < parseInstant(parent.notBefore))
    faults.push('it begins before its parent');
  const last = Math.max(parseInstant(validity.notAfter), endMs(validity));
  if (scope.action.type !== 'sign' && last > endMs(parent)) faults.push('it outlives its parent');
  return faults;
}

function audienceFaults(child: Scope, parent: Scope): string[] {
  return parent.audience === null || child.audience === parent.audience
    ? []
    : ['it is meant for a wider audience than its parent'];
}

/** Whether the parent may start this. Tool calls are no programs: a list of programs does not speak of them. */
function startFaults({ action }: Scope, { action: parent, descend }: Scope): string[] {
  if (parent.type === 'sign') return ['its parent is a signature, under which nothing is authorized'];
  if (action.type === 'sign') return [];
  switch (descend) {
    case 'any':
      return [];
    case 'none':
      return ['its parent may start nothing'];
    default:
      return action.type === 'execute' && !isListed(descend.listed, action)
        ? ['its parent may not start this program: no listed file has its digests']
        : [];
  }
}

function descendFaults({ action, descend }: Scope, parent: Descend): string[] {
  // What may not be started at all has been refused for that already.
  if (parent === 'none' && action.type !== 'sign') return [];
  const isWithin =
    descend === 'none' ||
    parent === 'any' ||
    (typeof descend === 'object' &&
      typeof parent === 'object' &&
      descend.listed.every((program) => isListed(parent.listed, program)));
  return isWithin ? [] : ['it may start more than its parent'];
}

/** By the digests alone: a name says nothing about what is run. */
function isListed(programs: readonly ListedProgram[], { digests }: Pick<ListedProgram, 'digests'>): boolean {
  return programs.some((program) => sameDigests(program.digests, digests));
}

function confinementFaults({ execution }: Scope, { scope: parent, lineage }: GrantPredicate): string[] {
  if (execution === null) return [];
  if (parent.execution === null) {
    // What is under the tool call may come of a program above it, and that one's bounds do not stand here.
    return lineage.parent === null
      ? []
      : ['its parent is a tool call under another authorization, and does not say how that was confined'];
  }
  const faults: string[] = [];
  if (parent.execution.confine === 'tree' && execution.confine !== 'tree')
    faults.push('it is confined more weakly than its parent');
  const raised = raisedLimits(execution.limits, parent.execution.limits);
  if (raised.length > 0) faults.push(`it has higher limits than its parent: ${raised.join(', ')}`);
  return faults;
}

const limitNames = ['cpuSeconds', 'memoryBytes', 'processes', 'openFiles', 'fileBytes'] as const;

/** Null is no limit at all. */
function raisedLimits(child: ResourceLimits, parent: ResourceLimits): string[] {
  return limitNames.filter((name) => {
    const bound = parent[name];
    const limit = child[name];
    return bound !== null && (limit === null || limit > bound);
  });
}
