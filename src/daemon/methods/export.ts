/** `export`: the artifact with a plain DSSE signature beside its proof, for consumers that know only DSSE. */

import { base64Encode } from '../../format/base64.js';
import { type Denial, denial, unknownIdRemedy } from '../../format/denial.js';
import { hexEncode } from '../../format/hex.js';
import type { ExportResult } from '../../format/protocol.js';
import { decodeStatement, type Statement } from '../../format/statement.js';
import { parseInstant } from '../../format/time.js';
import { sha256 } from '../../hash/sha256.js';
import { expiry } from '../../verify/judgement.js';
import { findEntry, findGrant, type GrantedArtifact, mayRead } from '../artifacts.js';
import type { Caller } from '../caller.js';
import type { Request } from '../pipeline/parse.js';
import { type RefusalContext, refuseAll } from '../pipeline/refuse.js';
import { artifactOf } from '../pipeline/seal.js';
import type { Services } from '../services.js';

export async function exportArtifact(
  services: Services,
  caller: Caller,
  request: Extract<Request, { method: 'export' }>,
): Promise<ExportResult> {
  const context: RefusalContext = { caller, claims: {}, decisions: [] };
  const entry = await findEntry(services, request.params.id);
  const proof = entry === null ? null : services.log.proof(entry.index);
  if (entry === null || proof === null || !isStatementKind(entry.kind)) {
    return refuseAll(services, request, context, [
      denial('NO_AUTHORIZATION', 'the log holds no sealed artifact with this id', unknownIdRemedy),
    ]);
  }
  const statement = decodeStatement(entry.payload);
  const artifact = await findGrant(services, entry.id);
  const before = groundsToRefuse(services, caller, statement, artifact);
  if (before.length > 0) return refuseAll(services, request, context, before);
  const reply = await services.exportSigner.signStatement(entry.payloadType, entry.payload);
  // The token may have taken its time, and a plain signature cannot be taken back.
  const after = groundsToRefuse(services, caller, statement, artifact);
  if (after.length > 0) return refuseAll(services, request, context, after);
  if (reply.outcome === 'unavailable') return refuseAll(services, request, context, [reply.denial]);
  if (reply.outcome === 'refused') throw new Error(`the signer refuses a sealed statement: ${reply.reason}`);
  const envelope = artifactOf(services, { ...entry, proof }).artifact;
  const { publicKey } = services.exportSigner;
  const plain = { keyid: hexEncode(sha256(publicKey)), sig: base64Encode(reply.signature) };
  return {
    decision: 'allow',
    id: entry.id,
    artifact: { ...envelope, signatures: [...envelope.signatures, plain] },
    publicKey: base64Encode(publicKey),
  };
}

/** A plain signature knows neither revocation nor expiry, so none is made for an artifact that has ended, or may have. */
function groundsToRefuse(
  services: Services,
  caller: Caller,
  statement: Statement,
  artifact: GrantedArtifact | null,
): Denial[] {
  const { predicate } = statement;
  if (!mayRead(services, caller.peer.uid, predicate.initiator.peer.uid)) {
    return [
      denial(
        'IDENTITY_MISMATCH',
        'only its initiator, the daemon and root may export an artifact',
        'Export it as the user who asked for it.',
      ),
    ];
  }
  if (statement.predicateType === 'urn:writ:denial:v1') return [];
  const grounds: Denial[] = [];
  if (artifact === null || artifact.state.revoked)
    grounds.push(denial('REVOKED', 'the artifact was revoked'));
  const { notAfter } = statement.predicate.validity;
  const time = services.clock.now();
  if (time.outcome === 'untrusted') grounds.push(time.denial);
  else if (parseInstant(notAfter) <= time.timeMs) {
    grounds.push(expiry(statement.predicate));
  }
  return grounds;
}

function isStatementKind(kind: string): boolean {
  return kind === 'authorization' || kind === 'signature' || kind === 'denial';
}
