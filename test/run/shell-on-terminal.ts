/** An interactive bash on a terminal, with a person at the keys; made by script(1) of util-linux. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Far longer than anything takes; what is not shown by then never will be. */
const patienceMs = 20_000;

export class ShellOnTerminal {
  readonly #script: ChildProcessWithoutNullStreams;
  #shown = '';
  #read = 0;
  #look: () => void = () => undefined;

  constructor(directory: string) {
    const shell = 'exec bash --norc --noprofile -i';
    this.#script = spawn('script', ['-qefc', shell, '/dev/null'], {
      cwd: directory,
      env: { PATH: '/usr/bin:/bin', PS1: '> ', LC_ALL: 'C', TERM: 'dumb', SHELL: '/bin/sh' },
    });
    const show = (chunk: Buffer) => {
      this.#shown += chunk.toString('utf8').replaceAll('\r', '');
      this.#look();
    };
    this.#script.stdout.on('data', show);
    this.#script.on('close', () => this.#look());
  }

  /** Types keys as they are; ^X is a control character, and a newline the return key. */
  type(keys: string): void {
    this.#script.stdin.write(
      keys.replaceAll(/\^([A-Z])/g, (_, letter: string) => String.fromCharCode(letter.charCodeAt(0) - 64)),
    );
  }

  /** Waits until something is shown behind what was waited for before. The keys that are typed are shown too. */
  async see(pattern: RegExp): Promise<RegExpMatchArray> {
    const lateMs = performance.now() + patienceMs;
    for (;;) {
      const match = this.#shown.slice(this.#read).match(pattern);
      if (match?.index !== undefined) {
        this.#read += match.index + match[0].length;
        return match;
      }
      if (this.#script.exitCode !== null || performance.now() > lateMs) {
        throw new Error(`never shown: ${pattern}; only: ${this.#shown.slice(this.#read)}`);
      }
      await new Promise<void>((resolve) => {
        this.#look = resolve;
        setTimeout(resolve, patienceMs).unref();
      });
    }
  }

  async close(): Promise<void> {
    if (this.#script.exitCode !== null) return;
    const closed = once(this.#script, 'close');
    this.#script.kill('SIGKILL');
    await closed;
  }
}
