/** Which script an interpreter was started with, by its command line, which every process may write itself. Pure. */

import { nulEnded } from './variables.js';

/** Interpreters whose first argument that is no option names a script, by the base name that they were called. */
const interpreters =
  /^(?:python[0-9.]*|node|nodejs|deno|bun|ruby[0-9.]*|perl[0-9.]*|php[0-9.]*|lua[0-9.]*|bash|dash|sh|zsh|ksh)$/;
/** Options after which no script follows, because they are the program themselves, or read it from elsewhere. */
const programOptions = new Set(['-c', '-e', '-E', '-r', '-m', '-p', '-s', '-', '--eval', '--print']);

/** The script's path as it was written, or null where the line tells of none. `bytes` are those of /proc/PID/cmdline. */
export function scriptArgument(bytes: Uint8Array): Uint8Array | null {
  const [program, ...rest] = [...nulEnded(bytes)];
  const called = program === undefined ? '' : Buffer.from(program).toString('latin1');
  if (!interpreters.test(called.slice(called.lastIndexOf('/') + 1))) return null;
  for (const word of rest) {
    const text = Buffer.from(word).toString('latin1');
    if (!text.startsWith('-')) return word;
    if (programOptions.has(text)) return null;
  }
  return null;
}
