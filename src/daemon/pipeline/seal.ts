/** Stages 6 and 7: statement or record -> journal, checkpoint, proof -> what goes back to the caller. */

import { base64Encode } from '../../format/base64.js';
import { denial } from '../../format/denial.js';
import { sealEnvelope } from '../../format/dsse.js';
import type { SealedArtifact } from '../../format/protocol.js';
import {
  type LogRecord,
  type RecordKind,
  recordKind,
  recordPayloadType,
  recordText,
} from '../../format/record.js';
import {
  type Statement,
  statementKind,
  statementPayloadType,
  statementText,
} from '../../format/statement.js';
import { utf8Encode } from '../../format/utf8.js';
import type { SealResult, Submission } from '../../log/seal.js';
import type { SealedPayload, Sealing } from '../sealing.js';
import type { Services } from '../services.js';
import { RenderedResult } from './reply.js';

/** Seals a statement. `input` is the policy document that led to it, empty where there was none. */
export function sealStatement(services: Services, statement: Statement, input: Uint8Array): Promise<Sealing> {
  let payload: string;
  try {
    payload = statementText(statement, services.texts);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return Promise.resolve({ outcome: 'unsealed', denial: denial('TOO_LARGE', cause.message) });
  }
  const kind = statementKind(statement);
  const effect = kind === 'denial' ? 'evidence' : 'grant';
  return seal(services, {
    kind,
    payloadType: statementPayloadType,
    payload,
    record: null,
    attachment: input,
    effect,
  });
}

/** Seals a record. `inputs` as for `recordSubmission`. */
export function sealRecord(
  services: Pick<Services, 'log'>,
  record: LogRecord,
  inputs: Uint8Array = new Uint8Array(),
): Promise<Sealing> {
  return seal(services, recordSubmission(record, inputs));
}

/** A record as the log takes it. `inputs`: what the decisions that it names were made on. */
export function recordSubmission(record: LogRecord, inputs: Uint8Array = new Uint8Array()): Submission {
  const kind = recordKind(record);
  const payload = recordText(record);
  return {
    kind,
    payloadType: recordPayloadType,
    payload,
    record,
    attachment: inputs,
    effect: effectOf(record, kind),
  };
}

function effectOf(record: LogRecord, kind: RecordKind): Submission['effect'] {
  switch (kind) {
    case 'redemption':
    case 'lease':
      return 'grant';
    case 'revocation':
    case 'end':
      return 'restriction';
    case 'decision':
    case 'approval':
      // The artifact that used approvals up must not be in a log that does not say so.
      return record.type === 'urn:writ:pending:v1' && record.event === 'use' ? 'restriction' : 'evidence';
    case 'policy':
    case 'key':
    case 'start':
    case 'stop':
    case 'snapshot':
    case 'quote':
    case 'anchor':
    case 'recovery':
    case 'status':
      return 'evidence';
  }
}

/** The artifact of a sealed payload, as part of an answer. */
export function artifactOf(
  { vkey }: Pick<Services, 'vkey'>,
  { id, index, payloadType, payload, proof }: SealedPayload,
): SealedArtifact {
  return { id, index, artifact: sealEnvelope(payloadType, payload, vkey, utf8Encode(proof)) };
}

/** The answer that grants what was sealed: the JSON of `{decision: "allow", ...artifactOf(...)}`, at far less cost. */
export function grantResult(
  vkey: string,
  { id, index, payloadType, payload, proof }: SealedPayload,
): RenderedResult {
  // Ids, indexes and base64 need no escapes.
  return new RenderedResult(
    `{"decision":"allow","id":"${id}","index":${index},"artifact":{"payload":"${base64Encode(payload)}",` +
      `"payloadType":${JSON.stringify(payloadType)},"signatures":[{"keyid":${JSON.stringify(vkey)},` +
      `"sig":"${base64Encode(utf8Encode(proof))}"}]}}`,
  );
}

/** Nothing of the submission is kept while it waits: hundreds do, and each text would be copied by the collector. */
function seal({ log }: Pick<Services, 'log'>, submission: Submission): Promise<Sealing> {
  const { payloadType } = submission;
  return log.append(submission).then((result: SealResult): Sealing => {
    if (result.outcome === 'unsealed') return result;
    const { id, index, payload, proof } = result;
    return { outcome: 'sealed', sealed: { id, index, payloadType, payload, proof } };
  });
}
