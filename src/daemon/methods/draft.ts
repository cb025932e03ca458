/** What is asked of `authorize` and `sign`, worked out before the policy is asked, with defaults filled in. */

import type { Action } from '../../format/action.js';
import { type Denial, denial } from '../../format/denial.js';
import type { Descend, ResourceLimits } from '../../format/predicate.js';
import type { AuthorizeParams, Claims } from '../../format/protocol.js';
import type { PolicyRequest } from '../../policy/request.js';
import { endMs } from '../../verify/narrowing.js';
import type { Caller } from '../caller.js';
import type { LeaseTerms } from '../grant-terms.js';
import type { Parentage } from '../lineage/parentage.js';
import type { Request } from '../pipeline/parse.js';
import type { GrantOptions } from '../pipeline/statement.js';
import type { Services } from '../services.js';

export type GrantRequest = Extract<Request, { method: 'authorize' | 'sign' }>;

/** What both granting methods have worked out before the policy is asked. */
export interface Draft {
  readonly request: GrantRequest;
  readonly caller: Caller;
  readonly action: Action;
  /** Whether the caller is one object with that of its other requests, so that it can be recognised. */
  readonly lastingCaller: boolean;
  readonly parent: Parentage | null;
  readonly options: Omit<AuthorizeParams, 'action' | 'descend' | 'parent' | 'attest' | keyof Claims>;
  /** What the program may start: as asked for, else as its parent may. */
  readonly descend: Descend;
}

/** An authorization is for now; a signature is to be checked long after. */
export function lifetimes(
  { policy }: Services,
  action: Action,
): { readonly defaultTtlSeconds: number; readonly maxTtlSeconds: number } {
  if (action.type !== 'sign') return policy;
  return { defaultTtlSeconds: policy.signatureTtlSeconds, maxTtlSeconds: policy.signatureTtlSeconds };
}

/** Until when a grant can last under its parent, or null; a signature permits nothing, and may outlast the run that made it. */
export function lastMoment({ action, parent }: Draft): number | null {
  if (parent === null || action.type === 'sign') return null;
  return endMs(parent.artifact.statement.predicate.validity);
}

/** What is not asked for is as the parent has it. */
export function optionsOf(services: Services, { action, parent, options, descend }: Draft): GrantOptions {
  const above = parent?.artifact.statement.predicate.scope;
  return {
    authority: services.policy.authority,
    ttlSeconds: options.ttlSeconds ?? lifetimes(services, action).defaultTtlSeconds,
    audience: options.audience ?? above?.audience ?? null,
    bind: options.bind ?? 'uid',
    descend,
    confine: options.confine ?? 'tree',
    limits: limitsOf(options, above?.execution?.limits ?? noLimits),
    lease: leaseTerms(services, options),
  };
}

const noLimits: ResourceLimits = {
  cpuSeconds: null,
  memoryBytes: null,
  processes: null,
  openFiles: null,
  fileBytes: null,
};

function limitsOf({ limits = {} }: Draft['options'], above: ResourceLimits): ResourceLimits {
  return {
    cpuSeconds: limits.cpuSeconds ?? above.cpuSeconds,
    memoryBytes: limits.memoryBytes ?? above.memoryBytes,
    processes: limits.processes ?? above.processes,
    openFiles: limits.openFiles ?? above.openFiles,
    fileBytes: limits.fileBytes ?? above.fileBytes,
  };
}

function leaseTerms({ policy }: Services, { use, runSeconds }: Draft['options']): LeaseTerms | null {
  if (use !== 'lease') return null;
  return { renewSeconds: policy.leaseSeconds, runSeconds: runSeconds ?? policy.maxRunSeconds };
}

/** What policies see of the draft: of a program, also how it would be run. */
export function policyRequest({ action, descend, options }: Draft): PolicyRequest {
  if (action.type !== 'execute') return action;
  const shown = typeof descend === 'string' ? descend : 'listed';
  return { ...action, use: options.use ?? 'single', confine: options.confine ?? 'tree', descend: shown };
}

/** What is asked of a run makes no sense for what is no run. */
export function executionFaults({ action, use, runSeconds, confine, limits }: AuthorizeParams): Denial[] {
  const faults: Denial[] = [];
  if (action.type !== 'execute' && (use === 'lease' || confine !== undefined || limits !== undefined))
    faults.push(
      denial('SCOPE_MISMATCH', 'only an action that executes a program can be leased, confined or limited'),
    );
  if (runSeconds !== undefined && use !== 'lease')
    faults.push(
      denial(
        'SCOPE_MISMATCH',
        'only a lease has a longest run',
        'Ask with use "lease", or without runSeconds.',
      ),
    );
  return faults;
}
