/**
 * Small files that a face or a daemon cannot do without: PINs, configuration, pinned facts. Each appears whole or not at
 * all, also after a power failure: written beside its place, synced, moved there, and the directory synced.
 */

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** What a file shall hold, or what writes that to the open file. */
export type FileContent = string | ((file: number) => void);

/** What is in the file; null where there is none. Throws the system's error. */
export function findFile(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

/** Puts `text` at `path`, over whatever was there. Throws the system's error. */
export function replaceFile(path: string, text: string, mode: number): void {
  const temporary = writeTemporary(path, text, mode);
  renameSync(temporary, path);
  syncPath(dirname(path));
}

/** Puts `content` at `path` unless something is there: of two processes at once, one wins. Throws the system's error. */
export function createFile(path: string, content: FileContent, mode: number): 'created' | 'exists' {
  const temporary = writeTemporary(path, content, mode);
  try {
    linkSync(temporary, path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return 'exists';
    throw cause;
  } finally {
    rmSync(temporary);
  }
  syncPath(dirname(path));
  return 'created';
}

/** Makes a directory that only its owner may enter, and its missing parents. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  syncPath(dirname(path));
}

function writeTemporary(path: string, content: FileContent, mode: number): string {
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, 'wx', mode);
  try {
    if (typeof content === 'string') writeFileSync(file, content);
    else content(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return temporary;
}

function syncPath(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
