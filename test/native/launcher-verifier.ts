/** The launcher's verifier, as a process that answers questions: `native/run/checks/verdicts.cc`. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { RequestedAction } from '../../src/format/action.js';
import type { JsonValue } from '../../src/format/strict-json.js';
import type { TrustDocument } from '../../src/format/trust.js';

const program = fileURLToPath(new URL('../../../native/build/Release/writ-run-verdicts', import.meta.url));

export class LauncherVerifier {
  readonly #child: ChildProcessByStdio<Writable, Readable, null> = spawn(program, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  readonly #lines: Interface = createInterface(this.#child.stdout);
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #ended: Promise<number | null>;

  constructor() {
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        for (const answer of this.#waiting.splice(0)) answer(`"the verifier ended: ${code ?? signal}"`);
        resolve(code);
      });
    });
  }

  /** The denial codes of an artifact that is presented for an action at a time; none when it is valid. */
  verdict(
    trust: TrustDocument,
    artifact: unknown,
    nowMs: number,
    action: RequestedAction,
  ): Promise<readonly string[]> {
    return this.#ask({ trust, artifact, nowMs, action }) as Promise<readonly string[]>;
  }

  /** The same of a receipt, for an artifact's id and a nonce. */
  receipt(trust: TrustDocument, receipt: unknown, id: string, nonce: string): Promise<readonly string[]> {
    return this.#ask({ trust, receipt, id, nonce }) as Promise<readonly string[]>;
  }

  /** What the launcher reads from bytes that shall be JSON, or null. */
  async json(bytes: Uint8Array): Promise<{ readonly document: JsonValue } | null> {
    const answer = await this.#ask({ json: Buffer.from(bytes).toString('base64') });
    return answer as { document: JsonValue } | null;
  }

  /** Ends the process; settles with its exit code. */
  close(): Promise<number | null> {
    this.#child.stdin.end();
    return this.#ended;
  }

  async #ask(question: object): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await new Promise<string>((resolve) => this.#waiting.push(resolve));
    return JSON.parse(line);
  }
}
