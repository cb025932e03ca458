/** A few threads that digest files (./digest-worker.ts), each with one file at a time, and the queue before them. */

import { Worker } from 'node:worker_threads';
import type { DigestAnswer, DigestRequest } from './digest-worker.js';

/** A thread ended, or was ended, before it answered. */
export class DigestWorkerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DigestWorkerError';
  }
}

interface Job {
  readonly request: DigestRequest;
  readonly resolve: (answer: DigestAnswer) => void;
  readonly reject: (error: DigestWorkerError) => void;
}

/** Threads start when first needed and keep no process alive by themselves. */
export class DigestWorkers {
  readonly #limit: number;
  readonly #timeoutMs: number;
  readonly #queue: Job[] = [];
  readonly #idle = new Set<Worker>();
  readonly #busy = new Map<Worker, Job>();
  #closed = false;

  /** At most `limit` threads; one that has not answered after `timeoutMs` is ended, and another takes its place. */
  constructor(limit: number, timeoutMs: number) {
    this.#limit = limit;
    this.#timeoutMs = timeoutMs;
  }

  /** Digests one file; its descriptor must stay open until the answer. Rejects with DigestWorkerError. */
  digest(request: DigestRequest): Promise<DigestAnswer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      this.#startNext();
    });
  }

  /** Ends all threads; what waits is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#startNext();
    const workers = [...this.#idle, ...this.#busy.keys()];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #startNext(): void {
    while (this.#queue.length > 0 && (this.#closed || this.#busy.size < this.#limit)) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      if (this.#closed) job.reject(new DigestWorkerError('the daemon is stopping'));
      else this.#run(job);
    }
  }

  #run(job: Job): void {
    const [worker = this.#startWorker()] = this.#idle;
    this.#idle.delete(worker);
    const timer = setTimeout(() => {
      // It ends once the read returns in which it hangs.
      void worker.terminate();
      this.#lose(worker, new DigestWorkerError(`reading it took longer than ${this.#timeoutMs} ms`));
    }, this.#timeoutMs);
    this.#busy.set(worker, {
      ...job,
      resolve: (answer) => {
        clearTimeout(timer);
        job.resolve(answer);
      },
      reject: (error) => {
        clearTimeout(timer);
        job.reject(error);
      },
    });
    worker.ref();
    worker.postMessage(job.request);
  }

  #startWorker(): Worker {
    // Options of the daemon's own command line, such as a debugger's port, are not for its threads.
    const worker = new Worker(new URL('./digest-worker.js', import.meta.url), { execArgv: [] });
    worker.on('message', (answer: DigestAnswer) => this.#finish(worker, answer));
    worker.on('error', (cause) => {
      this.#lose(worker, new DigestWorkerError(`its thread failed: ${cause.message}`, { cause }));
    });
    worker.on('exit', () => this.#lose(worker, new DigestWorkerError('its thread ended')));
    return worker;
  }

  #finish(worker: Worker, answer: DigestAnswer): void {
    const job = this.#busy.get(worker);
    // An answer after its deadline: the thread is about to end.
    if (job === undefined) return;
    this.#busy.delete(worker);
    this.#idle.add(worker);
    worker.unref();
    job.resolve(answer);
    this.#startNext();
  }

  /** Gives up a thread, and the file that it reads, if any. */
  #lose(worker: Worker, error: DigestWorkerError): void {
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#idle.delete(worker);
    worker.unref();
    job?.reject(error);
    this.#startNext();
  }
}
