/** The one error of loading a policy bundle, and how Cedar's complaints become one: which file, what, what to do. */

import { type Cedar, cedarMessages, type DetailedError } from './cedar.js';

export interface BundleErrorOptions extends ErrorOptions {
  readonly line?: number;
}

/** Thrown when a bundle cannot be used as it is; nothing of it is then in force. `file` is a path. */
export class PolicyBundleError extends Error {
  readonly file: string;
  /** Counted from 1; null where no line is known. */
  readonly line: number | null;
  /** Without a full stop. */
  readonly problem: string;
  readonly remedy: string;

  constructor(file: string, problem: string, remedy: string, options?: BundleErrorOptions) {
    super(`${file}: ${problem}. ${remedy}`, options);
    this.name = 'PolicyBundleError';
    this.file = file;
    this.line = options?.line ?? null;
    this.problem = problem;
    this.remedy = remedy;
  }
}

/**
 * Asks Cedar about one file. Cedar traps on texts that nest too deeply for its stack: that is the file's fault like
 * any other, so it throws PolicyBundleError, after which the instance must not be used again.
 */
export function askCedar<Answer>(cedar: Cedar, file: string, question: (cedar: Cedar) => Answer): Answer {
  try {
    return question(cedar);
  } catch (cause) {
    throw new PolicyBundleError(
      file,
      'Cedar broke down over this file, probably because an expression nests too deeply',
      'Write it with less nesting.',
      { cause },
    );
  }
}

/** What is wrong with a text, and on which line Cedar first points at something. */
export function describeErrors(text: string, errors: readonly DetailedError[]): string {
  const line = lineOf(text, errors[0]);
  if (line === null) return cedarMessages(errors);
  const label = errors[0]?.sourceLocations?.[0]?.label ?? null;
  return `line ${line}: ${cedarMessages(errors)}${label === null ? '' : `: ${label}`}`;
}

/** The line of a text that Cedar points at first, or null where it points nowhere. */
export function lineOf(text: string, error: DetailedError | undefined): number | null {
  const place = error?.sourceLocations?.[0];
  if (place === undefined) return null;
  // Cedar counts UTF-8 bytes.
  const before = new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, place.start));
  return lineAt(before, before.length);
}

/** The number of the line, from 1, that holds the character at a position. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
