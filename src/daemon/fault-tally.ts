/** Counts answers that nobody seals, by peer, and reports them once a second: a flood must not fill the daemon's log. */

export interface FaultReport {
  readonly peer: string;
  readonly counts: Readonly<Record<string, number>>;
  /** The newest sentence, as an example. */
  readonly example: string;
}

const intervalMs = 1000;
/** Peers told apart within one interval; the rest are counted together. */
const maxPeers = 64;

export class FaultTally {
  readonly #report: (report: FaultReport) => void;
  #byPeer = new Map<string, { readonly counts: Record<string, number>; example: string }>();
  #timer: NodeJS.Timeout | null = null;

  constructor(report: (report: FaultReport) => void) {
    this.#report = report;
  }

  add(peer: string, code: string, message: string): void {
    const name = this.#byPeer.has(peer) || this.#byPeer.size < maxPeers ? peer : 'others';
    const tally = this.#byPeer.get(name) ?? { counts: {}, example: message };
    tally.counts[code] = (tally.counts[code] ?? 0) + 1;
    tally.example = message;
    this.#byPeer.set(name, tally);
    this.#timer ??= setTimeout(() => this.flush(), intervalMs);
  }

  /** Reports what was counted since the last time. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const tallies = this.#byPeer;
    this.#byPeer = new Map();
    for (const [peer, { counts, example }] of tallies) this.#report({ peer, counts, example });
  }
}
