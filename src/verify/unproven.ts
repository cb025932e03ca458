/** The sentences in which a verdict says what it could not prove. */

import type { Unproven } from './verdict.js';

const messages: Readonly<Record<Unproven['what'], string>> = {
  'split-view': 'no witness confirms that everybody is shown the same log',
  'no-later-revocation': 'a log cannot prove that no revocation followed; ask the issuing daemon',
  'revocation-since': 'nothing here tells of a revocation since the standing status',
  'not-redeemed': 'only the issuing daemon knows whether it was redeemed',
  'policy-authority':
    'nothing shows that a policy authority signed the policy bundle: nobody did, or the trust bundle pins none',
  completeness:
    'whether the log says more about it than the file holds; that no later revocation exists, above all',
  policy: 'no policy bundle was given to compare the decision with',
  approvers:
    'no policy bundle of the artifact was given, so that its approvers are approvers, and enough, is the word of the issuing daemon',
  presenter: 'nobody checked who presents the artifact',
  possession:
    'the proof of possession answers no nonce of this verifier, so it may be a copy of one that was made for another',
  environment: 'the environment was not measured again',
  quote: 'the TPM quote that the artifact cites was not presented',
  'attestation-key': 'the trust bundle names no attestation key, so nothing proves that a TPM made the quote',
  'reference-values': 'the trust bundle has no reference values for some of the quoted PCRs',
  'tpm-clock': "the TPM's clock may repeat itself since it lost power; order follows its reset count alone",
  action: 'the artifact was not compared with an action or a file',
  lineage: 'the parent artifact was not presented',
  'loaded-libraries': 'loaded libraries and imported modules are outside the digests',
  'blob-digests': "the blob's digests are the caller's word",
  'initiator-executable': "the kernel does not vouch for the initiator's executable",
  'claimed-identity': 'the agent and user names are claims of the caller',
};

/** All that can be said, made once: thousands of verdicts of one batch say the same. */
const notes = new Map<string, Unproven>(
  Object.entries(messages).map(([what, message]) => [
    what,
    Object.freeze({ what: what as Unproven['what'], message }),
  ]),
);

export function unproven(what: Unproven['what']): Unproven {
  return notes.get(what) as Unproven;
}

/** The quote was presented, and is worth no more than one that was not. */
export const unplacedQuote: Unproven = Object.freeze({
  what: 'quote',
  message:
    'the TPM quote follows a checkpoint that is older than the final tree head of its retired log key, and nothing here ' +
    'proves that it lies under it; ask the issuing daemon',
});
