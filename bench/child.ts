/** A process of the benchmark's own, which is asked one thing at a time over Node's channel. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** An answer that says that the order could not be carried out. */
export interface Failed {
  readonly reply: 'failed';
  readonly reason: string;
}

export class Child<Order, Reply> {
  readonly pid: number;
  readonly #process: ChildProcess;

  /** `main`: URL of the module that it runs. */
  constructor(main: URL, environment: Readonly<Record<string, string>> = {}) {
    this.#process = fork(fileURLToPath(main), [], {
      serialization: 'advanced',
      env: { ...process.env, ...environment },
    });
    this.pid = this.#process.pid ?? 0;
  }

  /** Rejects when the process ends instead, or says that it failed. Not to be called again before it settles. */
  async ask(order: Order): Promise<Exclude<Reply, Failed>> {
    const abort = new AbortController();
    try {
      const reply = await Promise.race([
        once(this.#process, 'message', abort).then(([message]): Reply => message),
        once(this.#process, 'exit', abort).then(([code]): never => {
          throw new Error(`a process of the benchmark ended with ${String(code)}`);
        }),
        this.#send(order),
      ]);
      if (isFailed(reply)) throw new Error(reply.reason);
      return reply as Exclude<Reply, Failed>;
    } finally {
      abort.abort();
    }
  }

  /** Ends it and waits until it is gone. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }

  /** Settles only when it could not be sent. */
  #send(order: Order): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#process.send(order as object, (cause) => {
        if (cause !== null) reject(cause);
      });
    });
  }
}

function isFailed(reply: unknown): reply is Failed {
  return typeof reply === 'object' && reply !== null && 'reply' in reply && reply.reply === 'failed';
}
