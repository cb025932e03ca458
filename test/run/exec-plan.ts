/** Plans for the test-only launcher `writ-exec-plan`, which executes them as if they had been verified. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

/** A user without any powers, for what root would be allowed. Only root can become it. */
export const stranger = 65_534;
export const isRoot = process.getuid?.() === 0;

export interface Plan {
  /** A real path. */
  readonly executable: string;
  /** Default: the executable alone. */
  readonly arguments?: readonly (string | Buffer)[];
  readonly environment?: readonly (string | Buffer)[];
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** Real paths, in order. */
  readonly interpreters?: readonly string[];
  readonly descend?: 'any' | 'none' | readonly string[];
  readonly limits?: Readonly<Record<string, number>>;
  readonly confine?: 'tree' | 'best-effort';
  readonly acts?: readonly string[];
}

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Under {
  /** As whom to run everything; only for root. */
  readonly uid?: number;
  /** What stands before the launcher's command, to set something up for it. */
  readonly wrapper?: readonly string[];
}

/** A directory of its own that everybody can enter, with the launcher in it. */
export class LauncherHome {
  readonly directory = mkdtempSync('/tmp/writ-run-');
  readonly launcher = join(this.directory, 'writ-exec-plan');
  #plans = 0;

  constructor() {
    chmodSync(this.directory, 0o755);
    copyFileSync(join(checkout, 'native', 'build', 'Release', 'writ-exec-plan'), this.launcher);
    chmodSync(this.launcher, 0o755);
  }

  /** Writes an executable file and returns its path. */
  file(name: string, content: string | Buffer, mode = 0o755): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  }

  /** Copies a program of the system. */
  copy(program: string, name: string): string {
    return this.file(name, readFileSync(realpathSync(program)));
  }

  /** Writes a plan with the digests that the files have now. */
  plan(plan: Plan, { uid }: Under = {}): string {
    const own = uid ?? process.getuid?.() ?? -1;
    const gid = uid ?? process.getgid?.() ?? -1;
    const groups = uid === undefined ? supplementaryGroups() : [];
    const descend = plan.descend ?? 'any';
    const listed = typeof descend === 'string' ? [] : descend;
    const fields: (readonly [string, string | Buffer])[] = [
      ['executable', program(plan.executable)],
      ...(plan.arguments ?? [plan.executable]).map((text) => ['argument', text] as const),
      ...(plan.environment ?? ['PATH=/usr/bin:/bin']).map((text) => ['environment', text] as const),
      ['cwd', plan.cwd ?? this.directory],
      ['uid', String(plan.uid ?? own)],
      ['gid', String(plan.gid ?? gid)],
      ...(plan.groups ?? groups).map((group) => ['group', String(group)] as const),
      ...(plan.interpreters ?? []).map(
        (path) => ['interpreter', `${sha3(readFileSync(path))} ${path}`] as const,
      ),
      ['descend', typeof descend === 'string' ? descend : 'listed'],
      ...listed.map((path) => ['listed', program(path)] as const),
      ...Object.entries(plan.limits ?? {}).map(([name, value]) => ['limit', `${name}=${value}`] as const),
      ['confine', plan.confine ?? 'tree'],
      ...(plan.acts ?? []).map((act) => ['act', act] as const),
    ];
    const nul = Buffer.of(0);
    const bytes = fields.flatMap(([name, value]) => [Buffer.from(name), nul, Buffer.from(value), nul]);
    return this.file(`plan-${this.#plans++}`, Buffer.concat(bytes), 0o644);
  }

  start(planFile: string, under: Under = {}): ChildProcessByStdio<null, Readable, Readable> {
    return this.bare([this.launcher, planFile], under);
  }

  /** Starts a command as the launcher is started. */
  bare(
    words: readonly string[],
    { uid, wrapper = [] }: Under = {},
  ): ChildProcessByStdio<null, Readable, Readable> {
    const asUser =
      uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
    const [command = '', ...args] = [...asUser, ...wrapper, ...words];
    return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory });
  }

  async run(plan: Plan, under: Under = {}): Promise<Run> {
    return await ended(this.start(this.plan(plan, under), under));
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A child's end, with all that it wrote. */
export async function ended(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Run> {
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString('utf8');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...texts };
}

/** Waits for the line that a child writes, and returns the words of its first match. */
export async function line(source: Readable, pattern: RegExp): Promise<RegExpMatchArray> {
  let text = '';
  for await (const chunk of source) {
    text += (chunk as Buffer).toString('utf8');
    const match = text.match(pattern);
    if (match !== null) return match;
  }
  throw new Error(`never written: ${pattern}; only: ${text}`);
}

/** Waits until a process has ended, or is only a zombie. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((next) => setTimeout(next, 5));
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** As the kernel has them: Node adds the process's own group. */
function supplementaryGroups(): readonly number[] {
  const line = /^Groups:(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return line
    .split(' ')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(Number);
}

function program(path: string): string {
  const bytes = readFileSync(path);
  return `${sha3(bytes)} ${hex('blake2b512', bytes)} ${hex('sha256', bytes)} ${path}`;
}

function sha3(bytes: Buffer): string {
  return hex('sha3-512', bytes);
}

function hex(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
