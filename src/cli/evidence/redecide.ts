/** Decides again what an evidence pack says was decided: the same bundle and the same input must give the same answer. */

import type { ArtifactId } from '../../format/artifact-id.js';
import type { BundleFiles } from '../../format/bundle-digest.js';
import { utf8Decode } from '../../format/utf8.js';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import {
  createEngine,
  EngineBrokenError,
  type PolicyDecision,
  type PolicyEngine,
} from '../../policy/engine.js';
import type { PolicyInput } from '../../policy/input.js';
import { pastBundle } from '../../policy/past-bundle.js';
import type { Story } from '../../verify/evidence.js';
import { ownDecision, type PackedDecision } from '../../verify/evidence-chapter.js';

/** `impossible`: nothing is known, for the reason that is given; `different`: the decision is not what this engine says. */
export type Outcome =
  | { readonly outcome: 'same'; readonly engine: string }
  | { readonly outcome: 'different'; readonly reason: string }
  | { readonly outcome: 'impossible'; readonly reason: string };

/** `id` and `index` are of the entry that says what was decided. */
export type Redecision = { readonly id: ArtifactId; readonly index: number } & Outcome;

/** Asks this program's own Cedar about everything in a story that a policy decided, in the order of its chapters. */
export function redecideAll({ chapters, bundles }: Story): readonly Redecision[] {
  const judges = new Map<string, Judge>();
  const judgeOf = (bundle: string): Judge => {
    const judge = judges.get(bundle) ?? new Judge(bundles[bundle] ?? null);
    judges.set(bundle, judge);
    return judge;
  };
  return chapters.flatMap((chapter) => {
    const { id, index } = chapter.decision;
    const unasked =
      ownDecision(chapter) === null ? [{ id, index, ...impossible('no policy was asked') }] : [];
    const decided = chapter.policy.map((packed) => ({
      id: packed.id,
      index: packed.index,
      ...judgeOf(packed.said.bundle).redecide(packed),
    }));
    return [...unasked, ...decided];
  });
}

/** A bundle of the file, ready to decide; each document is put to it once. */
class Judge {
  readonly #engine: PolicyEngine | { readonly problem: string };
  readonly #answers = new Map<string, PolicyDecision>();

  constructor(files: BundleFiles | null) {
    this.#engine = engineOf(files);
  }

  redecide({ said, input }: PackedDecision): Outcome {
    if ('problem' in this.#engine) return impossible(this.#engine.problem);
    if (input === null) return impossible('its input is not in the file');
    try {
      // Its digest is the one that the decision names, so this is what was decided on.
      const again =
        this.#answers.get(said.input) ?? this.#engine.decide(JSON.parse(utf8Decode(input)) as PolicyInput);
      this.#answers.set(said.input, again);
      const { version } = this.#engine;
      const then = `${said.decision} by ${said.determining.join(', ') || 'no policy'}`;
      const now = `${again.decision} by ${again.determining.join(', ') || 'no policy'}`;
      if (then === now) return { outcome: 'same', engine: version };
      return { outcome: 'different', reason: `it says ${then}; ${version} says ${now}` };
    } catch (cause) {
      if (cause instanceof EngineBrokenError) return unusable(cause);
      throw cause;
    }
  }
}

function engineOf(files: BundleFiles | null): PolicyEngine | { readonly problem: string } {
  if (files === null) return { problem: 'its bundle is not in the file' };
  try {
    return createEngine(pastBundle('the evidence', files));
  } catch (cause) {
    if (cause instanceof PolicyBundleError || cause instanceof EngineBrokenError)
      return { problem: unusable(cause).reason };
    throw cause;
  }
}

function unusable(cause: Error) {
  return impossible(`this program cannot use the bundle: ${cause.message}`);
}

function impossible(reason: string): Extract<Outcome, { outcome: 'impossible' }> {
  return { outcome: 'impossible', reason };
}
