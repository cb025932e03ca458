/** Facts of a live process, read in one go through its pidfd, so that they can be compared as one text. */

import { getSystemErrorName } from 'node:util';
import { utf8Decode } from '../format/utf8.js';
import { nativeAddon } from './addon.js';
import { type NamespaceKind, namespaceInode, namespaceKinds, parseCgroup } from './process.js';

/** What is read of a process only for those who ask: it costs each glance, and not every process shows it. */
export type ProcessExtraNames = Readonly<Record<keyof ProcessExtras, boolean>>;

export type ProcessReading =
  | { readonly outcome: 'read'; readonly bytes: Uint8Array }
  /** `errno` by its name: the process may hide it from us. */
  | { readonly outcome: 'unread'; readonly errno: string }
  | { readonly outcome: 'unasked' };

export interface ProcessExtras {
  /** Where /proc/PID/cwd leads. */
  readonly workingDirectory: ProcessReading;
  /** The bytes of /proc/PID/environ, and of /proc/PID/cmdline: parts that NULs end. The process may write both. */
  readonly environment: ProcessReading;
  readonly commandLine: ProcessReading;
}

export const noExtras: ProcessExtraNames = {
  workingDirectory: false,
  environment: false,
  commandLine: false,
};

/** The bits of the addon (native/src/process_facts.cc), in the order in which the text has what they stand for. */
const extraBits: readonly (readonly [keyof ProcessExtras, number])[] = [
  ['workingDirectory', 1],
  ['environment', 2],
  ['commandLine', 4],
];

export interface ProcessFacts {
  /** As fileIdentity() writes it: which file is executed, and in which state it is. */
  readonly executableIdentity: string;
  /** The kernel's name of that file, as bytes; ` (deleted)` at its end if it has none any more. */
  readonly executablePath: Uint8Array;
  /** As of `readCgroup`. */
  readonly cgroup: string | null;
  /** Inode numbers, as of `readNamespace`. */
  readonly namespaces: Readonly<Record<NamespaceKind, string>>;
  readonly extras: ProcessExtras;
}

/**
 * The facts of the process that both numbers stand for, as a text: equal texts mean equal facts, and that the process
 * lived after they were read. Null when it has ended, or one of them (but for extras) cannot be read.
 */
export function glanceAtProcess(
  pid: number,
  pidfd: number,
  extras: ProcessExtraNames = noExtras,
): string | null {
  const bits = extraBits.reduce((sum, [name, bit]) => (extras[name] ? sum + bit : sum), 0);
  return nativeAddon().processFacts(pid, pidfd, bits);
}

/**
 * What a glance showed, where the same extras were asked for; null where the kernel gave something that cannot be
 * understood, such as a path that is no UTF-8.
 */
export function parseProcessFacts(glance: string, extras: ProcessExtraNames = noExtras): ProcessFacts | null {
  const fields = new FieldReader(glance);
  try {
    const executableIdentity = fields.next();
    const path = fields.next();
    const cgroup = fields.next();
    const namespaces = Object.fromEntries(
      namespaceKinds.map((kind) => [kind, namespaceInode(fields.next())]),
    ) as Record<NamespaceKind, string>;
    return {
      executableIdentity,
      executablePath: Buffer.from(path, 'latin1'),
      cgroup: parseCgroup(utf8Decode(Buffer.from(cgroup, 'latin1'))),
      namespaces,
      extras: readExtras(fields, extras),
    };
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return null;
    throw cause;
  }
}

/** Takes a glance apart from its beginning. Every method throws SyntaxError where the text ends before. */
class FieldReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the next NUL. */
  next(): string {
    const end = this.#text.indexOf('\0', this.#position);
    if (end < 0) throw new SyntaxError('the glance ends too early');
    const field = this.#text.slice(this.#position, end);
    this.#position = end + 1;
    return field;
  }

  /** That many characters, which may hold NULs, and the NUL behind them. */
  take(length: number): string {
    const end = this.#position + length;
    if (this.#text[end] !== '\0') throw new SyntaxError('the glance ends too early');
    const field = this.#text.slice(this.#position, end);
    this.#position = end + 1;
    return field;
  }
}

function readExtras(fields: FieldReader, asked: ProcessExtraNames): ProcessExtras {
  const read = (name: keyof ProcessExtras): ProcessReading =>
    asked[name] ? readExtra(fields, name) : { outcome: 'unasked' };
  // In the order of the bits.
  const workingDirectory = read('workingDirectory');
  const environment = read('environment');
  return { workingDirectory, environment, commandLine: read('commandLine') };
}

function readExtra(fields: FieldReader, name: keyof ProcessExtras): ProcessReading {
  const head = fields.next();
  const rest = head.slice(1);
  if (head.startsWith('!') && /^[1-9]\d{0,3}$/.test(rest))
    return { outcome: 'unread', errno: getSystemErrorName(-Number(rest)) };
  if (!head.startsWith('=')) throw new SyntaxError('the glance tells neither an extra nor why there is none');
  if (name === 'workingDirectory') return { outcome: 'read', bytes: Buffer.from(rest, 'latin1') };
  if (!/^\d{1,7}$/.test(rest)) throw new SyntaxError('the glance tells no size of an extra');
  return { outcome: 'read', bytes: Buffer.from(fields.take(Number(rest)), 'latin1') };
}
