/** Reads artifacts before anything of them is proven: envelope, payload, and the proof that serves as signature. */

import { base64DecodedLength, base64DecodeInto } from '../format/base64.js';
import { type Denial, denial } from '../format/denial.js';
import { type EncodedPayload, type Envelope, envelopePae, envelopeSchema } from '../format/dsse.js';
import { ProofReader } from '../format/proof-reader.js';
import { StatementMemory } from '../format/statement-reader.js';
import type { TlogProof } from '../format/tlog-proof.js';
import { utf8Encode } from '../format/utf8.js';
import { decodePayload, type LoggedPayload } from './payload.js';

/** What an artifact says. Nothing vouches for it yet. */
export interface ReadArtifact {
  readonly outcome: 'read';
  readonly payload: LoggedPayload;
  /** The DSSE PAE, over which the evidence digests are taken. Valid until the reader's memory is released. */
  readonly pae: Uint8Array;
  readonly proof: TlogProof;
}

export interface Unreadable {
  readonly outcome: 'denied';
  readonly denial: Denial<'NO_AUTHORIZATION' | 'MALFORMED' | 'BAD_SIGNATURE' | 'REVOKED'>;
  /** What the payload says, where it could be read at all. Nothing vouches for it. */
  readonly claimed: LoggedPayload | null;
}

/** For whoever gave something else: often the very file that was signed. */
const artifactRemedy =
  'Present the artifact as it was issued, the envelope in JSON that writ sign or writ authorize wrote with -o; what was signed ' +
  'or may run is named beside it (writ verify ARTIFACT --file FILE).';

const proofHeader = utf8Encode('c2sp.org/tlog-proof@v1\n');

/** Reads artifacts that follow one another; what it remembers of one only saves time with the next. */
export class ArtifactReader {
  readonly #memory = new ReusedMemory();
  readonly #proofs = new ProofReader();
  readonly #statements = new StatementMemory();

  /** Never throws. */
  read(candidate: unknown): ReadArtifact | Unreadable {
    if (candidate === null || candidate === undefined) {
      return denied(denial('NO_AUTHORIZATION', 'no artifact was presented'), null);
    }
    const parsed = envelopeSchema.safeParse(candidate);
    if (!parsed.success)
      return denied(
        denial('MALFORMED', 'this is no artifact: it is not a DSSE envelope', artifactRemedy),
        null,
      );
    let payload: LoggedPayload;
    let encoded: EncodedPayload;
    try {
      encoded = envelopePae(parsed.data, (sizeBytes) => this.#memory.take(sizeBytes));
      payload = decodePayload(parsed.data.payloadType, encoded.payload, this.#statements);
    } catch (cause) {
      const message = `the artifact's payload cannot be read: ${messageOf(cause)}`;
      return denied(denial('MALFORMED', message, artifactRemedy), null);
    }
    const proof = this.#readProof(parsed.data);
    return typeof proof === 'string'
      ? denied(denial('BAD_SIGNATURE', proof), payload)
      : { outcome: 'read', payload, pae: encoded.pae, proof };
  }

  /** Says that no PAE of an artifact read so far is needed any more. */
  release(): void {
    this.#memory.release();
  }

  /** The one proof among an envelope's signatures (an export carries a plain signature beside it), or what is wrong. */
  #readProof({ signatures }: Envelope): TlogProof | string {
    try {
      const [proof, ...others] = signatures.map(({ sig }) => this.#decode(sig)).filter(isProof);
      if (proof === undefined) return 'none of the signatures is a proof of inclusion in a log';
      if (others.length > 0) return 'the artifact carries more than one proof of inclusion';
      return this.#proofs.read(proof);
    } catch (cause) {
      return `the proof of inclusion cannot be read: ${messageOf(cause)}`;
    }
  }

  #decode(signature: string): Uint8Array {
    const bytes = this.#memory.take(base64DecodedLength(signature));
    base64DecodeInto(signature, bytes);
    return bytes;
  }
}

/** Memory for byte strings that are all given up together. */
class ReusedMemory {
  #bytes = new Uint8Array();
  #used = 0;

  take(sizeBytes: number): Uint8Array {
    if (this.#used + sizeBytes > this.#bytes.length) {
      // What was taken of the old piece keeps it alive as long as it is needed.
      this.#bytes = new Uint8Array(Math.max(2 * this.#bytes.length, sizeBytes));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += sizeBytes;
    return this.#bytes.subarray(start, this.#used);
  }

  release(): void {
    this.#used = 0;
  }
}

/** Tells a proof from the raw signature bytes of other schemes. */
function isProof(signature: Uint8Array): boolean {
  for (let position = 0; position < proofHeader.length; position++) {
    if (signature[position] !== proofHeader[position]) return false;
  }
  return true;
}

function denied(reason: Unreadable['denial'], claimed: LoggedPayload | null): Unreadable {
  return { outcome: 'denied', denial: reason, claimed };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
