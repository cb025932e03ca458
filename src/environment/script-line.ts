/**
 * The first line of a script as Linux reads it (fs/binfmt_script.c, unchanged in meaning since 5.2): `#!`, a path, and everything
 * behind it as one argument. Pure.
 */

/** What the kernel looks at of a file: longer first lines are cut (BINPRM_BUF_SIZE). */
export const scriptHeadBytes = 256;

export interface ScriptLine {
  /** The path as it stands there; a relative one is looked up in the working directory. */
  readonly interpreter: Uint8Array;
  readonly argument: Uint8Array | null;
}

const newline = 0x0a;
const space = 0x20;
const tab = 0x09;

/**
 * The interpreter that the kernel would start for a file with this beginning; null where it would start none: for a file
 * without `#!`, without a path, or whose path may have been cut.
 */
export function parseScriptLine(head: Uint8Array): ScriptLine | null {
  if (head[0] !== 0x23 || head[1] !== 0x21) return null;
  // The kernel's buffer is filled up with NULs, and its last byte is never part of the line.
  const buffer = new Uint8Array(scriptHeadBytes);
  buffer.set(head.subarray(0, scriptHeadBytes));
  const end = lineEnd(buffer);
  if (end === null) return null;
  const start = skipBlanks(buffer, 2, end);
  if (start === end || buffer[start] === 0) return null;
  const separator = findTerminator(buffer, start, end);
  const interpreter = buffer.slice(start, separator);
  // What follows a NUL is never looked at.
  if (separator === end || buffer[separator] === 0) return { interpreter, argument: null };
  const argumentStart = skipBlanks(buffer, separator, end);
  // A blank at the end of a file without a newline gives an empty argument, as the NUL behind it is taken for text.
  return { interpreter, argument: argumentStart === end ? null : untilNul(buffer.slice(argumentStart, end)) };
}

/** Where the line ends, without blanks at its end; null for a path that may go on behind the buffer. */
function lineEnd(buffer: Uint8Array): number | null {
  // A NUL ends the text that a newline is looked for in.
  const nul = buffer.indexOf(0);
  const found = buffer.indexOf(newline);
  let end = found < 0 || (nul >= 0 && nul < found) ? null : found;
  if (end === null) {
    const last = scriptHeadBytes - 1;
    const start = skipBlanks(buffer, 2, last);
    if (start === last || findTerminator(buffer, start, last + 1) > last) return null;
    end = last;
  }
  while (end > 2 && isBlank(buffer[end - 1])) end--;
  return end;
}

function skipBlanks(buffer: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && isBlank(buffer[position])) position++;
  return position;
}

/** The first space, tab or NUL, or `end`. */
function findTerminator(buffer: Uint8Array, start: number, end: number): number {
  let position = start;
  while (position < end && !isBlank(buffer[position]) && buffer[position] !== 0) position++;
  return position;
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab;
}
