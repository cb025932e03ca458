/** Processes that ask a daemon from places that a test chooses: inside of runs, hidden in them, or outside (asker.py). */

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { GrantResult } from '../../../src/format/protocol.js';
import { projectRoot } from '../../../src/state/locations.js';

export type Handing = readonly ['give' | 'take', string];

export class Askers {
  readonly #socketPath: string;
  readonly #directory: string;
  readonly #script: string;
  readonly #outside: ChildProcess[] = [];

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#directory = mkdtempSync(join(tmpdir(), 'writ-ask-'));
    // Runs of other users write their answers there too.
    chmodSync(this.#directory, 0o777);
    this.#script = join(this.#directory, 'asker.py');
    copyFileSync(join(projectRoot, 'test', 'daemon', 'lineage', 'asker.py'), this.#script);
    chmodSync(this.#script, 0o644);
  }

  /** Where one asker hands its connection to another. */
  handover(name: string): string {
    return join(this.#directory, `${name}.sock`);
  }

  /** The words of a shell that start one. */
  command(name: string, handing: Handing | null = null): string {
    return ['python3', this.#script, this.#socketPath, this.#directory, name, ...(handing ?? [])].join(' ');
  }

  /** Starts one outside of every run. */
  outside(name: string, handing: Handing | null = null): ChildProcess {
    const child = spawn('sh', ['-c', `exec ${this.command(name, handing)}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#outside.push(child);
    return child;
  }

  async ask(name: string, method: string, params: unknown): Promise<GrantResult> {
    const place = (suffix: string) => join(this.#directory, `${name}.${suffix}`);
    await thereIs(place('ready'));
    writeFileSync(place('asking'), JSON.stringify([{ method, params }]), { mode: 0o666 });
    renameSync(place('asking'), place('ask'));
    await thereIs(place('answer'));
    const [result] = JSON.parse(readFileSync(place('answer'), 'utf8')) as [GrantResult];
    rmSync(place('answer'));
    return result;
  }

  close(): void {
    for (const child of this.#outside) child.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Settles when the file is there; whoever waits bounds it. */
async function thereIs(path: string): Promise<void> {
  while (!existsSync(path)) await pause(5);
}
