/**
 * The exact bytes of our own arguments, environment and working directory. Node hands them out as text, in which bytes
 * that are no UTF-8 are lost; the kernel keeps them (proc(5)).
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { concatBytes } from '../format/bytes.js';
import { utf8Encode } from '../format/utf8.js';
import { UsageError } from './cli-error.js';

/** What this process was started with, as bytes. */
export interface OwnProcess {
  /** The last arguments; `texts` is how Node read them. Throws UsageError where they are not the last, or their bytes cannot be had. */
  lastArguments(texts: readonly string[]): readonly Uint8Array[];
  /** Every `NAME=VALUE` of the environment. Throws UsageError where its bytes cannot be had. */
  environment(): readonly Uint8Array[];
  /** Throws UsageError when the directory was removed. */
  workingDirectory(): Uint8Array;
}

/** As the kernel shows it; where there is no /proc, as Node does, if nothing was lost. */
export const kernelsView: OwnProcess = {
  lastArguments: (texts) => {
    const all = fieldsOf('/proc/self/cmdline');
    const exact = all === null ? texts.map(faithfulBytes) : all.slice(all.length - texts.length);
    // Else these would be somebody else's words, and authorizing them would be worse than stopping.
    const agree = exact.every((bytes, position) => new TextDecoder().decode(bytes) === texts[position]);
    if (!agree || exact.length !== texts.length)
      throw new UsageError('a command stands last, behind --: what was given could not be read back as one');
    return exact;
  },
  environment: () =>
    fieldsOf('/proc/self/environ') ??
    Object.entries(process.env).map(([name, value]) => faithfulBytes(`${name}=${value ?? ''}`)),
  workingDirectory: () => {
    try {
      const text = process.cwd();
      return process.platform === 'linux'
        ? readlinkSync('/proc/self/cwd', { encoding: 'buffer' })
        : faithfulBytes(text);
    } catch (cause) {
      throw new UsageError('the working directory does not exist any more; change to one that does', {
        cause,
      });
    }
  },
};

/** NUL-terminated fields of a file of /proc; null where there is no such file system. */
function fieldsOf(path: string): Uint8Array[] | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
  const fields: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start);
    const stop = end === -1 ? bytes.length : end;
    fields.push(concatBytes(bytes.subarray(start, stop)));
    start = stop + 1;
  }
  return fields;
}

/** Bytes of a text that Node decoded, unless decoding lost something. */
function faithfulBytes(text: string): Uint8Array {
  if (text.includes('\ufffd'))
    throw new UsageError('an argument or environment variable is not UTF-8, and this system hides its bytes');
  return utf8Encode(text);
}
