/** `verify`: the pure verifier with what only the issuing log knows: revocation, redemption, the policy in force. */

import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, type Denials, denial } from '../../format/denial.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { VerifyResult } from '../../format/protocol.js';
import { decodeRecord, recordPayloadType } from '../../format/record.js';
import { authenticate } from '../../verify/authenticate.js';
import { offlineSituation, type Situation } from '../../verify/situation.js';
import { verify } from '../../verify/verify.js';
import { findEntry, findGrant } from '../artifacts.js';
import type { Request } from '../pipeline/parse.js';
import type { Services } from '../services.js';

export async function verifyArtifact(
  services: Services,
  request: Extract<Request, { method: 'verify' }>,
): Promise<VerifyResult> {
  const { artifact, action } = request.params;
  const measured = action === undefined ? null : await services.measureAction(action);
  const { known, loss } = await knowledgeOf(services, artifact);
  const time = services.clock.now();
  const presented = measured?.outcome === 'measured' ? measured.action : null;
  const verdict = verify(artifact, services.trust, { ...known, action: presented }, services.proven);
  const denials = [
    ...(verdict.verdict === 'denied' ? verdict.denials : []),
    ...(measured?.outcome === 'denied' ? [measured.denial] : []),
    ...(loss === null ? [] : [loss]),
    ...(time.outcome === 'untrusted' ? [time.denial] : []),
  ];
  const [first, ...others] = denials;
  if (first !== undefined) return denied(services, [first, ...others]);
  if (verdict.verdict === 'denied') throw new Error('a denied verdict carries its denials');
  return { decision: 'allow', id: verdict.artifact.id, unproven: verdict.unproven };
}

/** What this log knows of an artifact, and whether it lost one that it must hold. */
interface Knowledge {
  readonly known: Situation;
  readonly loss: Denial | null;
}

async function knowledgeOf(services: Services, artifact: unknown): Promise<Knowledge> {
  const known = {
    ...offlineSituation(services.clock.lastTrustedMs()),
    policyBundles: [services.policy.description.bundle],
  };
  const result = authenticate(artifact, services.trust, services.proven);
  if (result.outcome === 'denied') return { known, loss: null };
  const { id } = result.authentic;
  if ((await findEntry(services, id)) === null) {
    const message = 'the artifact is authentic, but this log no longer holds it: the state was rolled back';
    return { known, loss: denial('STATE_UNVERIFIABLE', message, 'Restore the newest state directory.') };
  }
  const granted = await findGrant(services, id);
  if (granted === null) return { known, loss: null };
  const parent = await parentOf(services, granted.statement.predicate);
  const quote = await quoteOf(services, granted.statement.predicate);
  return { known: { ...known, state: granted.state, parent, quote }, loss: null };
}

/** The quote that an artifact cites, where it cites one. */
async function quoteOf(services: Services, { environment }: GrantPredicate): Promise<Situation['quote']> {
  const cited = environment.find((binding) => binding.source === 'tpm');
  if (cited?.source !== 'tpm') return null;
  const entry = await findEntry(services, cited.quote);
  if (entry === null || entry.payloadType !== recordPayloadType) return null;
  const record = decodeRecord(entry.payload);
  return record.type === 'urn:writ:quote:v1' ? { id: entry.id, index: entry.index, record } : null;
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
