/**
 * Stands between a client and a swtpm and answers some commands itself, with a response code of the test's choice: swtpm never
 * says "not now", real chips do. A process of its own, because the addon's calls block this one.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Swtpm } from './swtpm-home.js';

export interface Refusals {
  /** The response code, such as 0x922 (TPM_RC_RETRY). */
  readonly rc: number;
  /** How many commands get it before the TPM is asked again. */
  readonly times: number;
  /** The command that gets it (TPM_CC); any, if absent. */
  readonly command?: number;
}

export interface RefusingProxy {
  readonly tcti: string;
  /** Replaces what is left of the refusals. */
  refuse(refusals: Refusals): Promise<void>;
  close(): Promise<void>;
}

export async function startRefusingProxy(machine: Swtpm, refusals: Refusals): Promise<RefusingProxy> {
  const socket = `${machine.socket}-proxy`;
  const child = fork(fileURLToPath(import.meta.url), [machine.socket, socket]);
  const refuse = async (next: Refusals) => {
    child.send(next);
    await once(child, 'message');
  };
  await once(child, 'message');
  await refuse(refusals);
  return { tcti: `swtpm:path=${socket}`, refuse, close: () => end(child, socket) };
}

async function end(child: ChildProcess, socket: string): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const path of [socket, `${socket}.ctrl`]) rmSync(path, { force: true });
}

/** Commands come one at a time: 2 bytes of tag, 4 of size, 4 of command code (Part 1, section 18). */
function serve(target: string, socket: string): void {
  const state: { refusals: Refusals } = { refusals: { rc: 0, times: 0 } };
  process.on('message', (message: Refusals) => {
    state.refusals = message;
    process.send?.('set');
  });
  // What clients say there (CMD_SET_LOCALITY) the TPM need not know; the answer is a result of four bytes.
  const control = createServer((client) => {
    client.on('data', () => client.write(Buffer.alloc(4)));
    client.on('error', () => client.destroy());
  });
  const data = createServer((client) => {
    let received = Buffer.alloc(0);
    // Connected late: tpm2-tss makes a connection for each command, and those without one would fill swtpm's backlog.
    let tpm: Socket | null = null;
    client.on('error', () => client.destroy());
    client.on('close', () => tpm?.destroy());
    client.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      if (received.length < 10 || received.length < received.readUInt32BE(2)) return;
      const command = received;
      received = Buffer.alloc(0);
      const { rc, times, command: only } = state.refusals;
      if (times > 0 && (only === undefined || only === command.readUInt32BE(6))) {
        state.refusals = { ...state.refusals, times: times - 1 };
        const answer = Buffer.from('80010000000a00000000', 'hex');
        answer.writeUInt32BE(rc, 6);
        client.write(answer);
      } else {
        tpm ??= connectTo(target, client);
        tpm.write(command);
      }
    });
  });
  control.listen(`${socket}.ctrl`, () => data.listen(socket, () => process.send?.('ready')));
}

function connectTo(target: string, client: Socket): Socket {
  const tpm = connect(target);
  tpm.on('data', (answer) => client.write(answer));
  tpm.on('error', () => client.destroy());
  tpm.on('close', () => client.destroy());
  return tpm;
}

const [, program = '', target, socket] = process.argv;
if (program === fileURLToPath(import.meta.url) && target !== undefined && socket !== undefined)
  serve(target, socket);
