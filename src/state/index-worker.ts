/**
 * The index's own thread: it owns both connections to the database, so that no call of SQLite ever blocks a request. It
 * also proves entries and decodes payloads, so that the daemon's thread only hands over bytes. An error that is not foreseen ends the thread.
 */

import { type MessagePort, parentPort } from 'node:worker_threads';
import { LogDamageError } from '../log/damage.js';
import { provenEntries } from '../log/entry-reader.js';
import { IndexStoreError } from './index-fault.js';
import type { IndexReply, IndexRequest, NumberedReply, NumberedRequest } from './index-message.js';
import { EntryNotIndexableError, rowOf } from './index-row.js';
import { type IndexStore, openIndexStore, removeIndexFiles } from './index-store.js';

class IndexService {
  #opened: { readonly path: string; readonly store: IndexStore } | null = null;

  answer(request: IndexRequest): IndexReply {
    try {
      return this.#carryOut(request);
    } catch (cause) {
      if (cause instanceof EntryNotIndexableError || cause instanceof LogDamageError) {
        return { reply: 'failed', fault: 'unavailable', message: cause.message };
      }
      if (!(cause instanceof IndexStoreError)) throw cause;
      return { reply: 'failed', fault: cause.fault, message: this.#afterFault(cause) };
    }
  }

  #carryOut(request: IndexRequest): IndexReply {
    switch (request.request) {
      case 'open':
        return this.#open(request.path);
      case 'reset': {
        const { path } = this.#use();
        this.#discard();
        this.#open(path);
        return { reply: 'done' };
      }
      case 'append':
        this.#use().store.append(provenEntries(request.entries).map(rowOf), request.from, request.to);
        return { reply: 'done' };
      case 'find':
        return { reply: 'found', idx: this.#use().store.find(request.id) };
      case 'children':
        return { reply: 'children', children: this.#use().store.children(request.id) };
      case 'about':
        return { reply: 'about', entries: this.#use().store.about(request.idx) };
      case 'newestBefore':
        return {
          reply: 'found',
          idx: this.#use().store.newestBefore(request.kind, request.idx, request.subject),
        };
      case 'close':
        this.#opened?.store.close();
        this.#opened = null;
        return { reply: 'done' };
    }
  }

  #open(path: string): IndexReply {
    const { store, position, discarded } = openIndexStore(path);
    this.#opened = { path, store };
    return { reply: 'opened', position, discarded };
  }

  #use(): { readonly path: string; readonly store: IndexStore } {
    if (this.#opened === null) throw new IndexStoreError('unavailable', 'the index is not open');
    return this.#opened;
  }

  /** Deletes an unusable file, and returns the sentence that tells what happened. */
  #afterFault({ fault, message }: IndexStoreError): string {
    if (fault !== 'unusable') return message;
    try {
      this.#discard();
      return message;
    } catch (cause) {
      if (!(cause instanceof IndexStoreError)) throw cause;
      return `${message}; ${cause.message}`;
    }
  }

  #discard(): void {
    if (this.#opened === null) return;
    const { path, store } = this.#opened;
    this.#opened = null;
    store.close();
    removeIndexFiles(path);
  }
}

function serve(port: MessagePort): void {
  const service = new IndexService();
  port.on('message', ({ number, request }: NumberedRequest) => {
    const answer: NumberedReply = { number, reply: service.answer(request) };
    port.postMessage(answer);
    if (request.request === 'close') port.close();
  });
}

if (parentPort === null) {
  throw new Error('index-worker.js is started as a thread of the daemon, never by itself');
}
serve(parentPort);
