/**
 * A TPM as other people's tools drive it: a real swtpm of its own and tpm2-tools. What is read and judged here was
 * marshalled and signed by neither of our own parts. Each instance is another machine.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PcrValue } from '../../src/format/quote.js';

/** The owner's hierarchy hides the TPM's counts from those who read quotes; that of the endorsement shows them. */
export type Hierarchy = 'owner' | 'endorsement';

export interface ToolKey {
  /** Hex. */
  readonly name: string;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  /** Persistent handle. */
  readonly handle: string;
}

export interface ToolQuote {
  readonly attest: Uint8Array;
  readonly signature: Uint8Array;
  readonly pcrs: readonly PcrValue[];
}

const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';

export class ToolTpm {
  /** Short, because it holds a socket. */
  readonly directory = mkdtempSync('/tmp/writ-tt-');
  #process: ChildProcess | null = null;
  #keys = 0;

  static async start(): Promise<ToolTpm> {
    const tpm = new ToolTpm();
    mkdirSync(tpm.#path('state'));
    await tpm.#power();
    return tpm;
  }

  /** An orderly shutdown and a new start, which the TPM counts as a reset. Its keys remain. */
  async reboot(): Promise<void> {
    this.tool('shutdown', '-c');
    await this.#halt();
    await this.#power();
  }

  async stop(): Promise<void> {
    await this.#halt();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A persistent restricted ECDSA P-256 key, or one with other attributes or of another algorithm. */
  createKey(hierarchy: Hierarchy = 'owner', kind = 'ecc:ecdsa-sha256:null', allowed = attributes): ToolKey {
    const number = ++this.#keys;
    const handle = `0x8101000${number}`;
    const [parent, open, secret, loaded] = ['parent', 'public', 'private', 'loaded'] as const;
    this.tool('createprimary', '-C', hierarchy === 'owner' ? 'o' : 'e', '-G', 'ecc', '-c', parent);
    this.tool('create', '-C', parent, '-G', kind, '-u', open, '-r', secret, '-a', allowed);
    this.tool('load', '-C', parent, '-u', open, '-r', secret, '-c', loaded);
    this.tool('evictcontrol', '-C', 'o', '-c', loaded, handle);
    this.tool('readpublic', '-c', handle, '-f', 'tpmt', '-o', 'tpmt', '-n', 'name');
    return { name: this.#read('name').toString('hex'), publicArea: this.#bytes('tpmt'), handle };
  }

  quote({ handle }: ToolKey, qualifyingData: Uint8Array, pcrs: readonly number[]): ToolQuote {
    const data = Buffer.from(qualifyingData).toString('hex');
    const selection = `sha256:${pcrs.join(',')}`;
    this.tool(
      'quote',
      '-c',
      handle,
      '-l',
      selection,
      '-q',
      data,
      '-g',
      'sha256',
      '-m',
      'attest',
      '-s',
      'sig',
    );
    return { attest: this.#bytes('attest'), signature: this.#bytes('sig'), pcrs: this.readPcrs(pcrs) };
  }

  readPcrs(pcrs: readonly number[]): PcrValue[] {
    this.tool('pcrread', `sha256:${pcrs.join(',')}`, '-o', 'pcrs');
    const values = this.#read('pcrs').toString('hex').match(/.{64}/g) ?? [];
    return pcrs.map((index, at) => ({ index, value: values[at] ?? '' }));
  }

  /** `digest` in hex. */
  extend(pcr: number, digest: string): void {
    this.tool('pcrextend', `${pcr}:sha256=${digest}`);
  }

  /** Runs one of tpm2-tools, and then frees the TPM's few slots. Returns what it printed. */
  tool(name: string, ...args: readonly string[]): string {
    const printed = this.#run(name, args);
    this.#run('flushcontext', ['-t']);
    return printed;
  }

  #run(name: string, args: readonly string[]): string {
    return execFileSync(`tpm2_${name}`, args, {
      cwd: this.directory,
      env: { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${this.#path('s')}` },
      encoding: 'utf8',
      timeout: 30_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async #power(): Promise<void> {
    const child = spawn(
      'swtpm',
      [
        ...['socket', '--tpm2', '--tpmstate', `dir=${this.#path('state')}`],
        ...['--server', `type=unixio,path=${this.#path('s')}`],
        ...['--ctrl', `type=unixio,path=${this.#path('s.ctrl')}`],
        ...['--flags', 'not-need-init,startup-clear'],
      ],
      { stdio: 'ignore' },
    );
    await once(child, 'spawn');
    this.#process = child;
    while (!existsSync(this.#path('s.ctrl')) || !existsSync(this.#path('s'))) {
      if (child.exitCode !== null) throw new Error(`swtpm ended with code ${child.exitCode}`);
      await delay(5);
    }
  }

  async #halt(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    for (const socket of ['s', 's.ctrl']) rmSync(this.#path(socket), { force: true });
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  #read(name: string): Buffer {
    return readFileSync(this.#path(name));
  }

  #bytes(name: string): Uint8Array {
    return new Uint8Array(this.#read(name));
  }
}
