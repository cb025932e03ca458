/** Hands a policy document over to the daemon, part by part, and has it put in force. */

import { base64Encode } from '../format/base64.js';
import { hexEncode } from '../format/hex.js';
import { encodePolicyDocument, type PolicyDocument } from '../format/policy-document.js';
import { maxStagedPartBytes } from '../format/policy-methods.js';
import type { GrantResult } from '../format/protocol.js';
import { sha3_512 } from '../hash/evidence.js';
import type { WritClient } from './client.js';

/** The sealed record of the activation, or why there is none. Rejects as the client's methods do. */
export async function activateDocument(
  client: Pick<WritClient, 'stagePolicy' | 'activatePolicy'>,
  document: PolicyDocument,
): Promise<GrantResult> {
  const bytes = encodePolicyDocument(document);
  const digest = hexEncode(sha3_512(bytes));
  for (let offset = 0; offset < bytes.length; offset += maxStagedPartBytes) {
    const data = base64Encode(bytes.subarray(offset, offset + maxStagedPartBytes));
    const staged = await client.stagePolicy({ document: digest, sizeBytes: bytes.length, offset, data });
    if (staged.decision === 'deny') return staged;
  }
  return client.activatePolicy({ document: digest });
}
