/** The end of every denied request: signed evidence in the log where there can be any, a plain answer where not. */

import { type Denial, type Denials, isEvidenceDenial } from '../../format/denial.js';
import { type Claims, type Denied, requestDigest, requestText } from '../../format/protocol.js';
import { utf8Encode } from '../../format/utf8.js';
import type { Caller } from '../caller.js';
import { type Decision, keptDecisions, namedDecision } from '../decision.js';
import { recordHead } from '../records.js';
import type { SealedPayload } from '../sealing.js';
import type { Services } from '../services.js';
import type { Request } from './parse.js';
import { artifactOf, sealRecord, sealStatement } from './seal.js';
import { attributionOf, denialStatement } from './statement.js';

/** What was known when the request was refused. */
export interface RefusalContext {
  readonly caller: Caller;
  readonly claims: Claims;
  /** What policies said until then, in the order of asking. */
  readonly decisions: readonly Decision[];
}

/**
 * Answers a request with its denials. Evidence codes are sealed; if that fails, the answer carries that reason too and
 * no evidence. Plain codes are answered as they are.
 */
export async function refuse(
  services: Services,
  { method, params }: Request,
  context: RefusalContext,
  denials: Denials,
): Promise<Denied> {
  for (const { code } of denials) services.counters.increment(`denied.${code}`);
  const [first, ...others] = denials.filter(isEvidenceDenial);
  if (first === undefined || others.length + 1 < denials.length)
    return { decision: 'deny', denials, evidence: null };
  // A refusal for an untrusted clock still needs a time: the last one that was believed.
  const stamp = { timeMs: services.clock.lastTrustedMs(), nonce: services.nonce() };
  const text = requestText(method, params);
  const { named, others: further } = namedDecision(context.decisions);
  const statement = denialStatement(
    {
      method,
      denials: [first, ...others],
      caller: context.caller,
      claims: context.claims,
      policy: named?.record ?? null,
      attribution: attributionOf(services, requestDigest(text)),
    },
    utf8Encode(text),
    stamp,
  );
  const sealing = await sealStatement(services, statement, named?.input ?? new Uint8Array());
  if (sealing.outcome === 'unsealed')
    return { decision: 'deny', denials: [...denials, sealing.denial], evidence: null };
  const evidence = artifactOf(services, sealing.sealed);
  const unsealed = await sealFurther(services, sealing.sealed, further);
  return { decision: 'deny', denials: unsealed === null ? denials : [...denials, unsealed], evidence };
}

/** Logs the decisions that a denial has no room for, if there are any; why that failed, or null. */
async function sealFurther(
  services: Services,
  { id, index }: SealedPayload,
  decisions: readonly Decision[],
): Promise<Denial | null> {
  if (decisions.length === 0) return null;
  const { policy, inputs } = keptDecisions(decisions);
  const record = {
    type: 'urn:writ:decision:v1',
    ...recordHead(services),
    denial: id,
    denialIndex: index,
    policy,
  } as const;
  const sealing = await sealRecord(services, record, inputs);
  return sealing.outcome === 'sealed' ? null : sealing.denial;
}

/** As `refuse`, for grounds that were collected in a list. Throws when there are none: nothing is refused for nothing. */
export function refuseAll(
  services: Services,
  request: Request,
  context: RefusalContext,
  grounds: readonly Denial[],
): Promise<Denied> {
  const [first, ...others] = grounds;
  if (first === undefined) throw new Error('a refusal needs a ground');
  return refuse(services, request, context, [first, ...others]);
}

/** A denial of something that is only read: no evidence, because nobody was to be given anything. */
export function refusePlainly(services: Services, reason: Denial): Denied {
  services.counters.increment(`denied.${reason.code}`);
  return { decision: 'deny', denials: [reason], evidence: null };
}
