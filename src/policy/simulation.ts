/**
 * What another bundle would have said to the requests of the past. It is asked exactly what was asked then: what people would ask
 * otherwise under it, nobody knows.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { Instant } from '../format/time.js';
import { parseInstant } from '../format/time.js';
import { BoundedMemory } from './bounded-memory.js';
import { createEngine, type DecidingBundle, type PolicyEngine } from './engine.js';
import { type PastDecision, type PastEntry, readInput } from './past-decisions.js';

/** `undecidable`: the new bundle's schema does not admit what was asked, or one of its policies fails on it. */
export type SimulatedChange = 'allow-to-deny' | 'deny-to-allow' | 'undecidable';

/** Decisions that would change alike: the same action on the same resource, by the same policies before and after. */
export interface ChangedDecisions {
  readonly change: SimulatedChange;
  readonly action: string;
  /** Such as `Command "/usr/bin/git"`. */
  readonly resource: string;
  /** Ids of the policies that determined the decision (null where the log does not say), and of those that would. */
  readonly before: readonly string[] | null;
  readonly after: readonly string[];
  /** What the new bundle says, where it denies. */
  readonly reason: string | null;
  readonly count: number;
  /** The first few. */
  readonly examples: readonly { readonly index: number; readonly id: ArtifactId; readonly time: Instant }[];
}

export interface SimulationResult {
  /** Decisions that were put to the new bundle. */
  readonly decisions: number;
  readonly unchanged: number;
  /** Decisions whose input is not kept. */
  readonly unknown: number;
  /** Those that change most decisions first. */
  readonly changed: readonly ChangedDecisions[];
  /** Changed decisions beyond the groups that are held. */
  readonly others: number;
}

type Group = { -readonly [Field in keyof ChangedDecisions]: ChangedDecisions[Field] };
/** What the new bundle says to one input, against each of the two decisions that it may have led to. */
type Answer = Omit<ChangedDecisions, 'change' | 'before' | 'count' | 'examples'> & {
  readonly says: 'allow' | 'deny' | 'undecidable';
};

const rememberedBytes = 32 << 20;
const maxGroups = 10_000;
const maxExamples = 3;
const answerBytes = 2048;

export class Simulation {
  readonly #engine: PolicyEngine;
  readonly #sinceMs: number | null;
  readonly #remembered = new BoundedMemory<Answer>(rememberedBytes);
  readonly #groups = new Map<string, Group>();
  readonly #counts = { decisions: 0, unchanged: 0, unknown: 0, others: 0 };

  /** Asks `bundle`, about what was decided from `sinceMs` on (milliseconds since the Unix epoch), or ever. */
  constructor(bundle: DecidingBundle, sinceMs: number | null = null) {
    this.#engine = createEngine(bundle);
    this.#sinceMs = sinceMs;
  }

  get result(): SimulationResult {
    const changed = [...this.#groups.values()].sort((left, right) => right.count - left.count);
    return { ...this.#counts, changed };
  }

  /** Takes the next entry of the log. Throws EngineBrokenError. */
  take(entry: PastEntry): void {
    if (entry.content !== 'decisions' && entry.content !== 'activation') return;
    if (this.#sinceMs !== null && parseInstant(entry.time) < this.#sinceMs) return;
    for (const decision of entry.decisions) {
      const answer = this.#answer(decision);
      if (answer === null) this.#counts.unknown++;
      else this.#count(entry, decision, answer);
    }
  }

  #answer({ record, input }: PastDecision): Answer | null {
    const known = this.#remembered.find(record.input);
    if (known !== null) return known;
    const document = input === null ? null : readInput(input);
    if (document === null) return null;
    const again = this.#engine.decide(document);
    const { type, id } = document.resource;
    const answer: Answer = {
      action: document.action.id,
      resource: `${type.slice(type.lastIndexOf(':') + 1)} ${JSON.stringify(id)}`,
      after: again.determining,
      says: again.decision === 'deny' && again.ground === 'undecided' ? 'undecidable' : again.decision,
      reason: again.decision === 'deny' ? again.denial.message : null,
    };
    this.#remembered.keep(record.input, answer, answerBytes + 2 * id.length);
    return answer;
  }

  #count(
    { index, id, time }: Extract<PastEntry, { content: 'decisions' | 'activation' }>,
    { record }: PastDecision,
    answer: Answer,
  ): void {
    const { says, ...rest } = answer;
    this.#counts.decisions++;
    if (says === record.decision) {
      this.#counts.unchanged++;
      return;
    }
    const change = says === 'undecidable' ? says : says === 'deny' ? 'allow-to-deny' : 'deny-to-allow';
    const before = record.determining;
    const key = JSON.stringify([change, rest.action, rest.resource, before, rest.after]);
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.count++;
      if (group.examples.length < maxExamples) group.examples = [...group.examples, { index, id, time }];
    } else if (this.#groups.size < maxGroups)
      this.#groups.set(key, { ...rest, change, before, count: 1, examples: [{ index, id, time }] });
    else this.#counts.others++;
  }
}
