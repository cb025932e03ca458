/**
 * What the log says of requests that wait for approval: it is written as they open and as their approvals are used up, and read
 * at a start, which has them wait again with the approvals that were given, until they expire.
 */

import {
  type ApprovalRecord,
  approvalDocument,
  approvalMessage,
  approvedMatter,
} from '../../format/approval.js';
import { type ApprovalDemand, strictestDemands } from '../../format/approvers.js';
import { type ArtifactId, artifactIdOf } from '../../format/artifact-id.js';
import { entryOf } from '../../format/entry.js';
import type { OpenedRecord, PendingRecord, UsedRecord } from '../../format/pending-record.js';
import { decodeRecord, type LogRecord } from '../../format/record.js';
import { encodeStatement, statementKind, statementPayloadType } from '../../format/statement.js';
import type { GrantStatement } from '../../format/statement-reader.js';
import { parseInstant } from '../../format/time.js';
import { LogDamageError } from '../../log/damage.js';
import { SnapshotDamageError } from '../../state/view-store.js';
import { type ApprovalRule, isSignedApproval } from '../../verify/approvals.js';
import { findEntry } from '../artifacts.js';
import { sealRecord } from '../pipeline/seal.js';
import { recordHead } from '../records.js';
import type { Sealing } from '../sealing.js';
import type { Services } from '../services.js';
import type { PendingRequest } from './pending-requests.js';

/** Logs that a request waits. To be called in the turn in which it was opened: the record's time is the request's. */
export function sealOpening(
  services: Services,
  { id, since, expires, request }: PendingRequest,
): Promise<Sealing> {
  const { method, options, grant, matter } = request;
  return sealRecord(services, {
    type: 'urn:writ:pending:v1',
    ...recordHead(services),
    time: since,
    event: 'open',
    pending: id,
    expires,
    method,
    options,
    request: matter.request,
    grant,
  });
}

/**
 * Logs which artifact uses up the approvals of a request. To be called right before the artifact is sealed: where that is in the
 * log, this is before it, since no seal passes over what the log has taken in as a restriction.
 */
export function logUse(services: Services, { id, request }: PendingRequest, statement: GrantStatement): void {
  const { uid } = request.matter.initiator;
  const artifact = idOf(statement);
  // What cannot be an artifact uses nothing up.
  if (artifact === null) return;
  void sealRecord(services, {
    type: 'urn:writ:pending:v1',
    ...recordHead(services),
    // Times in the log never decrease, and the artifact comes next.
    time: statement.predicate.validity.notBefore,
    event: 'use',
    pending: id,
    artifact,
    uid,
  });
}

/** The id that the statement will have; null for one that is too large to be sealed. */
function idOf(statement: GrantStatement): ArtifactId | null {
  try {
    const payload = encodeStatement(statement);
    return artifactIdOf(entryOf(statementKind(statement), statementPayloadType, payload).digests);
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

/**
 * Has those requests wait again that did when the daemon ended; to be called once the first records of this run are sealed.
 * `indexes`: of the records that say so, in the order of the log. Where one of them cannot be believed nobody can tell what was
 * used already: then `onTrouble` is told why, and nothing waits.
 */
export async function reopenRequests(
  services: Services,
  indexes: readonly number[],
  onTrouble: (sentence: string) => void,
): Promise<void> {
  try {
    const records = await recordsThatCount(services, indexes);
    reopenAll(services, records, await issuedArtifacts(services, records));
  } catch (cause) {
    if (!(cause instanceof LogDamageError || cause instanceof SnapshotDamageError)) throw cause;
    onTrouble(cause.message);
  }
}

type RecordThatCounts = PendingRecord | ApprovalRecord;

function reopenAll(
  services: Services,
  records: readonly RecordThatCounts[],
  issued: ReadonlySet<ArtifactId>,
): void {
  for (const record of records) {
    switch (record.type) {
      case 'urn:writ:approval:v1':
        addApproval(services, record);
        break;
      case 'urn:writ:pending:v1':
        if (record.event === 'open') reopen(services, record);
        else if (issued.has(record.artifact)) forgetUsed(services, record);
        break;
    }
  }
  services.pendingRequests.forgetExpired(services.clock.lastTrustedMs());
}

/** The newest records, in their order: what was asked before could not wait any more, and a recovery ends what waited. */
async function recordsThatCount(
  { log, clock, policy }: Services,
  indexes: readonly number[],
): Promise<readonly RecordThatCounts[]> {
  const newestFirst: RecordThatCounts[] = [];
  const fromMs = clock.lastTrustedMs() - policy.approvalSeconds * 1000;
  for (const index of indexes.toReversed()) {
    const record = decodeRecord((await log.read(index)).payload);
    if (!isAboutApprovals(record) || parseInstant(record.time) < fromMs) break;
    newestFirst.push(record);
  }
  return newestFirst.reverse();
}

function isAboutApprovals(record: LogRecord): record is RecordThatCounts {
  return record.type === 'urn:writ:pending:v1' || record.type === 'urn:writ:approval:v1';
}

/** Those that were issued: an artifact that is not in the log, or whose seal missed its deadline, used nothing up. */
async function issuedArtifacts(
  services: Services,
  records: readonly RecordThatCounts[],
): Promise<ReadonlySet<ArtifactId>> {
  const issued = new Set<ArtifactId>();
  for (const record of records) {
    if (record.type !== 'urn:writ:pending:v1' || record.event !== 'use') continue;
    const entry = await findEntry(services, record.artifact);
    if (entry !== null && !services.views.isUnsealed(entry.index)) issued.add(record.artifact);
  }
  return issued;
}

/** Whatever was asked under another bundle than that in force is to be asked anew. */
function reopen({ pendingRequests, policy }: Services, record: OpenedRecord): void {
  const rule = policy.approvalRule;
  const { pending, method, options, grant, request, time, expires } = record;
  const { bundle } = grant.policy;
  if (bundle !== rule.digest) return;
  const matter = approvedMatter({ ...grant, request, parent: grant.lineage.parent, bundle });
  const demands = demandsOf(grant.policy.determining, rule);
  const life = { sinceMs: parseInstant(time), expiresMs: parseInstant(expires) };
  pendingRequests.reopen(pending, { method, options, grant, matter, rule }, demands, life);
}

function demandsOf(
  determining: readonly string[],
  { approvalDemands }: ApprovalRule,
): readonly ApprovalDemand[] {
  return strictestDemands(determining.flatMap((id) => approvalDemands.get(id) ?? []));
}

/**
 * The daemon judged it when it was given. Its signature is checked all the same: the end of a log that was never sealed may be
 * of anybody who can write its files, and who cannot sign for an approver.
 */
function addApproval({ pendingRequests, origin }: Services, { approval, time }: ApprovalRecord): void {
  const pending = pendingRequests.find(approval.pending, parseInstant(time));
  if (pending === null || pending.isApprovedBy(approval.approver)) return;
  const { matter, rule } = pending.request;
  const person = rule.approvers.people.get(approval.approver);
  if (person?.keys.includes(approval.key) !== true || person.uid === matter.initiator.uid) return;
  const signed = approvalDocument(matter, origin, { pending: pending.id, expires: pending.expires });
  if (isSignedApproval(approval, approvalMessage(signed, approval.form))) pending.addLogged(approval);
}

function forgetUsed({ pendingRequests }: Services, { pending: id, time }: UsedRecord): void {
  const pending = pendingRequests.find(id, parseInstant(time));
  if (pending !== null) pendingRequests.take(pending);
}
