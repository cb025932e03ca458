/** Reads the payload of anything logged and tells under which kind it must have been logged. */

import type { EntryKind } from '../format/entry.js';
import { decodeRecord, type LogRecord, recordKind, recordPayloadType } from '../format/record.js';
import { decodeStatement, type Statement, statementKind, statementPayloadType } from '../format/statement.js';
import type { StatementMemory } from '../format/statement-reader.js';
import type { Instant } from '../format/time.js';

export type LoggedPayload =
  | { readonly content: 'statement'; readonly kind: EntryKind; readonly statement: Statement }
  | { readonly content: 'record'; readonly kind: EntryKind; readonly record: LogRecord };

/** Decodes payload bytes by their type. Throws SyntaxError or JsonFaultError for what is not ours. */
export function decodePayload(
  payloadType: string,
  payload: Uint8Array,
  memory: StatementMemory | null = null,
): LoggedPayload {
  switch (payloadType) {
    case statementPayloadType: {
      const statement = decodeStatement(payload, memory);
      return { content: 'statement', kind: statementKind(statement), statement };
    }
    case recordPayloadType: {
      const record = decodeRecord(payload);
      return { content: 'record', kind: recordKind(record), record };
    }
    default:
      throw new SyntaxError(`the payload type is neither ${statementPayloadType} nor ${recordPayloadType}`);
  }
}

/** Origin of the log that the payload says it was logged in. */
export function attributedLog(payload: LoggedPayload): string {
  return payload.content === 'statement' ? payload.statement.predicate.attribution.log : payload.record.log;
}

/** When the payload was made, as it says itself (RFC 3339). */
export function payloadTime(payload: LoggedPayload): Instant {
  if (payload.content === 'record') return payload.record.time;
  const { statement } = payload;
  return statement.predicateType === 'urn:writ:denial:v1'
    ? statement.predicate.time
    : statement.predicate.validity.notBefore;
}
