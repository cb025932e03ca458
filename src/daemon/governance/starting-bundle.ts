/**
 * Which policy bundle a start decides by. The log names the bundle in force, and the state directory holds it: that one, and
 * no file that was put beside it since. The configured directory is where the first bundle comes from, and the way out where
 * the one in force cannot be used any more; without an authority that must sign, its higher versions are taken too.
 */

import type { Envelope } from '../../format/dsse.js';
import type { PolicyDocument } from '../../format/policy-document.js';
import { bundleOf, type PolicyBundle } from '../../policy/bundle.js';
import { readBundleDirectory } from '../../policy/bundle-directory.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import type { BundleStore } from '../../policy/bundle-store.js';
import type { ProofStore } from '../../policy/proof-store.js';
import type { LoggedPolicy } from '../../state/span.js';
import type { LogViews } from '../../state/views.js';
import { documentSigner } from '../../verify/policy-authority.js';
import { StartError } from '../start-error.js';
import {
  type BundleInForce,
  type BundleSignature,
  checkSignature,
  checkVersion,
  type Demand,
  loggedAuthorities,
  takeChain,
} from './admission.js';

export interface StartingParts {
  readonly views: Pick<LogViews, 'stated' | 'revocations'>;
  readonly bundles: BundleStore;
  readonly proofs: ProofStore;
  readonly pinned: readonly Uint8Array[];
  readonly demand: Demand;
  /** The configured directory. */
  readonly directory: string;
  readonly nowMs: number;
  /** Something that an operator may not expect, in a sentence. */
  readonly onRemark: (sentence: string) => void;
}

/** The bundle to decide by, and what the log is to be told of it. */
export interface StartingBundle {
  readonly bundle: PolicyBundle;
  readonly signature: BundleSignature | null;
  /** Whether it is another one than the log names, or under another signature. */
  readonly isNew: boolean;
  /** Statements about keys that came with it and that the log does not hold. */
  readonly taken: readonly Envelope[];
}

/**
 * Finds the bundle, and keeps it durably. Rejects with StartError where none may decide, and with PolicyBundleError for a
 * first bundle that is not sound.
 */
export async function startingBundle(parts: StartingParts): Promise<StartingBundle> {
  const inForce = parts.views.stated.policy;
  if (inForce === null) return fromDirectory(parts, null);
  const kept = await keptBundle(parts, inForce);
  if (kept.outcome === 'unusable') {
    parts.onRemark(`the policy bundle in force cannot be used: ${kept.problem}`);
    return insteadOf(parts, inForce, kept.problem);
  }
  const newer = parts.demand === 'optional' ? await newerInDirectory(parts, kept.starting) : null;
  return newer ?? kept.starting;
}

type Kept =
  | { readonly outcome: 'usable'; readonly starting: StartingBundle }
  | { readonly outcome: 'unusable'; readonly problem: string };

/** The bundle that the log names, from the state directory. */
async function keptBundle(parts: StartingParts, inForce: LoggedPolicy): Promise<Kept> {
  try {
    const files = await parts.bundles.find(inForce.bundle);
    if (files === null) return unusable('the state directory does not hold it');
    const bundle = bundleOf('the bundle in force', files);
    const signature = await keptSignature(parts, inForce);
    if (signature === 'missing') return unusable('the proof that an authority signed it is not there');
    if (parts.demand === 'required' && signature === null)
      return unusable('nobody signed it, and a policy authority must');
    return { outcome: 'usable', starting: { bundle, signature, isNew: false, taken: [] } };
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    return unusable(cause.message);
  }
}

async function keptSignature(
  { proofs, pinned, demand }: StartingParts,
  { authority, statement: digest }: LoggedPolicy,
): Promise<BundleSignature | null | 'missing'> {
  if (authority === null || digest === null) return null;
  const proof = await proofs.find(digest);
  if (proof === null) return 'missing';
  // That the key signed was checked before it was logged; here only whether it still answers to somebody who is pinned.
  const signer = documentSigner(pinned, proof, Number.POSITIVE_INFINITY);
  if (demand === 'required' && signer.verdict === 'denied')
    throw new StartError(
      `no policy authority that trust.json pins answers for the policy bundle in force: ${signer.reason}; ` +
        'pin its authority again, or set [policy] authority = "optional" to go on without one',
    );
  return { authority, proof, proofDigest: digest };
}

/** The directory's bundle in the place of one that cannot be used: the very same one, or a higher version. */
async function insteadOf(
  parts: StartingParts,
  inForce: LoggedPolicy,
  problem: string,
): Promise<StartingBundle> {
  const found = await fromDirectory(parts, null);
  const same = found.bundle.digest === inForce.bundle;
  if (!same && found.bundle.version <= inForce.version)
    throw new StartError(
      `the policy bundle in force (version ${inForce.version}) cannot be used: ${problem}; and the one in ${parts.directory} ` +
        `is version ${found.bundle.version}: put one of a higher version there`,
    );
  const resigned = found.signature?.proofDigest !== (inForce.statement ?? undefined);
  return { ...found, isNew: !same || resigned };
}

/** The directory's bundle where its version is higher; null where it is older, or cannot be used. */
async function newerInDirectory(
  parts: StartingParts,
  { bundle, signature }: StartingBundle,
): Promise<StartingBundle | null> {
  const inForce = { ...bundle, authority: signature?.authority ?? null };
  let document: PolicyDocument;
  let candidate: PolicyBundle;
  try {
    ({ document } = await readBundleDirectory(parts.directory));
    if (document.files === null) return null;
    candidate = bundleOf(parts.directory, document.files);
  } catch (cause) {
    if (!(cause instanceof PolicyBundleError)) throw cause;
    parts.onRemark(`the configured policy bundle is not looked at: ${cause.message}`);
    return null;
  }
  if (candidate.digest === bundle.digest) return null;
  if (candidate.version === bundle.version)
    throw new StartError(
      `the policy bundle in ${parts.directory} is not the one in force, though both are version ${bundle.version}; raise version in ` +
        'its bundle.toml to put it in force, or undo the change',
    );
  if (candidate.version < bundle.version) {
    parts.onRemark(
      `the policy bundle in ${parts.directory} is version ${candidate.version}; version ${bundle.version}, which was activated, stays in force`,
    );
    return null;
  }
  return admitted(parts, document, candidate, inForce);
}

async function fromDirectory(parts: StartingParts, inForce: BundleInForce | null): Promise<StartingBundle> {
  const { document, stale } = await readBundleDirectory(parts.directory);
  if (stale !== null) parts.onRemark(`${stale} is the signature of another bundle, and is left out`);
  if (document.files === null) throw new TypeError('a directory is read as a bundle');
  return admitted(parts, document, bundleOf(parts.directory, document.files), inForce);
}

/** Throws StartError for a bundle that may not decide here. On return it is durable. */
async function admitted(
  parts: StartingParts,
  document: PolicyDocument,
  bundle: PolicyBundle,
  inForce: BundleInForce | null,
): Promise<StartingBundle> {
  const chain = takeChain(loggedAuthorities(parts.pinned, parts.views), document);
  if (chain.outcome === 'denied') throw inadmissible(parts, chain.denial);
  const { demand, nowMs } = parts;
  const signed = checkSignature(document, bundle, inForce, { authorities: chain.authorities, demand, nowMs });
  if (signed.outcome === 'denied') throw inadmissible(parts, signed.denial);
  const { signature } = signed;
  const stale = inForce && checkVersion(bundle, inForce, signature);
  if (stale !== null) throw inadmissible(parts, stale);
  await parts.bundles.keep(bundle.files);
  if (signature !== null) await parts.proofs.keep(signature.proof);
  return { bundle, signature, isNew: true, taken: chain.taken };
}

function inadmissible(
  { directory }: StartingParts,
  { message, remedy }: { readonly message: string; readonly remedy: string },
): StartError {
  return new StartError(`the policy bundle in ${directory} may not decide here: ${message}. ${remedy}`);
}

function unusable(problem: string): Kept {
  return { outcome: 'unusable', problem };
}
