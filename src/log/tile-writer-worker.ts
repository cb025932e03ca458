/**
 * The thread that writes the published log. Writing a file durably takes several steps that each wait for the disk; on
 * the daemon's thread each would also wait for its turn behind requests, and under load the published log would fall
 * behind for good. Here the steps block, and wait for nothing else.
 */

import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { NumberedOrder, WriterAnswer, WriterOrder } from './tile-writer.js';

function carryOut(order: WriterOrder): void {
  switch (order.order) {
    case 'files':
      writeFiles(order.files);
      return;
    case 'checkpoint':
      replaceFile(order.path, order.note);
      for (const path of order.obsolete) rmSync(path, { recursive: true, force: true });
      return;
  }
}

/** Writes each file in its place; all of them and their names are durable on return. */
function writeFiles(files: Extract<WriterOrder, { order: 'files' }>['files']): void {
  const directories = new Set<string>();
  const descriptors: number[] = [];
  try {
    for (const { path, bytes } of files) {
      const directory = dirname(path);
      if (!directories.has(directory)) makeDirectory(directory, directories);
      const descriptor = openSync(path, 'w', 0o644);
      descriptors.push(descriptor);
      writeFileSync(descriptor, bytes);
    }
    // One after all writes: the file system then has most of the work for all of them in one go.
    for (const descriptor of descriptors) fdatasyncSync(descriptor);
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
  for (const directory of directories) syncDirectory(directory);
}

/** Makes the directory and its missing parents, and notes every directory that got a new name in it. */
function makeDirectory(directory: string, touched: Set<string>): void {
  touched.add(directory);
  const first = mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (first === undefined) return;
  for (let made = directory; made.length >= first.length; made = dirname(made)) touched.add(dirname(made));
}

/** The sequence of durable-file.ts, in blocking steps. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  const descriptor = openSync(temporary, 'w', 0o644);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function serve(port: MessagePort): void {
  port.on('message', ({ number, order }: NumberedOrder) => {
    let failure: string | null = null;
    try {
      carryOut(order);
    } catch (cause) {
      failure = cause instanceof Error ? cause.message : String(cause);
    }
    const answer: WriterAnswer = { number, failure };
    port.postMessage(answer);
  });
}

if (parentPort === null) {
  throw new Error('tile-writer-worker.js is started as a thread of the daemon, never by itself');
}
serve(parentPort);
