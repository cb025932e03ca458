/** The pinned bundle after hand-overs, of which one was given up: by a software log key, on real files. */

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { removeUnfinished } from '../../src/daemon/hand-over-files.js';
import { updateTrustFile } from '../../src/daemon/trust-succession.js';
import { base64Encode } from '../../src/format/base64.js';
import type { Envelope } from '../../src/format/dsse.js';
import type { KeyRecord } from '../../src/format/key-record.js';
import { formatVerifierKey } from '../../src/format/note.js';
import { type KeySuccession, noSuccession } from '../../src/hsm/succession.js';
import { authenticate } from '../../src/verify/authenticate.js';
import { nonce, origin, TestLog } from '../verify/sealed-artifact.js';

const log = new TestLog();
const abandoned = new TestLog();
const successor = new TestLog();
const givenUp = handOverTo(abandoned);
const done = handOverTo(successor);

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'writ-trust-'));
  await mkdir(join(state, 'hand-over'));
  const logs = [{ origin, vkey: formatVerifierKey(log.key), retired: null }];
  const trust = { type: 'urn:writ:trust:v1', logs, artifactKeys: [] };
  await writeFile(join(state, 'trust.json'), JSON.stringify(trust));
});
afterEach(() => rm(state, { recursive: true, force: true }));

/** The entry that names the key which follows. */
function handOverTo({ key }: TestLog): Envelope {
  const record: KeyRecord = {
    type: 'urn:writ:key:v1',
    time: '2026-01-01T00:00:00.000Z',
    log: origin,
    nonce,
    event: 'use',
    role: 'log',
    publicKey: base64Encode(key.publicKey),
  };
  return log.sealRecord(record);
}

function headOf(envelope: Envelope): { readonly size: number; readonly root: Uint8Array } {
  const result = authenticate(envelope, log.trust);
  assert.ok(result.outcome === 'authentic');
  return result.authentic.checkpoint;
}

function retiredAt(envelope: Envelope): KeySuccession {
  const { size, root } = headOf(envelope);
  const final = { size, root };
  return { ...noSuccession, retired: [{ role: 'log', id: '01', publicKey: log.key.publicKey, final }] };
}

async function lay(...envelopes: readonly Envelope[]): Promise<void> {
  for (const [position, envelope] of envelopes.entries())
    await writeFile(join(state, 'hand-over', `000${position}.json`), `${JSON.stringify(envelope)}\n`);
}

async function pinnedLogs(): Promise<unknown> {
  return JSON.parse(await readFile(join(state, 'trust.json'), 'utf8')).logs;
}

function logsAfter(envelope: Envelope, { key }: TestLog): unknown {
  const { size, root } = headOf(envelope);
  return [
    { origin, vkey: formatVerifierKey(log.key), retired: { size, root: base64Encode(root) } },
    { origin, vkey: formatVerifierKey(key), retired: null },
  ];
}

test('a hand-over that was done is taken into the pinned bundle', async () => {
  await lay(done);
  await updateTrustFile(state, origin, retiredAt(done));
  assert.deepEqual(await pinnedLogs(), logsAfter(done, successor));
});

test('one that was given up before is not, and does not hide the one that was done', async () => {
  await lay(givenUp, done);
  await updateTrustFile(state, origin, retiredAt(done));
  assert.deepEqual(await pinnedLogs(), logsAfter(done, successor));
});

test('nor does one that was given up behind it add a key', async () => {
  await lay(done, givenUp);
  await updateTrustFile(state, origin, retiredAt(done));
  assert.deepEqual(await pinnedLogs(), logsAfter(done, successor));
});

test('the next hand-over removes what was given up, and nothing else', async () => {
  await lay(givenUp, done);
  await removeUnfinished(state, retiredAt(done));
  assert.deepEqual(await readdir(join(state, 'hand-over')), ['0001.json']);
  await removeUnfinished(state, noSuccession);
  assert.deepEqual(await readdir(join(state, 'hand-over')), []);
});
