/** `verify`: the pure verifier with what only the issuing log knows: revocation, redemption, the policy in force. */

import type { ArtifactId } from '../../format/artifact-id.js';
import type { Denials } from '../../format/denial.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { VerifyResult } from '../../format/protocol.js';
import { authenticate } from '../../verify/authenticate.js';
import { offlineSituation, type Situation } from '../../verify/situation.js';
import { verify } from '../../verify/verify.js';
import { findGrant } from '../artifacts.js';
import type { Request } from '../pipeline/parse.js';
import type { Caller, Services } from '../services.js';

export async function verifyArtifact(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'verify' }>,
): Promise<VerifyResult> {
  const { artifact, action } = request.params;
  const measured = action === undefined ? null : await services.measureAction(action, caller.peer);
  const known = await situationOf(services, artifact);
  const time = services.clock.now();
  const presented = measured?.outcome === 'measured' ? measured.action : null;
  const verdict = verify(artifact, services.trust, { ...known, action: presented });
  const denials = [
    ...(verdict.verdict === 'denied' ? verdict.denials : []),
    ...(measured?.outcome === 'denied' ? [measured.denial] : []),
    ...(time.outcome === 'untrusted' ? [time.denial] : []),
  ];
  const [first, ...others] = denials;
  if (first !== undefined) return denied(services, [first, ...others]);
  if (verdict.verdict === 'denied') throw new Error('a denied verdict carries its denials');
  return { decision: 'allow', id: verdict.artifact.id, unproven: verdict.unproven };
}

/** What this log knows of an artifact that it really holds; nothing about any other. */
async function situationOf(services: Services, artifact: unknown): Promise<Situation> {
  const base = {
    ...offlineSituation(services.clock.lastTrustedMs()),
    policyBundles: [services.policy.description.bundle],
  };
  const result = authenticate(artifact, services.trust);
  if (result.outcome === 'denied') return base;
  const granted = await findGrant(services, result.authentic.id);
  if (granted === null) return base;
  const parent = await parentOf(services, granted.statement.predicate);
  return { ...base, state: granted.state, parent };
}

async function parentOf(services: Services, { lineage }: GrantPredicate): Promise<Situation['parent']> {
  const parent: ArtifactId | null = lineage.parent;
  const found = parent === null ? null : await findGrant(services, parent);
  return found && { id: found.entry.id, predicate: found.statement.predicate, state: found.state };
}

function denied(services: Services, denials: Denials): VerifyResult {
  for (const { code } of denials) services.counters.increment(`denied.${code}`);
  return { decision: 'deny', denials, evidence: null };
}
