/**
 * Decides again what was decided, each decision under the bundle that was in force, and compares: what was decided, by which
 * policies, and on which input. Equal inputs under one bundle are decided once, in bounded memory.
 */

import type { ArtifactId } from '../format/artifact-id.js';
import type { BundleFiles } from '../format/bundle-digest.js';
import type { EntryKind } from '../format/entry.js';
import { BoundedMemory } from './bounded-memory.js';
import { PolicyBundleError } from './bundle-error.js';
import { createEngine, type PolicyDecision, type PolicyEngine } from './engine.js';
import { pastBundle } from './past-bundle.js';
import {
  type PastDecision,
  type PastDenial,
  type PastEntry,
  type PastRecord,
  readInput,
} from './past-decisions.js';

/** Where a decision stands, and what is wrong with it: a sentence. */
export interface ReplayFinding {
  readonly index: number;
  readonly id: ArtifactId;
  readonly kind: EntryKind;
  readonly outcome: 'differs' | 'unchecked';
  readonly problem: string;
}

/** Decisions, but for `entries`, `undecided` (denials before any policy was asked) and `erased` (entries without a payload). */
export interface ReplayCounts {
  readonly entries: number;
  readonly reproduced: number;
  readonly differing: number;
  /** Their input or their bundle is not there. */
  readonly unchecked: number;
  readonly undecided: number;
  readonly erased: number;
  /**
   * Denials for what no policy decides, by code: it was read off the clock, the environment, the state of the log or the settings of a
   * bundle as of then, and is not decided again.
   */
  readonly otherGrounds: Readonly<Record<string, number>>;
  /** How many decisions each bundle and each version of the engine made, by digest and by version. */
  readonly bundles: Readonly<Record<string, number>>;
  readonly engines: Readonly<Record<string, number>>;
}

/** Finds a bundle by its digest; throws PolicyBundleError for one that is there and is not what it should be. */
export type FindBundle = (digest: string) => Promise<BundleFiles | null>;

const rememberedBytes = 64 << 20;
/** Each holds an instance of Cedar. */
const maxEngines = 4;

type Judge = { readonly engine: PolicyEngine } | { readonly problem: string };
type Finding = Pick<ReplayFinding, 'outcome' | 'problem'>;
type Outcome = { readonly outcome: 'reproduced' } | Finding;

/** What a policy's word alone can be behind. */
const policyCodes: ReadonlySet<string> = new Set(['POLICY_DENIED', 'POLICY_MISMATCH']);

const reproduced: Outcome = { outcome: 'reproduced' };

export class Replay {
  readonly #find: FindBundle;
  readonly #onFinding: (finding: ReplayFinding) => void;
  readonly #judges = new Map<string, Judge>();
  /** By bundle and digest of the input. */
  readonly #remembered = new BoundedMemory<PolicyDecision>(rememberedBytes);
  readonly #activated = new Set<string>();
  readonly #counts = { entries: 0, reproduced: 0, differing: 0, unchecked: 0, undecided: 0, erased: 0 };
  readonly #bundles = new Map<string, number>();
  readonly #engines = new Map<string, number>();
  readonly #otherGrounds = new Map<string, number>();

  constructor(find: FindBundle, onFinding: (finding: ReplayFinding) => void) {
    this.#find = find;
    this.#onFinding = onFinding;
  }

  get counts(): ReplayCounts {
    return {
      ...this.#counts,
      bundles: Object.fromEntries(this.#bundles),
      engines: Object.fromEntries(this.#engines),
      otherGrounds: Object.fromEntries(this.#otherGrounds),
    };
  }

  /** Takes the next entry of the log. Rejects with EngineBrokenError, and with the system's errors. */
  async take(entry: PastEntry): Promise<void> {
    this.#counts.entries++;
    switch (entry.content) {
      case 'activation':
        await this.#takeDecisions(entry, entry.decisions);
        this.#activated.add(entry.bundle);
        return;
      case 'undecided':
        this.#counts.undecided++;
        this.#countOthers(entry.denials, false);
        return;
      case 'erased':
        this.#counts.erased++;
        return;
      case 'other':
        return;
      case 'decisions':
        await this.#takeDecisions(entry, entry.decisions);
        if (entry.decisions.length === 0)
          this.#report(entry, unchecked('it does not say what the policy said'));
        this.#countOthers(
          entry.denials,
          entry.decisions.some(({ record }) => record.decision === 'deny'),
        );
    }
  }

  async #takeDecisions(entry: PastEntry, decisions: readonly PastDecision[]): Promise<void> {
    for (const decision of decisions) {
      const outcome = this.#checkAtOnce(decision) ?? (await this.#check(decision));
      this.#count(entry, decision.record, outcome);
    }
  }

  #count(entry: PastEntry, { bundle, engine }: PastRecord, outcome: Outcome): void {
    addOne(this.#bundles, bundle);
    addOne(this.#engines, engine);
    if (outcome.outcome === 'reproduced') this.#counts.reproduced++;
    else this.#report(entry, outcome);
  }

  /** A policy's denial is decided again; any other ground is only counted, once an entry. */
  #countOthers(denials: readonly PastDenial[], isPolicyDenial: boolean): void {
    for (const code of new Set(denials.map(({ code }) => code)))
      if (!isPolicyDenial || !policyCodes.has(code)) addOne(this.#otherGrounds, code);
  }

  #report({ index, id, kind }: PastEntry, outcome: Finding): void {
    this.#counts[outcome.outcome === 'differs' ? 'differing' : 'unchecked']++;
    this.#onFinding({ index, id, kind, ...outcome });
  }

  /** For what was decided again before: without waiting for anything. */
  #checkAtOnce({ record, input }: PastDecision): Outcome | null {
    if (input === null || !this.#activated.has(record.bundle)) return null;
    const known = this.#remembered.find(`${record.bundle} ${record.input}`);
    return known === null ? null : compare(record, input, known);
  }

  async #check({ record, input }: PastDecision): Promise<Outcome> {
    if (!this.#activated.has(record.bundle))
      return differs(`it names the bundle ${short(record.bundle)}, which was not in force before it`);
    if (input === null) return unchecked('what it was decided on is not kept');
    const judge = await this.#judgeFor(record.bundle);
    if ('problem' in judge) return unchecked(judge.problem);
    const document = readInput(input);
    if (document === null) return differs('what it was decided on is no policy input');
    const decision = judge.engine.decide(document);
    if (decision.inputDigest === record.input)
      this.#remembered.keep(`${record.bundle} ${record.input}`, decision, 3 * decision.input.length);
    return compare(record, input, decision);
  }

  async #judgeFor(digest: string): Promise<Judge> {
    const known = this.#judges.get(digest);
    if (known !== undefined) return known;
    const judge = await this.#makeJudge(digest);
    const [oldest] = this.#judges.keys();
    if (oldest !== undefined && this.#judges.size >= maxEngines) this.#judges.delete(oldest);
    this.#judges.set(digest, judge);
    return judge;
  }

  async #makeJudge(digest: string): Promise<Judge> {
    try {
      const files = await this.#find(digest);
      if (files === null) return { problem: `its bundle ${short(digest)} is not kept` };
      return { engine: createEngine(pastBundle(short(digest), files)) };
    } catch (cause) {
      if (!(cause instanceof PolicyBundleError)) throw cause;
      return { problem: `its bundle ${short(digest)} cannot be used: ${cause.message}` };
    }
  }
}

function compare(record: PastRecord, input: Uint8Array, again: PolicyDecision): Outcome {
  if (again.inputDigest !== record.input || Buffer.compare(again.input, input) !== 0)
    return differs('what is kept as its input is not what it was decided on');
  if (again.decision !== record.decision)
    return differs(
      `it says ${said(record.decision, record.determining)}; decided again: ${saidAgain(again)}`,
    );
  if (record.determining !== null && again.determining.join() !== record.determining.join())
    return differs(`it names ${named(record.determining)}; decided again: ${saidAgain(again)}`);
  return reproduced;
}

function addOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function saidAgain(again: PolicyDecision): string {
  const reason = again.decision === 'deny' ? ` (${again.denial.message})` : '';
  return `${said(again.decision, again.determining)}${reason}`;
}

function said(decision: string, determining: readonly string[] | null): string {
  return determining === null ? decision : `${decision} by ${named(determining)}`;
}

function named(ids: readonly string[]): string {
  return ids.length === 0 ? 'no policy' : ids.map((id) => `"${id}"`).join(', ');
}

function short(digest: string): string {
  return `${digest.slice(0, 16)}…`;
}

function differs(problem: string): Finding {
  return { outcome: 'differs', problem };
}

function unchecked(problem: string): Finding {
  return { outcome: 'unchecked', problem };
}
