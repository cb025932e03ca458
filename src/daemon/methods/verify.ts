/** `verify`: the pure verifier with what only the issuing log knows: revocation, redemption, the policy in force. */

import type { ArtifactId } from '../../format/artifact-id.js';
import { type Denial, type Denials, denial } from '../../format/denial.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { VerifyResult } from '../../format/protocol.js';
import { decodeRecord, recordPayloadType } from '../../format/record.js';
import type { Trust } from '../../format/trust.js';
import { ProofError } from '../../merkle/proof.js';
import { authenticate } from '../../verify/authenticate.js';
import { placeCheckpoint, withProvenHead } from '../../verify/checkpoint.js';
import { type ProvenQuote, quoteDenial } from '../../verify/quote.js';
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
  const { known, trust, loss } = await knowledgeOf(services, artifact);
  const time = services.clock.now();
  const presented = measured?.outcome === 'measured' ? measured.action : null;
  const verdict = verify(artifact, trust, { ...known, action: presented }, services.proven);
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

/** What this log knows of an artifact, and what only this log can find wrong with it. */
interface Knowledge {
  readonly known: Situation;
  readonly trust: Trust;
  readonly loss: Denial | null;
}

async function knowledgeOf(services: Services, artifact: unknown): Promise<Knowledge> {
  const { trust } = services;
  const known = {
    ...offlineSituation(services.clock.lastTrustedMs()),
    policyBundles: [services.policy.description.bundle],
  };
  const result = authenticate(artifact, services.trust, services.proven);
  if (result.outcome === 'denied') return { known, trust, loss: null };
  const { id } = result.authentic;
  if ((await findEntry(services, id)) === null) {
    const message = 'the artifact is authentic, but this log no longer holds it: the state was rolled back';
    return {
      known,
      trust,
      loss: denial('STATE_UNVERIFIABLE', message, 'Restore the newest state directory.'),
    };
  }
  const granted = await findGrant(services, id);
  if (granted === null) return { known, trust, loss: null };
  const parent = await parentOf(services, granted.statement.predicate);
  const quote = await quoteOf(services, granted.statement.predicate);
  const judged = quote === null ? { trust, loss: null } : trustFor(services, quote);
  const policyBundles = acceptedBundles(services, granted.statement.predicate);
  return { known: { ...known, policyBundles, state: granted.state, parent, quote }, ...judged };
}

/** The bundles whose decisions count for an artifact of this log; null where that shows only when it is redeemed. */
function acceptedBundles({ policy }: Services, predicate: GrantPredicate): Situation['policyBundles'] {
  const { bundle } = policy.description;
  switch (policy.older) {
    case 'valid':
      return [bundle, predicate.policy.bundle];
    case 'deny':
      return [bundle];
    case 'redecide':
      return predicate.policy.bundle === bundle ? [bundle] : null;
  }
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

/**
 * The daemon's trust, with the checkpoint that a quote follows where that is an earlier head of this very log. Where it is a
 * head of another tree, this log knows it, and need not leave it open as others must.
 */
function trustFor(services: Services, { record }: ProvenQuote): Pick<Knowledge, 'trust' | 'loss'> {
  const { trust, log, proven } = services;
  const head = placeCheckpoint(record.checkpoint, trust, proven);
  if (head.verdict !== 'unplaced') return { trust, loss: null };
  try {
    const { checkpoint, log: key } = head;
    const proof = log.consistency(checkpoint.size, key.retired.size);
    return { trust: withProvenHead(trust, checkpoint, key.retired.size, proof), loss: null };
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    return { trust, loss: quoteDenial('it follows a checkpoint that is no tree head of this log') };
  }
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
