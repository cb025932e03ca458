/** One Ed25519 signature and one verification: by the token, by node:crypto, by @noble/ed25519. */

import { generateKeyPairSync, sign as nodeSign, verify as nodeVerify } from 'node:crypto';
import { hashes, sign as nobleSign, verify as nobleVerify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { verifyingKey } from '../../src/verify/ed25519.js';
import { prepareState, removeState } from '../../test/daemon/running-daemon.js';
import { type MicroTask, measureTasks } from '../micro.js';
import { startTokenLoop } from '../peers/pkcs11.js';
import type { Row, Section } from '../report/model.js';
import { spreadOf } from '../report/spread.js';
import { type Defer, scoped } from '../scope.js';
import { comparison } from './common.js';

/** About what a checkpoint's text has. */
const messageBytes = 96;

export function ed25519(quick: boolean): Promise<Section> {
  return scoped((defer) => measure(defer, quick));
}

async function measure(defer: Defer, quick: boolean): Promise<Section> {
  const rounds = quick ? 3 : 9;
  const taskMs = quick ? 20 : 200;
  const stateDirectory = await prepareState();
  defer(() => removeState(stateDirectory));
  const token = await startTokenLoop(stateDirectory, defer);
  const tasks = tasksOf();
  const [nodeSignUs = [], nobleSignUs = [], nodeVerifyUs = [], nobleVerifyUs = [], ownVerifyUs = []] =
    await measureTasks(tasks, { rounds, taskMs });
  const tokenUs: number[] = [];
  while (tokenUs.length < rounds) tokenUs.push((await token.run(taskMs)).medianUs);
  const row = (
    name: string,
    us: readonly number[],
    baseline: string,
    baselineUs: readonly number[],
  ): Row => ({
    name,
    unit: 'us',
    figure: spreadOf(us),
    comparisons: us === baselineUs ? [] : [comparison(us, baseline, baselineUs, null)],
    notes: [],
    details: {},
  });
  return {
    name: 'ed25519',
    title: `one signature and one verification over ${messageBytes} bytes`,
    method: ['Time a call, in one thread; the token by C_SignInit + C_Sign in a process of its own.'],
    rows: [
      row('sign, node:crypto', nodeSignUs, '', nodeSignUs),
      row('sign, token', tokenUs, 'node:crypto', nodeSignUs),
      row('sign, @noble/ed25519', nobleSignUs, 'node:crypto', nodeSignUs),
      row('verify, node:crypto', nodeVerifyUs, '', nodeVerifyUs),
      row("verify, Writ's rule over node:crypto", ownVerifyUs, 'node:crypto', nodeVerifyUs),
      row('verify, @noble/ed25519', nobleVerifyUs, 'node:crypto', nodeVerifyUs),
    ],
    plots: [],
    remarks: [],
    faults: [],
  };
}

function tasksOf(): MicroTask[] {
  // noble's synchronous functions ask for a digest to be given.
  hashes.sha512 = sha512;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const seed = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const message = new Uint8Array(messageBytes).fill(7);
  const signature = new Uint8Array(nodeSign(null, message, privateKey));
  const own = verifyingKey(raw);
  const proven = (valid: boolean): void => {
    if (!valid) throw new Error('a right signature did not verify');
  };
  return [
    { name: 'node sign', run: () => nodeSign(null, message, privateKey) },
    { name: 'noble sign', run: () => nobleSign(message, seed) },
    { name: 'node verify', run: () => proven(nodeVerify(null, message, publicKey, signature)) },
    { name: 'noble verify', run: () => proven(nobleVerify(signature, message, raw)) },
    { name: 'own verify', run: () => proven(own.verify(message, signature)) },
  ];
}
