/**
 * What an approver is about to sign, worked out from what the daemon shows of the request: so nobody can show one thing and
 * have another signed. Only that the initiator is who the daemon says, and asked when it says, is the daemon's word.
 */

import { type ApprovalDocument, approvalDocument, approvedMatter } from '../format/approval.js';
import type { PendingDetail } from '../format/pending.js';
import { requestDigest, requestText } from '../format/protocol.js';
import { requestedActionOf } from './requested-action.js';

/** The document that an approval of this request is a signature over. */
export function documentToApprove({
  method,
  options,
  grant,
  log,
  id,
  expires,
}: PendingDetail): ApprovalDocument {
  const { action } = grant.scope;
  const asked = requestedActionOf(action);
  const { type: _type, ...blob } = action;
  const params = asked === null ? { ...options, blob } : { ...options, action: asked };
  const matter = approvedMatter({
    ...grant,
    request: requestDigest(requestText(method, params)),
    parent: grant.lineage.parent,
    bundle: grant.policy.bundle,
  });
  return approvalDocument(matter, log, { pending: id, expires });
}
