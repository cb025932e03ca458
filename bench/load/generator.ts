/**
 * The load: keeps requests in flight as a round's pace says, and takes the answers. Runs in a process that does nothing
 * else. What an answer costs here is taken from the processor that the daemon needs too, so nothing is parsed, and only
 * samples are kept whole; they are verified after the round by whoever asked for it.
 */

import { Acknowledgements } from './acknowledgements.js';
import { AnswerScanner, type AnswerSink, sequenceOf } from './answer-scanner.js';
import { type LoadConnection, openConnection } from './connection.js';
import { Ledger } from './ledger.js';
import { requestsOf, requestText } from './requests.js';
import type { Round, RoundResult } from './round.js';
import { Run } from './run.js';

export class Generator implements AnswerSink {
  /** Authorizations that were granted: `redeem` takes them in this order. */
  readonly grants = new Acknowledgements();
  readonly receipts = new Acknowledgements();
  readonly #socketPath: string;
  readonly #sampleOneIn: number;
  readonly #connections: LoadConnection[] = [];
  readonly #ledger = new Ledger();
  /** How many requests of each kind were made so far: `distinct` and `redeem` go on where they were. */
  readonly #cursors = { rotation: { position: 0 }, distinct: { position: 0 }, redeem: { position: 0 } };
  #run: Run | null = null;
  /** Time of the read that is being worked on. */
  #nowMs = 0;
  #untilSample = 1;

  constructor(socketPath: string, sampleOneIn: number) {
    this.#socketPath = socketPath;
    this.#sampleOneIn = sampleOneIn;
  }

  /** Runs one round to its last answer. Rejects when a connection breaks or an answer never comes. */
  async run(round: Round): Promise<RoundResult> {
    while (this.#connections.length < round.pace.connections) await this.#connect();
    const requests = requestsOf(round.workload, this.grants);
    const cpuBefore = process.cpuUsage();
    const run = new Run(round, {
      requests,
      ledger: this.#ledger,
      connections: this.#connections,
      cursor: this.#cursors[round.workload.kind],
    });
    this.#run = run;
    try {
      await run.finished;
    } finally {
      this.#run = null;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    return run.result(user + system);
  }

  close(): void {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  wantsText(): boolean {
    this.#untilSample -= 1;
    if (this.#untilSample > 0) return false;
    this.#untilSample = 1 + Math.floor(Math.random() * (2 * this.#sampleOneIn - 1));
    return true;
  }

  granted(id: number, bytes: Uint8Array, idOffset: number, index: number, line: Buffer | null): void {
    const run = this.#run;
    if (run === null) return;
    const number = sequenceOf(id);
    const position = this.#ledger.position(number);
    const startMs = this.#ledger.close(number);
    if (Number.isNaN(startMs)) {
      run.fail(`an answer to no request: ${id}`);
      return;
    }
    run.grant(startMs, this.#nowMs);
    const { requests } = run.parts;
    const acknowledged = requests.letter === 0 ? this.receipts : this.grants;
    acknowledged.add(bytes, idOffset, index, requests.letter, requests.number(position));
    if (line !== null)
      run.samples.push({ request: requestText(requests, id, position), answer: line.toString('utf8') });
  }

  other(line: Buffer): void {
    const text = line.toString('utf8');
    this.#run?.fail(text);
    try {
      const { id }: { readonly id?: unknown } = JSON.parse(text);
      if (typeof id === 'number') this.#ledger.close(sequenceOf(id));
    } catch {
      // Already counted as a failure; the request that it may have answered stays open.
    }
  }

  async #connect(): Promise<void> {
    const number = this.#connections.length;
    const scanner = new AnswerScanner(this);
    const connection = await openConnection(this.#socketPath, {
      onBytes: (bytes) => {
        this.#nowMs = performance.now();
        const lines = scanner.feed(bytes);
        if (lines > 0) this.#run?.answered(number, lines, this.#nowMs);
      },
      onEnd: (reason) => this.#run?.abort(reason),
    });
    this.#connections.push(connection);
  }
}
