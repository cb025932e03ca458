/** Asks a person at the terminal whether to go ahead. Questions go to standard error, so that standard output stays the result's. */

import { createInterface } from 'node:readline/promises';

/** Whether the person agrees; anything but yes is no. */
export async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
