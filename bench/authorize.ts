/**
 * What sealing costs end to end: authorizations a second from a real daemon on a SoftHSM2 token, beside one token
 * signature for each request, as a signing service without a log would make. Same token, same run, alternated rounds.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { connect, type WritClient } from '../src/client/client.js';
import { readKeysFile } from '../src/hsm/keys-file.js';
import { openSigner } from '../src/hsm/process-signer.js';
import { echo } from '../test/daemon/requests.js';
import { copyState, removeState, startDaemon } from '../test/daemon/running-daemon.js';

const rounds = 5;
const roundMs = 1500;
const connections = 64;
const inFlight = 8;

/** How many times `work` completes in one round, a second, with `width` of it at a time. */
async function ratePerSecond(width: number, work: (lane: number) => Promise<void>): Promise<number> {
  const startMs = performance.now();
  let done = 0;
  const lane = async (number: number) => {
    while (performance.now() - startMs < roundMs) {
      await work(number);
      done++;
    }
  };
  await Promise.all(Array.from({ length: width }, (_, number) => lane(number)));
  return (done * 1000) / (performance.now() - startMs);
}

/** Measures and prints; the ratio is what counts, the rates are this machine's. */
export async function benchAuthorize(): Promise<void> {
  const daemon = await startDaemon();
  const tokenCopy = await copyState(daemon.stateDirectory);
  const signer = await openSigner({
    ...readKeysFile(join(tokenCopy, 'keys.json')),
    softhsmConf: join(daemon.stateDirectory, 'softhsm2', 'softhsm2.conf'),
    origin: 'bench.example/log',
    floor: null,
    callTimeoutMs: 5000,
    startTimeoutMs: 20_000,
    benchDelayMs: 0,
  });
  const clients = await Promise.all(
    Array.from({ length: connections }, () => connect({ socketPath: daemon.socketPath })),
  );
  const authorize = async (writ: WritClient, text: string) => {
    const answer = await writ.authorize({ action: echo(text) });
    if (answer.decision === 'deny') throw new Error(answer.denials[0].message);
  };
  let size = 0;
  const rates = { authorize: [] as number[], single: [] as number[], sign: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const sign = await ratePerSecond(1, async () => {
      const reply = await signer.signCheckpoint({
        origin: 'bench.example/log',
        size: ++size,
        root: new Uint8Array(32),
      });
      if (reply.outcome !== 'signed') throw new Error(`the token did not sign: ${reply.outcome}`);
    });
    const single = await ratePerSecond(1, () => authorize(clients[0] as WritClient, 'one'));
    const many = await ratePerSecond(connections * inFlight, (lane) =>
      authorize(clients[lane % connections] as WritClient, `${lane % 1000}`),
    );
    // The first round warms up.
    if (round > 0) {
      rates.sign.push(sign);
      rates.single.push(single);
      rates.authorize.push(many);
    }
  }
  await Promise.all(clients.map((client) => client.close()));
  await signer.close();
  await daemon.stop();
  await Promise.all([removeState(daemon.stateDirectory), removeState(tokenCopy)]);
  report(rates);
}

function report(rates: Readonly<Record<'authorize' | 'single' | 'sign', readonly number[]>>): void {
  const base = median(rates.sign);
  const row = (name: string, values: readonly number[]) => {
    const spread = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`;
    console.log(
      `${name.padEnd(58)} ${median(values).toFixed(0).padStart(7)}/s  (${spread})  ${(median(values) / base).toFixed(2)}x`,
    );
  };
  console.log('Authorizations, each durable, logged and sealed (medians of alternated rounds):');
  row('baseline: one signature of the token for each request', rates.sign);
  row('one client, one at a time', rates.single);
  row(`${connections} connections, ${inFlight} in flight on each`, rates.authorize);
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await benchAuthorize();
}
