/** What a step of a ceremony is, and what it works with. */

import type { StepOutcome } from '../../format/transcript.js';
import type { TranscriptTpm } from '../../format/transcript-tpm.js';
import type { KeyDescription } from '../../hsm/key-description.js';
import type { PinnedToken } from '../../hsm/keys-file.js';
import type { ModuleStatus, TokenStatus } from '../../hsm/provisioning/protocol.js';
import type { KeyName } from '../../hsm/token.js';
import type { ProvisionedRole, TokenAccess } from '../../hsm/token-access.js';
import type { DaemonIdentity } from '../../state/daemon-identity.js';
import type { Plan, TokenPlan } from './plan.js';

/** What was found of a token: what its module says, itself, and how to log in. */
export interface FoundToken {
  readonly module: ModuleStatus;
  readonly status: TokenStatus;
  readonly access: TokenAccess;
}

/** What earlier steps of this run found or made. Each step fills in its own part. */
export interface Findings {
  identity: DaemonIdentity | null;
  token: FoundToken | null;
  authorityToken: FoundToken | null;
  readonly keys: Map<ProvisionedRole, KeyDescription>;
  tpm: TranscriptTpm | null;
}

export interface Workplace {
  readonly stateDirectory: string;
  readonly plan: Plan;
  /** What keys.json pinned before the ceremony, or since its own step; null where there is none. */
  readonly pinned: PinnedToken | null;
  readonly keyNames: Readonly<Record<ProvisionedRole, KeyName>>;
  /** Whether this ceremony, in a run that was killed, had begun the step that asks. */
  readonly resumed: boolean;
  readonly findings: Findings;
}

/**
 * What a step finds before it does anything. `absent`: something is left to do, with this outcome. `present`: nothing is.
 * The outcome goes into the transcript.
 */
export type Standing =
  | { readonly standing: 'absent'; readonly outcome: StepOutcome; readonly detail: string }
  | { readonly standing: 'present'; readonly outcome: StepOutcome; readonly detail: string }
  /** Cannot be known before an earlier step is done: only in a dry run. */
  | { readonly standing: 'pending'; readonly detail: string };

/**
 * One step. `look` changes nothing and can be asked at any time; `perform` is called after it said `absent`, and when it
 * returns, `look` says `present`. A step that was killed anywhere is finished by looking and performing again.
 */
export interface Step {
  readonly name: string;
  readonly look: (workplace: Workplace) => Promise<Standing>;
  readonly perform: (workplace: Workplace) => Promise<void>;
}

export function absent(detail: string, outcome: StepOutcome = 'made'): Standing {
  return { standing: 'absent', outcome, detail };
}

export function present(outcome: StepOutcome, detail: string): Standing {
  return { standing: 'present', outcome, detail };
}

/** The plan of the token that holds a role's key; null for an authority that the plan leaves out. */
export function tokenPlanOf(plan: Plan, role: ProvisionedRole): TokenPlan | null {
  return role === 'policy' ? plan.authority : plan.token;
}

/** Whether the authority's key lies in the same token as the daemon's keys. */
export function sharesToken({ token, authority }: Plan): boolean {
  return (
    authority !== null &&
    authority.module === token.module &&
    authority.softhsmConf === token.softhsmConf &&
    authority.label === token.label &&
    authority.serial === token.serial
  );
}

/** The token that holds a role's key, once its step has found it. */
export function foundToken({ plan, findings }: Workplace, role: ProvisionedRole): FoundToken | null {
  return role === 'policy' && !sharesToken(plan) ? findings.authorityToken : findings.token;
}
