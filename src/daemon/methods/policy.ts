/** `policy.stage` and `policy.activate`: a policy document on its way to the daemon, and put in force. */

import { type Denial, denial } from '../../format/denial.js';
import { decodePolicyDocument, type PolicyDocument } from '../../format/policy-document.js';
import type { StageResult } from '../../format/protocol.js';
import type { Caller } from '../caller.js';
import type { Request } from '../pipeline/parse.js';
import { refuse, refuseAll, refusePlainly } from '../pipeline/refuse.js';
import type { Granted } from '../pipeline/reply.js';
import { grantResult } from '../pipeline/seal.js';
import type { Services } from '../services.js';

type Of<Name extends Request['method']> = Extract<Request, { method: Name }>;

export function stagePolicy(services: Services, caller: Caller, request: Of<'policy.stage'>): StageResult {
  const staging = services.governance.staged.take(caller.peer.uid, request.params);
  return staging.outcome === 'staged'
    ? { decision: 'allow', receivedBytes: staging.receivedBytes }
    : refusePlainly(services, staging.denial);
}

export async function activatePolicy(
  services: Services,
  caller: Caller,
  request: Of<'policy.activate'>,
): Promise<Granted> {
  const context = { caller, claims: {}, decisions: [] };
  const read = stagedDocument(services, caller, request.params.document);
  if (read.outcome === 'denied') return refuse(services, request, context, [read.denial]);
  const activation = await services.governance.activate(services, caller, read.document);
  if (activation.outcome !== 'activated')
    return refuseAll(
      services,
      request,
      { ...context, decisions: activation.decision === null ? [] : [activation.decision] },
      activation.grounds,
    );
  return grantResult(services.vkey, activation.sealed);
}

function stagedDocument(
  { governance }: Services,
  { peer }: Caller,
  digest: string,
):
  | { readonly outcome: 'read'; readonly document: PolicyDocument }
  | { readonly outcome: 'denied'; readonly denial: Denial<'MALFORMED'> } {
  const bytes = governance.staged.release(peer.uid, digest);
  if (bytes === null)
    return malformed('no policy document with this digest was handed over (policy.stage) by this user');
  try {
    const document = decodePolicyDocument(bytes);
    const { files, statement, chain } = document;
    if (files !== null || (statement === null && chain.length > 0)) return { outcome: 'read', document };
    return malformed('the document holds neither a bundle nor statements about keys alone');
  } catch (cause) {
    // JsonFaultError or SyntaxError: the document is not ours.
    if (!(cause instanceof Error)) throw cause;
    return malformed(cause.message);
  }
}

function malformed(message: string): { readonly outcome: 'denied'; readonly denial: Denial<'MALFORMED'> } {
  return { outcome: 'denied', denial: denial('MALFORMED', message) };
}
