/** The log's end of the thread that writes the published log. */

import { Worker } from 'node:worker_threads';

export type WriterOrder =
  /** Write these files; they are durable before the answer. */
  | {
      readonly order: 'files';
      readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
    }
  /** Replace the checkpoint, then remove what nobody needs any more. */
  | {
      readonly order: 'checkpoint';
      readonly path: string;
      readonly note: string;
      readonly obsolete: readonly string[];
    };

export interface NumberedOrder {
  readonly number: number;
  readonly order: WriterOrder;
}

/** `failure`: why the order was not, or not wholly, carried out. */
export interface WriterAnswer {
  readonly number: number;
  readonly failure: string | null;
}

interface Pending {
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** Its own objects are few; the bytes to write are outside of its heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 };

/** Starts the thread with the first order, and again after it died. */
export class TileWriter {
  #worker: Worker | null = null;
  readonly #pending = new Map<number, Pending>();
  #nextNumber = 0;

  /** Writes files durably; their buffers are moved away. Rejects when that failed: then some of them may be torn. */
  files(files: readonly { readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }[]): Promise<void> {
    return this.#ask(
      { order: 'files', files },
      files.map(({ bytes }) => bytes.buffer),
    );
  }

  /** Replaces the checkpoint at `path` durably, then removes what is obsolete. Rejects when that failed. */
  checkpoint(path: string, note: string, obsolete: readonly string[]): Promise<void> {
    return this.#ask({ order: 'checkpoint', path, note, obsolete }, []);
  }

  /** Ends the thread. Nothing may be under way. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #ask(order: WriterOrder, moved: readonly ArrayBuffer[]): Promise<void> {
    const worker = this.#worker ?? this.#start();
    const numbered: NumberedOrder = { number: this.#nextNumber++, order };
    return new Promise((resolve, reject) => {
      this.#pending.set(numbered.number, { resolve, reject });
      // The thread keeps the process alive only while it has something to do.
      worker.ref();
      worker.postMessage(numbered, moved);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./tile-writer-worker.js', import.meta.url), { resourceLimits });
    worker.on('message', ({ number, failure }: WriterAnswer) => {
      const pending = this.#pending.get(number);
      this.#pending.delete(number);
      if (this.#pending.size === 0) worker.unref();
      if (failure === null) pending?.resolve();
      else pending?.reject(new Error(failure));
    });
    const die = (cause: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      for (const { reject } of this.#pending.values()) reject(cause);
      this.#pending.clear();
    };
    worker.on('error', die);
    worker.on('exit', () => die(new Error('the thread that writes the published log ended')));
    this.#worker = worker;
    return worker;
  }
}
