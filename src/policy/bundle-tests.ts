/** Runs the tests of a bundle on the engine that would decide by it: for `writ policy test`, and before a bundle is put in force. */

import type { PolicyBundle } from './bundle.js';
import { createEngine } from './engine.js';
import type { BundleTest } from './test-file.js';

/** What came of one test. `failure` is a sentence, null where the test passed. */
export interface TestOutcome {
  readonly file: string;
  readonly name: string;
  readonly decision: 'allow' | 'deny';
  readonly determining: readonly string[];
  readonly failure: string | null;
}

/**
 * The outcomes, in the order of the tests. A test that the bundle cannot judge (an input that its schema refuses, a policy
 * that fails) fails, also where it expects a denial. Throws EngineBrokenError.
 */
export function runTests(bundle: PolicyBundle, tests: readonly BundleTest[]): readonly TestOutcome[] {
  const engine = createEngine(bundle);
  return tests.map((test) => {
    const decided = engine.decide(test.input);
    const { decision, determining } = decided;
    const reason = decided.decision === 'deny' ? decided.denial.message : null;
    const undecided = decided.decision === 'deny' && decided.ground === 'undecided';
    const found = { file: test.file, name: test.name, decision, determining };
    if (undecided) return { ...found, failure: `it cannot be judged: ${reason}` };
    if (decision !== test.expect)
      return {
        ...found,
        failure: `expected ${test.expect}, got ${decided.decision}${told(reason, determining)}`,
      };
    if (test.by !== null && test.by.join() !== determining.join())
      return { ...found, failure: `expected it by ${named(test.by)}, got it by ${named(determining)}` };
    return { ...found, failure: null };
  });
}

function told(reason: string | null, determining: readonly string[]): string {
  return reason === null ? ` by ${named(determining)}` : `: ${reason}`;
}

function named(ids: readonly string[]): string {
  return ids.length === 0 ? 'no policy' : ids.map((id) => `"${id}"`).join(', ');
}
