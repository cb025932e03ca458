/** A terminal with a program on it and a person at the keys, made by script(1) of util-linux. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | null>;
  #shown = '';
  #looks: (() => void)[] = [];

  /** Runs a program of ours (a compiled module of the tests) as the only one on a new terminal. */
  constructor(entry: URL, parameters: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
    const words = [process.execPath, entry.pathname, ...parameters].map((word) => `'${word}'`);
    this.#child = spawn('script', ['-qefc', words.join(' '), '/dev/null'], {
      env: { ...environment, SHELL: '/bin/sh' },
    });
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#shown += chunk.toString('utf8');
      for (const look of this.#looks) look();
    });
    this.#ended = once(this.#child, 'close').then(([status]: (number | null)[]) => {
      for (const look of this.#looks) look();
      return status ?? null;
    });
  }

  /** Everything that is to be read on the screen so far. */
  get shown(): string {
    return this.#shown;
  }

  /** Waits until a text is on the screen, beyond what was there at `from`. Returns where it ends. */
  async see(text: string, from = 0): Promise<number> {
    for (;;) {
      const position = this.#shown.indexOf(text, from);
      if (position >= 0) return position + text.length;
      if (this.#child.exitCode !== null) throw new Error(`never shown: ${text}; only: ${this.#shown}`);
      await new Promise<void>((resolve) => this.#looks.push(resolve));
    }
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** The program's exit status. */
  ended(): Promise<number | null> {
    return this.#ended;
  }
}
