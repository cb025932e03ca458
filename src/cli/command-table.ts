/** Every command of `writ`, in the order of the help page. */

import type { CommandEntry } from './command.js';

/** Names that only gather commands. */
export const groupSummaries: Readonly<Record<string, string>> = {
  log: 'look at the log, check it, prove an entry',
  policy: 'the policy bundles that decide: look at them, sign them, put them in force',
  trust: 'the keys that verifiers pin',
  keys: "the keys on the daemon's token",
  token: "the daemon's token",
  environment: 'the machine that the daemon runs on: what is measured, and what was accepted',
  tpm: "the machine's TPM",
  pin: "where the token's PIN comes from",
};

export const commandTable: readonly CommandEntry[] = [
  {
    path: ['authorize'],
    summary: 'ask for the authorization of a command, without running it',
    load: () => import('./commands/authorize.js'),
  },
  {
    path: ['run'],
    summary: 'authorize a command, redeem the authorization, and run it',
    load: () => import('./commands/run.js'),
  },
  {
    path: ['sign'],
    summary: 'have a file signed',
    load: () => import('./commands/sign.js'),
  },
  {
    path: ['verify'],
    summary: 'verify an artifact offline, under a pinned trust bundle',
    load: () => import('./commands/verify.js'),
  },
  {
    path: ['present'],
    summary: 'prove to a verifier that the key is held which an artifact is bound to',
    load: () => import('./commands/present.js'),
  },
  {
    path: ['redeem'],
    summary: 'redeem an authorization and get its receipt',
    load: () => import('./commands/redeem.js'),
  },
  {
    path: ['revoke'],
    summary: 'end an artifact, or all that comes of a user, a program, a policy bundle or a key',
    load: () => import('./commands/revoke.js'),
  },
  {
    path: ['approve'],
    summary: 'look at a request that waits for approval, and sign it',
    load: () => import('./commands/approve.js'),
  },
  {
    path: ['export'],
    summary: 'get an artifact with a plain DSSE signature beside its proof',
    load: () => import('./commands/export.js'),
  },
  {
    path: ['lineage'],
    summary: 'show the tree of authorizations that an artifact belongs to',
    load: () => import('./commands/lineage.js'),
  },
  {
    path: ['evidence'],
    summary: 'pack all that the log says about a decision into one file',
    load: () => import('./commands/evidence.js'),
  },
  {
    path: ['log', 'show'],
    summary: 'list the newest entries of the log',
    load: () => import('./commands/log-show.js'),
  },
  {
    path: ['log', 'check'],
    summary: 'recompute and check the whole log offline',
    load: () => import('./commands/log-check.js'),
  },
  {
    path: ['log', 'prove'],
    summary: 'get the proof that an entry is in the log',
    load: () => import('./commands/log-prove.js'),
  },
  {
    path: ['policy', 'show'],
    summary: 'the policy bundle that the daemon decides by now',
    load: () => import('./commands/policy-show.js'),
  },
  {
    path: ['policy', 'sign'],
    summary: 'have the policy authority sign a bundle',
    load: () => import('./commands/policy-sign.js'),
  },
  {
    path: ['policy', 'activate'],
    summary: 'put a bundle in force',
    load: () => import('./commands/policy-activate.js'),
  },
  {
    path: ['policy', 'delegate'],
    summary: 'let another key sign bundles for the policy authority',
    load: () => import('./commands/policy-delegate.js'),
  },
  {
    path: ['policy', 'rotate-authority'],
    summary: 'have a new key follow that of the policy authority',
    load: () => import('./commands/policy-rotate-authority.js'),
  },
  {
    path: ['policy', 'check'],
    summary: 'find everything that is wrong with a bundle',
    load: () => import('./commands/policy-check.js'),
  },
  {
    path: ['policy', 'test'],
    summary: 'run the tests of a bundle',
    load: () => import('./commands/policy-test.js'),
  },
  {
    path: ['policy', 'diff'],
    summary: 'what changed between two bundles',
    load: () => import('./commands/policy-diff.js'),
  },
  {
    path: ['policy', 'replay'],
    summary: 'decide the whole history again, and compare',
    load: () => import('./commands/policy-replay.js'),
  },
  {
    path: ['policy', 'simulate'],
    summary: 'which decisions of the past another bundle would change',
    load: () => import('./commands/policy-simulate.js'),
  },
  {
    path: ['policy', 'explain'],
    summary: 'why something was allowed or denied, or would be',
    load: () => import('./commands/policy-explain.js'),
  },
  {
    path: ['status'],
    summary: 'how the daemon is',
    load: () => import('./commands/status.js'),
  },
  {
    path: ['status', 'statement'],
    summary: 'get a sealed word on what is revoked, for verifiers that do not ask the daemon',
    load: () => import('./commands/status-statement.js'),
  },
  {
    path: ['revocations'],
    summary: 'list what was revoked, and follow what is',
    load: () => import('./commands/revocations.js'),
  },
  {
    path: ['doctor'],
    summary: 'check this deployment and say what to mend',
    load: () => import('./commands/doctor.js'),
  },
  {
    path: ['environment', 'show'],
    summary: 'what is measured of this machine and of this process',
    load: () => import('./commands/environment-show.js'),
  },
  {
    path: ['environment', 'diff'],
    summary: 'what changed since an artifact was issued, or since the machine was accepted',
    load: () => import('./commands/environment-diff.js'),
  },
  {
    path: ['environment', 'accept'],
    summary: 'accept the machine as it is now, as after an update',
    load: () => import('./commands/environment-accept.js'),
  },
  {
    path: ['environment', 'events'],
    summary: 'replay the measured boot, and compare it with what the TPM quoted',
    load: () => import('./commands/environment-events.js'),
  },
  {
    path: ['recover'],
    summary: 'go on with a log that the TPM disowns',
    load: () => import('./commands/recover.js'),
  },
  {
    path: ['trust', 'export'],
    summary: "write the daemon's public keys as a trust bundle",
    load: () => import('./commands/trust-export.js'),
  },
  {
    path: ['trust', 'follow'],
    summary: 'follow a log to its new keys, by what its old keys sealed',
    load: () => import('./commands/trust-follow.js'),
  },
  {
    path: ['keys', 'list'],
    summary: 'list the key pairs on the token',
    load: () => import('./commands/keys-list.js'),
  },
  {
    path: ['keys', 'generate'],
    summary: 'make a key pair on the token',
    load: () => import('./commands/keys-generate.js'),
  },
  {
    path: ['keys', 'show'],
    summary: 'show one key pair and how it is protected',
    load: () => import('./commands/keys-show.js'),
  },
  {
    path: ['provision'],
    summary: 'set up token, keys and trust in a ceremony with a signed transcript',
    load: () => import('./commands/provision.js'),
  },
  {
    path: ['provision', 'verify'],
    summary: 'verify the transcript of a ceremony offline',
    load: () => import('./commands/provision-verify.js'),
  },
  {
    path: ['provision', 'rotate'],
    summary: 'make the key that follows the one in use',
    load: () => import('./commands/provision-rotate.js'),
  },
  {
    path: ['provision', 'compromise'],
    summary: 'revoke what a key sealed since somebody else could use it',
    load: () => import('./commands/provision-compromise.js'),
  },
  {
    path: ['token', 'init'],
    summary: 'set up the token that the daemon signs with',
    load: () => import('./commands/token-init.js'),
  },
  {
    path: ['token', 'status'],
    summary: 'show the tokens that are there',
    load: () => import('./commands/token-status.js'),
  },
  {
    path: ['tpm', 'init'],
    summary: 'enrol the TPM that vouches for this machine and for the log',
    load: () => import('./commands/tpm-init.js'),
  },
  {
    path: ['tpm', 'status'],
    summary: 'show the TPM that is enrolled',
    load: () => import('./commands/tpm-status.js'),
  },
  {
    path: ['pin', 'use'],
    summary: 'take the PIN from a file, a credential of the service, or a person',
    load: () => import('./commands/pin-use.js'),
  },
  {
    path: ['pin', 'seal'],
    summary: "seal the PIN to this machine's TPM",
    load: () => import('./commands/pin-seal.js'),
  },
  {
    path: ['pin', 'reseal'],
    summary: 'have the sealed PIN open in the state that this machine is in now',
    load: () => import('./commands/pin-reseal.js'),
  },
];
