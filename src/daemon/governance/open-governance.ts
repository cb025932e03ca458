/** Brings up what decides: the bundle that a start decides by, and how another one takes its place. */

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { RememberedTexts } from '../../format/jcs.js';
import type { BundleStore } from '../../policy/bundle-store.js';
import { createEngine } from '../../policy/engine.js';
import { ProofStore } from '../../policy/proof-store.js';
import type { PayloadClock } from '../../state/payload-clock.js';
import type { LogViews } from '../../state/views.js';
import type { Config } from '../config.js';
import { PolicyInForce } from '../policy-in-force.js';
import { policyService } from '../policy-service.js';
import { readPinnedAuthorities } from './pinned-authorities.js';
import { type GovernanceParts, PolicyGovernance } from './policy-governance.js';
import { type StartingBundle, startingBundle } from './starting-bundle.js';

export interface OpenGovernance {
  readonly inForce: PolicyInForce;
  readonly governance: PolicyGovernance;
  /** What the log is to be told of. */
  readonly starting: StartingBundle;
}

/**
 * Finds the bundle to decide by, and prepares it. Bundles must be signed once an authority is pinned, unless the configuration
 * says otherwise. Rejects with StartError, PolicyBundleError or EngineBrokenError.
 */
export async function openGovernance(
  config: Pick<Config, 'stateDirectory' | 'policyDirectory' | 'policyAuthority'>,
  {
    views,
    clock,
    texts,
    bundles,
    logger,
  }: {
    readonly views: LogViews;
    readonly clock: PayloadClock;
    readonly texts: RememberedTexts;
    readonly bundles: BundleStore;
    readonly logger: Logger;
  },
): Promise<OpenGovernance> {
  const { stateDirectory, policyDirectory: directory, policyAuthority } = config;
  const pinned = await readPinnedAuthorities(stateDirectory);
  const demand = policyAuthority ?? (pinned.length === 0 ? 'optional' : 'required');
  const proofs = new ProofStore(join(stateDirectory, 'policies'));
  const starting = await startingBundle({
    views,
    bundles,
    proofs,
    pinned,
    demand,
    directory,
    nowMs: clock.lastTrustedMs(),
    onRemark: (sentence) => logger.warn({ policy: sentence }, 'about the policy bundle'),
  });
  const policyOf: GovernanceParts['policyOf'] = (bundle, signature) =>
    policyService(bundle, createEngine(bundle, texts), texts, signature);
  const inForce = new PolicyInForce(policyOf(starting.bundle, starting.signature));
  const governance = new PolicyGovernance({ inForce, bundles, proofs, pinned, demand, policyOf });
  return { inForce, governance, starting };
}
