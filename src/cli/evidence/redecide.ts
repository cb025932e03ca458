/** Decides again what an evidence pack says was decided: the same bundle and the same input must give the same answer. */

import { utf8Decode } from '../../format/utf8.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import { createEngine, EngineBrokenError } from '../../policy/engine.js';
import type { PolicyInput } from '../../policy/input.js';
import { pastBundle } from '../../policy/past-bundle.js';
import type { Chapter } from '../../verify/evidence.js';

/** `impossible`: nothing is known, for the reason that is given; `different`: the decision is not what this engine says. */
export type Redecision =
  | { readonly outcome: 'same'; readonly engine: string }
  | { readonly outcome: 'different'; readonly reason: string }
  | { readonly outcome: 'impossible'; readonly reason: string };

/** Asks this program's own Cedar. */
export function redecide({ decision, bundle, input }: Chapter): Redecision {
  const { policy } = decision.statement.predicate;
  if (policy === null) return impossible('no policy was asked');
  if (bundle === null || input === null) return impossible('bundle or input are not in the file');
  try {
    const engine = createEngine(pastBundle('the evidence', bundle));
    // Its digest is the one that the decision names, so this is what was decided on.
    const again = engine.decide(JSON.parse(utf8Decode(input)) as PolicyInput);
    const said = `${policy.decision} by ${policy.determining.join(', ') || 'no policy'}`;
    const says = `${again.decision} by ${again.determining.join(', ') || 'no policy'}`;
    if (said === says) return { outcome: 'same', engine: engine.version };
    return { outcome: 'different', reason: `it says ${said}; ${engine.version} says ${says}` };
  } catch (cause) {
    if (cause instanceof PolicyBundleError || cause instanceof EngineBrokenError)
      return impossible(`this program cannot use the bundle: ${cause.message}`);
    throw cause;
  }
}

function impossible(reason: string): Redecision {
  return { outcome: 'impossible', reason };
}
