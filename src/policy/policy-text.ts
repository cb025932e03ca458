/**
 * How arguments and paths look to policies. The kernel's byte strings become texts, each a different one, so that
 * no caller can make one argument look like another to a policy.
 */

import { type ExactText, exactBytes, exactText } from '../format/exact-text.js';

const slash = 0x2f;
const escaped = /^(?:base64|text):/;
const plainWord = /^[A-Za-z0-9%+,./:=@_-]+$/;

/**
 * The text that a policy sees: UTF-8 as it is, other bytes as `base64:` and their base64. A literal text that
 * itself starts with `base64:` or `text:` gets `text:` in front, so no two byte strings share a form.
 */
export function policyText(text: ExactText): string {
  if (typeof text !== 'string') return `base64:${text.base64}`;
  return escaped.test(text) ? `text:${text}` : text;
}

/** What follows the last slash of a path, in the form of `policyText`. Split as bytes: base64 has slashes too. */
export function baseName(path: ExactText): string {
  const bytes = exactBytes(path);
  return policyText(exactText(bytes.subarray(bytes.lastIndexOf(slash) + 1)));
}

/**
 * All arguments as one text: words in the form of `policyText`, joined by single spaces and quoted as a POSIX shell
 * quotes them (IEEE 1003.1, Shell Command Language, 2.2.2). A word of other characters than `A-Z a-z 0-9 % + , - . / : = @ _`,
 * or none, stands in single quotes, a single quote inside as `'\''`. So a shell reads back exactly these words.
 */
export function commandLine(argv: readonly ExactText[]): string {
  return argv.map((argument) => quoted(policyText(argument))).join(' ');
}

function quoted(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
