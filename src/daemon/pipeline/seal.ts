/** Stages 6 and 7: statement or record -> journal, checkpoint, proof -> the envelope that goes back to the caller. */

import { type Denial, denial } from '../../format/denial.js';
import { sealEnvelope } from '../../format/dsse.js';
import type { SealedArtifact } from '../../format/protocol.js';
import { encodeRecord, type LogRecord, recordKind, recordPayloadType } from '../../format/record.js';
import {
  encodeStatement,
  type Statement,
  statementKind,
  statementPayloadType,
} from '../../format/statement.js';
import { utf8Encode } from '../../format/utf8.js';
import type { SealResult, Submission } from '../../log/seal.js';
import type { Services } from '../services.js';

export type Sealing =
  | { readonly outcome: 'sealed'; readonly sealed: SealedArtifact }
  | {
      readonly outcome: 'unsealed';
      readonly denial: Denial<'HSM_UNAVAILABLE' | 'LOG_UNAVAILABLE' | 'OVERLOADED' | 'TOO_LARGE'>;
    };

/** Seals a statement. `input` is the policy document that led to it, empty where there was none. */
export async function sealStatement(
  services: Services,
  statement: Statement,
  input: Uint8Array,
): Promise<Sealing> {
  let payload: Uint8Array;
  try {
    payload = encodeStatement(statement);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return { outcome: 'unsealed', denial: denial('TOO_LARGE', cause.message) };
  }
  const kind = statementKind(statement);
  const effect = kind === 'denial' ? 'evidence' : 'grant';
  return seal(services, { kind, payloadType: statementPayloadType, payload, attachment: input, effect });
}

/** Seals a record. */
export function sealRecord(services: Services, record: LogRecord): Promise<Sealing> {
  return seal(services, recordSubmission(record));
}

/** A record as the log takes it. */
export function recordSubmission(record: LogRecord): Submission {
  const kind = recordKind(record);
  const effect = kind === 'redemption' ? 'grant' : kind === 'revocation' ? 'restriction' : 'evidence';
  const payload = encodeRecord(record);
  return { kind, payloadType: recordPayloadType, payload, attachment: new Uint8Array(), effect };
}

/** The envelope of something that the log already holds, from its payload and the text of its proof. */
export function envelopeOf(services: Services, payloadType: string, payload: Uint8Array, proof: string) {
  return sealEnvelope(payloadType, payload, services.vkey, utf8Encode(proof));
}

async function seal(services: Services, submission: Submission): Promise<Sealing> {
  const result: SealResult = await services.log.append(submission);
  if (result.outcome === 'unsealed') return result;
  const artifact = envelopeOf(services, submission.payloadType, submission.payload, result.proof);
  return { outcome: 'sealed', sealed: { id: result.id, index: result.index, artifact } };
}
