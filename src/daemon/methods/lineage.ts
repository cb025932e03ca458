/** `lineage`: the tree that an artifact belongs to, with what became of each node. */

import { denial, unknownIdRemedy } from '../../format/denial.js';
import { displayText } from '../../format/exact-text.js';
import type { EndRecord } from '../../format/lease.js';
import type { LineageNode } from '../../format/lineage-node.js';
import type { GrantPredicate } from '../../format/predicate.js';
import type { LineageResult } from '../../format/protocol.js';
import { decodeRecord, recordPayloadType } from '../../format/record.js';
import { type RevocationRecord, targetText } from '../../format/revocation.js';
import { parseInstant } from '../../format/time.js';
import { findGrant, mayRead } from '../artifacts.js';
import type { Caller } from '../caller.js';
import type { GrantedArtifact } from '../granted-artifact.js';
import type { Request } from '../pipeline/parse.js';
import { refusePlainly } from '../pipeline/refuse.js';
import type { Services } from '../services.js';

/** Nodes shown of one tree at most, and their size in JSON, so that an answer stays within a line. */
const maxNodes = 100;
const maxBytes = 60_000;

/** The tree as far as it fits an answer; only for those who may read the artifact. */
export async function lineage(
  services: Services,
  caller: Caller,
  { params }: Extract<Request, { method: 'lineage' }>,
): Promise<LineageResult> {
  const artifact = await findGrant(services, params.id);
  const isReadable =
    artifact !== null && mayRead(services, caller.peer.uid, artifact.statement.predicate.initiator.peer.uid);
  if (!isReadable) {
    const message = 'the log holds no artifact of yours with this id';
    return refusePlainly(services, denial('NO_AUTHORIZATION', message, unknownIdRemedy));
  }
  const rootId = artifact.statement.predicate.lineage.root;
  const root = rootId === null ? artifact : await findGrant(services, rootId);
  if (root === null) {
    const message = 'the root of the lineage cannot be found';
    return refusePlainly(
      services,
      denial('LINEAGE_BROKEN', message, 'Have the log checked (writ log check).'),
    );
  }
  const nodes: LineageNode[] = [];
  await collect(services, root, nodes, maxBytes);
  return { decision: 'allow', nodes };
}

/** Adds the artifact and its descendants as far as they fit, and returns the bytes left; 0 once one did not fit. */
async function collect(
  services: Services,
  artifact: GrantedArtifact,
  nodes: LineageNode[],
  spareBytes: number,
): Promise<number> {
  const node = await nodeOf(services, artifact);
  let leftBytes = spareBytes - Buffer.byteLength(JSON.stringify(node)) - 1;
  if (leftBytes <= 0 || nodes.length >= maxNodes) return 0;
  nodes.push(node);
  for (const index of await services.related.children(artifact.entry.id)) {
    const { id } = await services.log.read(index);
    const child = await findGrant(services, id);
    if (child?.statement.predicate.lineage.parent !== artifact.entry.id) continue;
    leftBytes = await collect(services, child, nodes, leftBytes);
    if (leftBytes === 0) return 0;
  }
  return leftBytes;
}

async function nodeOf(services: Services, artifact: GrantedArtifact): Promise<LineageNode> {
  const { entry, statement, state } = artifact;
  const { lineage: place, validity, scope } = statement.predicate;
  const { end, revocation } = await fateOf(services, artifact);
  return {
    id: entry.id,
    index: entry.index,
    parent: place.parent,
    depth: place.depth,
    basis: place.basis,
    subject: subjectText(scope.action),
    notAfter: validity.notAfter,
    state: state.revoked ? 'revoked' : unrevokedState(services, artifact, end),
    end: end && { cause: end.cause, status: end.status },
    revocation: state.revoked ? await revocationOf(services, artifact, revocation) : null,
  };
}

function unrevokedState(
  { runs, clock }: Services,
  { entry, statement, state }: GrantedArtifact,
  end: EndRecord | null,
): LineageNode['state'] {
  if (runs.live.some(({ artifact }) => artifact.entry.id === entry.id)) return 'running';
  if (end !== null) return 'ended';
  if (state.redeemed) return 'redeemed';
  const isExpired = parseInstant(statement.predicate.validity.notAfter) <= clock.lastTrustedMs();
  return isExpired ? 'expired' : 'issued';
}

interface Fate {
  readonly end: EndRecord | null;
  readonly revocation: RevocationRecord | null;
}

/** What the log says became of an artifact. Where it says so was looked up in the index, which proves nothing. */
async function fateOf(services: Services, { entry }: GrantedArtifact): Promise<Fate> {
  let end: EndRecord | null = null;
  let revocation: RevocationRecord | null = null;
  for (const index of await services.related.about(entry.index)) {
    const record = await readRecord(services, index);
    if (record?.type === 'urn:writ:end:v1' && record.artifact === entry.id) end = record;
    if (record?.type === 'urn:writ:revocation:v1') {
      const { target } = record;
      if (target.kind === 'artifact' && target.id === entry.id) revocation ??= record;
    }
  }
  return { end, revocation };
}

/** By what a revoked artifact is revoked: a record of its own, a rule, or whatever ended its parent. */
async function revocationOf(
  services: Services,
  { statement }: GrantedArtifact,
  own: RevocationRecord | null,
): Promise<LineageNode['revocation']> {
  if (own !== null) return { through: 'itself', rule: null, cause: own.cause, by: own.by };
  const rule = services.views.revocations.ruleEnding(statement.predicate);
  if (rule === null) return { through: 'parent', rule: null, cause: null, by: null };
  const text = targetText(rule);
  const index = await services.related.newestBefore('revocation', services.log.size, text);
  const record = index === null ? null : await readRecord(services, index);
  const found = record?.type === 'urn:writ:revocation:v1' ? record : null;
  return { through: 'rule', rule: text, cause: found?.cause ?? null, by: found?.by ?? null };
}

async function readRecord(services: Services, index: number) {
  const { payloadType, payload } = await services.log.read(index);
  return payloadType === recordPayloadType ? decodeRecord(payload) : null;
}

function subjectText(action: GrantPredicate['scope']['action']): string {
  switch (action.type) {
    case 'execute':
      return action.argv.map(displayText).join(' ').slice(0, 200);
    case 'tool':
      return action.tool;
    case 'sign':
      return action.name.slice(0, 200);
  }
}
