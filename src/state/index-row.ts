/**
 * One log entry as one plain row of the index: what people ask about, taken out of the payload. Pure; the keys of a row
 * are the columns of the table `entries`, whose meaning docs/index.md explains.
 */

import type { Action } from '../format/action.js';
import type { ArtifactId } from '../format/artifact-id.js';
import type { EntryKind } from '../format/entry.js';
import { displayText } from '../format/exact-text.js';
import { askerOf } from '../format/pending-record.js';
import type { DenialPredicate, GrantPredicate } from '../format/predicate.js';
import type { LogRecord } from '../format/record.js';
import { targetText } from '../format/revocation.js';
import type { Statement } from '../format/statement.js';
import type { Instant } from '../format/time.js';
import type { LogEntry } from '../log/entry-reader.js';
import { decodePayload, type LoggedPayload, payloadTime } from '../verify/payload.js';

/** The parts of a log entry that a row is made from. */
export type IndexableEntry = Pick<LogEntry, 'index' | 'id' | 'kind' | 'payloadType' | 'payload'>;

export interface IndexRow extends RowDetail {
  readonly idx: number;
  readonly kind: EntryKind;
  readonly id: ArtifactId;
  readonly time: Instant;
}

/** The columns that depend on the kind; null where a kind has no such thing. */
interface RowDetail {
  readonly uid: number | null;
  readonly decision: 'allow' | 'deny' | null;
  /** Denial codes, separated by single spaces. */
  readonly codes: string | null;
  readonly subject: string | null;
  readonly action: string | null;
  readonly parent: ArtifactId | null;
  readonly depth: number | null;
  readonly not_after: Instant | null;
  readonly target: ArtifactId | null;
  readonly target_idx: number | null;
}

/** An entry that is in the log, but whose payload this version cannot read. */
export class EntryNotIndexableError extends Error {
  constructor(index: number, reason: string, options?: ErrorOptions) {
    super(`log entry ${index} cannot be indexed by this version: ${reason}`, options);
    this.name = 'EntryNotIndexableError';
  }
}

/** Longer texts are cut in the index; the log holds them whole. */
export const maxTextLength = 1024;

const nothing: RowDetail = {
  uid: null,
  decision: null,
  codes: null,
  subject: null,
  action: null,
  parent: null,
  depth: null,
  not_after: null,
  target: null,
  target_idx: null,
};

/** The row of an entry. Throws EntryNotIndexableError for a payload that is none of ours or of another kind. */
export function rowOf({ index, id, kind, payloadType, payload }: IndexableEntry): IndexRow {
  const content = readPayload(index, payloadType, payload);
  if (content.kind !== kind) {
    throw new EntryNotIndexableError(index, `it is logged as ${kind}, its payload says ${content.kind}`);
  }
  const detail = content.content === 'statement' ? ofStatement(content.statement) : ofRecord(content.record);
  return { idx: index, kind, id, time: payloadTime(content), ...detail };
}

function readPayload(index: number, payloadType: string, payload: Uint8Array): LoggedPayload {
  try {
    return decodePayload(payloadType, payload);
  } catch (cause) {
    throw new EntryNotIndexableError(index, cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}

function ofStatement(statement: Statement): RowDetail {
  const subject = bounded(statement.subject[0].name);
  switch (statement.predicateType) {
    case 'urn:writ:authorization:v1':
    case 'urn:writ:signature:v1':
      return { ...ofGrant(statement.predicate), subject };
    case 'urn:writ:denial:v1':
      return { ...ofDenial(statement.predicate), subject };
  }
}

function ofGrant({ scope, initiator, policy, validity, lineage }: GrantPredicate): RowDetail {
  return {
    ...nothing,
    uid: initiator.peer.uid,
    decision: policy.decision,
    action: bounded(actionText(scope.action)),
    parent: lineage.parent,
    depth: lineage.depth,
    not_after: validity.notAfter,
  };
}

function ofDenial({ initiator, denials, method }: DenialPredicate): RowDetail {
  const codes = new Set(denials.map(({ code }) => code));
  return {
    ...nothing,
    uid: initiator.peer.uid,
    decision: 'deny',
    codes: [...codes].join(' '),
    action: method,
  };
}

function ofRecord(record: LogRecord): RowDetail {
  switch (record.type) {
    case 'urn:writ:redemption:v1':
      return {
        ...nothing,
        uid: record.redeemer.uid,
        target: record.artifact,
        target_idx: record.artifactIndex,
      };
    case 'urn:writ:revocation:v1':
      return {
        ...nothing,
        uid: record.by,
        action: record.cause,
        ...(record.target.kind === 'artifact'
          ? { target: record.target.id, target_idx: record.target.index }
          : { subject: bounded(targetText(record.target)) }),
      };
    case 'urn:writ:decision:v1':
      return { ...nothing, target: record.denial, target_idx: record.denialIndex };
    case 'urn:writ:lease:v1':
      return {
        ...nothing,
        subject: record.lease,
        action: record.event,
        not_after: record.until,
        target: record.artifact,
        target_idx: record.artifactIndex,
      };
    case 'urn:writ:end:v1':
      return {
        ...nothing,
        subject: record.lease,
        action: record.cause,
        target: record.artifact,
        target_idx: record.artifactIndex,
      };
    case 'urn:writ:pending:v1':
      return { ...nothing, uid: askerOf(record), action: record.pending, subject: record.event };
    case 'urn:writ:approval:v1':
      return {
        ...nothing,
        uid: record.signed.initiator.uid,
        subject: record.approval.approver,
        action: record.approval.pending,
      };
    case 'urn:writ:policy:v1':
      return { ...nothing, uid: record.by, subject: record.bundle };
    case 'urn:writ:authority:v1':
      return { ...nothing, subject: record.statement.signatures[0]?.keyid ?? null, action: 'authority' };
    case 'urn:writ:key:v1':
      return { ...nothing, subject: record.publicKey, action: `${record.event} ${record.role}` };
    case 'urn:writ:start:v1':
    case 'urn:writ:stop:v1':
      return { ...nothing, subject: record.daemon };
    case 'urn:writ:snapshot:v1':
      return { ...nothing, subject: record.manifest.sha3_512 };
    case 'urn:writ:quote:v1':
      return { ...nothing, subject: record.key };
    case 'urn:writ:anchor:v1':
      return { ...nothing, subject: record.counter, action: record.cause };
    case 'urn:writ:status:v1':
      return nothing;
    case 'urn:writ:recovery:v1':
      return { ...nothing, uid: record.by, subject: record.announced.counter };
  }
}

/** The type of the action, then what it is about: arguments of a command joined by spaces, for reading and LIKE only. */
function actionText(action: Action): string {
  switch (action.type) {
    case 'execute':
      return `execute ${action.argv.map(displayText).join(' ')}`;
    case 'tool':
      return `tool ${action.tool}`;
    case 'sign':
      return `sign ${action.name}`;
  }
}

function bounded(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 1).toWellFormed()}…`;
}
