/** TPM quotes in files, as `writ log prove --envelope` writes them, and which of several an artifact is to be verified with. */

import { envelopePayload, envelopeSchema } from '../format/dsse.js';
import { JsonFaultError } from '../format/strict-json.js';
import type { Trust } from '../format/trust.js';
import { citedQuote } from '../verify/cited-quote.js';
import { decodePayload } from '../verify/payload.js';
import { type ProvenQuote, proveQuote } from '../verify/quote.js';
import { readCandidate } from './artifact-file.js';
import { UsageError } from './cli-error.js';

/** Reads quotes, and proves that a trusted log holds each. Throws UsageError for one that is not proven. */
export async function loadQuotes(paths: readonly string[], trust: Trust): Promise<ProvenQuote[]> {
  const quotes: ProvenQuote[] = [];
  for (const path of paths) {
    const proof = proveQuote(await readCandidate(path), trust);
    if (proof.outcome === 'denied')
      throw new UsageError(`${path} is not a quote that can be used: ${proof.denial.message}`);
    quotes.push(proof.quote);
  }
  return quotes;
}

/**
 * The quote that an artifact cites; where none of them is cited, the first, so that the verdict says so. Null where there are
 * none. The artifact is not verified here: what it says only chooses what it is compared with.
 */
export function quoteFor(candidate: unknown, quotes: readonly ProvenQuote[]): ProvenQuote | null {
  const cited = quotes.length > 1 ? quoteCitedBy(candidate) : null;
  return quotes.find(({ id }) => id === cited) ?? quotes[0] ?? null;
}

function quoteCitedBy(candidate: unknown): string | null {
  const envelope = envelopeSchema.safeParse(candidate);
  if (!envelope.success) return null;
  try {
    const payload = decodePayload(envelope.data.payloadType, envelopePayload(envelope.data));
    return payload.content === 'statement' ? citedQuote(payload.statement.predicate) : null;
  } catch (cause) {
    // What cannot be read is malformed, which is for the verifier to say.
    if (cause instanceof SyntaxError || cause instanceof JsonFaultError) return null;
    throw cause;
  }
}
