/**
 * Load for ssh-agent in a process of its own, as lean as the generator for the daemon: each connection keeps so many
 * signature requests in flight; one signature in 512 is verified after the round.
 */

import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  firstIdentity,
  identitiesRequest,
  isSignature,
  publicKeyOf,
  signatureOf,
  signRequestOf,
} from './agent-protocol.js';
import type { AgentOrder, AgentReply } from './ssh-agent.js';

const dataBytes = 32;
const sampleOneIn = 512;
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
/** DER before the 32 bytes of an Ed25519 public key (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** So many answers to each place in flight make a rate; a round waits for them, this many times its time at most. */
const leastTurns = 2;
const mostTimes = 6;

interface Round {
  /** All of them, and those within the window. */
  signatures: number;
  counted: number;
  outstanding: number;
  readonly windowStartMs: number;
  windowEndMs: number;
  readonly enough: { readonly signatures: number; readonly byMs: number };
  readonly samples: { readonly data: Buffer; readonly message: Buffer }[];
  readonly settle: { readonly resolve: () => void; readonly reject: (cause: Error) => void };
}

interface Line {
  readonly socket: Socket;
  readonly data: Buffer;
  /** Requests for the depth of the round, one after the other. */
  requests: Buffer;
  requestBytes: number;
  /** What came of a message that is not complete yet. */
  rest: Buffer;
}

const lines: Line[] = [];
let keyBlob: Buffer | null = null;
let round: Round | null = null;

async function open(socketPath: string): Promise<Line> {
  const data = randomBytes(dataBytes);
  const socket = connect({
    path: socketPath,
    onread: {
      buffer: readBuffer,
      callback: (sizeBytes) => {
        take(line, readBuffer.subarray(0, sizeBytes));
        return true;
      },
    },
  });
  const line: Line = { socket, data, requests: Buffer.alloc(0), requestBytes: 0, rest: Buffer.alloc(0) };
  await once(socket, 'connect');
  for (const event of ['error', 'close'])
    socket.on(event, () => round?.settle.reject(new Error('ssh-agent closed a connection')));
  return line;
}

async function askForKey(socketPath: string): Promise<Buffer> {
  const socket = connect(socketPath);
  socket.write(identitiesRequest);
  const [answer]: Buffer[] = await once(socket, 'data');
  socket.destroy();
  if (answer === undefined) throw new Error('ssh-agent did not answer');
  return Buffer.from(firstIdentity(answer.subarray(4)));
}

/** Counts the signatures in what came, and asks for as many. */
function take(line: Line, chunk: Buffer): void {
  const running = round;
  if (running === null) return;
  const bytes = line.rest.length === 0 ? chunk : Buffer.concat([line.rest, chunk]);
  let at = 0;
  let count = 0;
  while (bytes.length - at >= 5) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    if (!isSignature(bytes[at + 4])) running.settle.reject(new Error('ssh-agent refused to sign'));
    if ((running.signatures + count) % sampleOneIn === 0)
      running.samples.push({ data: line.data, message: Buffer.from(bytes.subarray(at + 4, end)) });
    count += 1;
    at = end;
  }
  line.rest = Buffer.from(bytes.subarray(at));
  note(running, count, performance.now());
  if (performance.now() < running.windowEndMs) send(line, count);
  else if (running.outstanding === 0) running.settle.resolve();
}

function note(running: Round, count: number, nowMs: number): void {
  running.outstanding -= count;
  running.signatures += count;
  const { signatures, byMs } = running.enough;
  // As for the daemon: the window takes in what is being read, and ends right behind it.
  if (nowMs >= running.windowEndMs && running.counted < signatures && nowMs < byMs)
    running.windowEndMs = nowMs + Number.EPSILON * nowMs;
  if (nowMs >= running.windowStartMs && nowMs < running.windowEndMs) running.counted += count;
}

function send(line: Line, count: number): void {
  if (round === null || count === 0) return;
  round.outstanding += count;
  line.socket.write(line.requests.subarray(0, count * line.requestBytes));
}

async function run(order: Extract<AgentOrder, { order: 'run' }>): Promise<AgentReply> {
  keyBlob ??= await askForKey(order.socketPath);
  while (lines.length < order.connections) lines.push(await open(order.socketPath));
  const blob = keyBlob;
  const cpuBefore = process.cpuUsage();
  const windowStartMs = performance.now() + order.warmUpMs;
  await new Promise<void>((resolve, reject) => {
    round = {
      signatures: 0,
      counted: 0,
      outstanding: 0,
      windowStartMs,
      windowEndMs: windowStartMs + order.durationMs,
      enough: {
        signatures: leastTurns * order.connections * order.inFlight,
        byMs: windowStartMs + mostTimes * order.durationMs,
      },
      samples: [],
      settle: { resolve, reject },
    };
    for (const line of lines.slice(0, order.connections)) {
      const request = signRequestOf(blob, line.data);
      line.requests = Buffer.concat(Array.from({ length: order.inFlight }, () => request));
      line.requestBytes = request.length;
      send(line, order.inFlight);
    }
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const { signatures, counted, windowEndMs, samples } = finished();
  const spki = Buffer.concat([spkiPrefix, publicKeyOf(blob)]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const good = samples.every(({ data, message }) => verify(null, data, key, signatureOf(message)));
  if (!good) throw new Error('a signature of ssh-agent does not verify');
  return {
    reply: 'result',
    perSecond: (counted * 1000) / (windowEndMs - windowStartMs),
    signatures,
    verified: samples.length,
    cpuUs: user + system,
  };
}

/** The round that is over. */
function finished(): Round {
  if (round === null) throw new Error('no round was run');
  const over = round;
  round = null;
  return over;
}

process.on('message', (order: AgentOrder) => {
  run(order)
    .catch((cause: unknown): AgentReply => ({ reply: 'failed', reason: String(cause) }))
    .then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit());
