/** Talks with a person at the terminal. Questions go to standard error, so that standard output stays the result's. */

import { createInterface, type Interface } from 'node:readline/promises';
import { UsageError } from './cli-error.js';

/** Whether the person agrees; anything but yes is no. Throws UsageError where the input ends instead. */
export async function confirm(question: string): Promise<boolean> {
  return converse(async (terminal) =>
    /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim()),
  );
}

/** Lets `talk` ask questions. ^C ends this program by the signal; where the input ends before an answer, throws UsageError. */
export async function converse<Result>(talk: (terminal: Interface) => Promise<Result>): Promise<Result> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.once('SIGINT', () => {
    terminal.close();
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await talk(terminal);
  } catch (cause) {
    if (!(cause instanceof Error && cause.name === 'AbortError')) throw cause;
    throw new UsageError('the input ended before an answer, so nothing was done', { cause });
  } finally {
    terminal.close();
  }
}
