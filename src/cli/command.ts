/** How a command is described: a file of its own, loaded only when its name is on the command line. */

import type { Command } from 'commander';
import type { CliContext } from './context.js';
import type { ExitCode } from './exit-code.js';

/** Does the command's work and says how it ended. Throws what failure.ts explains. */
export type Action = (context: CliContext) => Promise<ExitCode>;

/** Gives a command its arguments, options and examples; `act` attaches what it does. */
export type Define = (command: Command, act: (action: Action) => void) => void;

/** `path` is what the user types, such as ['log', 'show']. */
export interface CommandEntry {
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly load: () => Promise<{ readonly define: Define }>;
}

/** The end of a help page. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
