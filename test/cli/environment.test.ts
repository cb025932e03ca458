/** `writ environment` against a real daemon: what is shown, what a change looks like, and what the owner accepts. */

import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readReference } from '../../src/environment/reference.js';
import { base64Encode } from '../../src/format/base64.js';
import { replayEventLog } from '../../src/format/event-log-replay.js';
import type { EnvironmentResult } from '../../src/format/protocol.js';
import type { QuoteRecord } from '../../src/format/quote.js';
import { encodeRecord, recordPayloadType } from '../../src/format/record.js';
import { type RunningDaemon, removeState, startDaemon } from '../daemon/running-daemon.js';
import { boot, logBytes, sha1Only, text, types } from '../format/event-log-writer.js';
import { type Ended, writ } from './command-line.js';

let daemon: RunningDaemon;
let work: string;

const run = (...words: readonly string[]): Promise<Ended> =>
  writ(['environment', ...words], { home: daemon.stateDirectory, cwd: work });
const inWork = (name: string) => join(work, name);
const referenceFile = () => join(daemon.stateDirectory, 'environment.json');

describe('writ environment', { timeout: 120_000 }, () => {
  before(async () => {
    daemon = await startDaemon();
    work = daemon.stateDirectory;
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('show names each binding with its source, and why the rest is missing', async () => {
    const { exitCode, stdout } = await run('show', '--json');
    assert.equal(exitCode, 0);
    const shown: EnvironmentResult = JSON.parse(stdout);
    const bound = (name: string) => shown.bindings.find((binding) => binding.name === name)?.bound;
    assert.equal(bound('kernel'), true);
    assert.equal(bound('caller.cwd'), false);
    assert.equal(shown.accepted, null);
    const lines = await run('show');
    for (const { name, source } of shown.bindings)
      assert.match(lines.stdout, new RegExp(`^  ${name.replaceAll('.', '\\.')} .*\\(${source}\\)$`, 'm'));
    for (const { name, reason } of shown.unavailable) {
      assert.ok(!shown.bindings.some((binding) => binding.name === name), name);
      assert.ok(lines.stdout.includes(reason), name);
    }
    assert.match(lines.stdout, /nothing of this machine was accepted/);
  });

  test('diff finds nothing changed since an artifact just issued, by file and by id', async () => {
    const issued = await writ(['authorize', '-o', 'artifact.json', '--json', '--', '/bin/echo', 'x'], {
      home: daemon.stateDirectory,
      cwd: work,
    });
    const { id } = JSON.parse(issued.stdout);
    for (const word of ['artifact.json', id]) {
      const same = await run('diff', word);
      assert.deepEqual([same.exitCode, same.stderr], [0, '']);
      assert.match(same.stdout, /nothing changed since the artifact was issued/);
    }
  });

  test('diff names what is not as it was in a saved document', async () => {
    const { stdout } = await run('show', '--json');
    const shown: EnvironmentResult = JSON.parse(stdout);
    const bindings = shown.bindings.map((binding) =>
      binding.name === 'kernel' || binding.name === 'caller.cwd' ? { ...binding, value: 'another' } : binding,
    );
    await writeFile(inWork('before.json'), JSON.stringify({ ...shown, bindings }));
    const changed = await run('diff', 'before.json', '--json');
    assert.equal(changed.exitCode, 1);
    const { changes } = JSON.parse(changed.stdout);
    assert.deepEqual(
      changes.map(({ name }: { readonly name: string }) => name),
      ['kernel'],
    );
    assert.equal(changes[0].before.value, 'another');
    assert.match((await run('diff', 'before.json')).stdout, /^ {2}- another \(kernel\)\n {2}\+ /m);
  });

  test('diff says what it needs', async () => {
    const nothing = await run('diff');
    assert.equal(nothing.exitCode, 3);
    assert.match(nothing.stderr, /nothing of this machine was accepted: run writ environment accept/);
    assert.equal((await run('diff', 'none.json')).exitCode, 2);
    await writeFile(inWork('other.json'), '{}');
    assert.equal((await run('diff', 'other.json')).exitCode, 2);
  });

  test('accept asks, and without anybody to ask changes nothing', async () => {
    const asked = await run('accept');
    assert.equal(asked.exitCode, 2);
    assert.match(asked.stderr, /there is nobody to ask: .* --yes/);
    await assert.rejects(stat(referenceFile()), { code: 'ENOENT' });
  });

  test('accept --yes writes what the daemon believes from then on, and diff compares with', async () => {
    const accepted = await run('accept', '--yes');
    assert.deepEqual([accepted.exitCode, accepted.stderr], [0, '']);
    const names = readReference(referenceFile())?.bindings.map(({ name }) => name) ?? [];
    assert.ok(names.includes('kernel') && !names.includes('boot'), names.join());
    assert.deepEqual((await run('diff')).exitCode, 0);
    const again = await run('accept', '--json');
    assert.deepEqual([again.exitCode, JSON.parse(again.stdout).outcome], [0, 'unchanged']);
  });

  test('after a change diff shows it, and accept takes it in', async () => {
    const reference = JSON.parse(await readFile(referenceFile(), 'utf8'));
    const older = reference.bindings.map((binding: { readonly name: string }) =>
      binding.name === 'kernel' ? { ...binding, value: 'the kernel before' } : binding,
    );
    await writeFile(referenceFile(), JSON.stringify({ ...reference, bindings: older }));
    let changed = await run('diff', '--json');
    for (let tries = 0; changed.exitCode === 0 && tries < 20; tries++) changed = await run('diff', '--json');
    assert.equal(changed.exitCode, 1);
    assert.deepEqual(
      JSON.parse(changed.stdout).changes.map(({ name }: { readonly name: string }) => name),
      ['kernel'],
    );
    const accepted = await run('accept', '--yes');
    assert.match(accepted.stdout, /^kernel\n {2}- the kernel before \(kernel\)\n {2}\+ .*\(kernel\)$/m);
  });

  test('a reference that others could have written is told, and replaced when it is accepted again', async () => {
    await chmod(referenceFile(), 0o666);
    const { exitCode, stderr } = await run('accept', '--yes');
    assert.equal(exitCode, 0);
    assert.match(stderr, /can be written by others than its owner/);
    assert.equal((await stat(referenceFile())).mode & 0o777, 0o644);
  });
});

describe('writ environment events (synthesised logs)', { timeout: 120_000 }, () => {
  const events = (...words: readonly string[]) =>
    writ(['environment', 'events', ...words], { home: work, cwd: work });

  before(async () => {
    daemon = await startDaemon();
    work = daemon.stateDirectory;
    await writeFile(inWork('boot.bin'), logBytes(boot));
  });
  after(async () => {
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  /** A file with the log entry of a quote of what this log ends at. */
  async function quoteOf(log: Uint8Array, name: string): Promise<void> {
    const quote: QuoteRecord = {
      type: 'urn:writ:quote:v1',
      time: '2026-01-01T00:00:00.000Z',
      log: 'writ.localhost/1',
      nonce: base64Encode(new Uint8Array(16)),
      checkpoint: 'a note',
      key: `000b${'0'.repeat(64)}`,
      attest: base64Encode(Uint8Array.of(1)),
      signature: base64Encode(Uint8Array.of(1)),
      pcrs: replayEventLog(log).pcrs,
    };
    const envelope = {
      payloadType: recordPayloadType,
      payload: base64Encode(encodeRecord(quote)),
      signatures: [{ sig: base64Encode(Uint8Array.of(1)) }],
    };
    await writeFile(inWork(name), JSON.stringify(envelope));
  }

  test('lists the events and what they lead to, and says that without a quote they prove nothing', async () => {
    const { exitCode, stdout, stderr } = await events('boot.bin');
    assert.equal(exitCode, 0);
    assert.match(stdout, /PCR {2}7 {2}EV_EFI_VARIABLE_DRIVER_CONFIG/);
    assert.match(stdout, /^ {2}PCR 8 +[0-9a-f]{64}$/m);
    assert.match(stderr, /proves nothing by itself/);
  });

  test('agrees with a quote of the same boot, and names the event that was not measured', async () => {
    await quoteOf(logBytes(boot), 'same.json');
    assert.equal((await events('boot.bin', '--quote', 'same.json')).exitCode, 0);
    await quoteOf(logBytes(boot.toSpliced(7, 1)), 'other.json');
    const other = await events('boot.bin', '--quote', 'other.json');
    assert.equal(other.exitCode, 1);
    assert.match(other.stdout, /PCR 4 {2}event 8 \(EV_EFI_BOOT_SERVICES_APPLICATION\) was not measured/);
    assert.match(other.stdout, /PCR 7 .*as quoted/);
  });

  test('shows what is measured otherwise than before', async () => {
    const changed = boot.with(9, { pcr: 8, type: types.ipl, data: text('linux /vmlinuz single') });
    await writeFile(inWork('now.bin'), logBytes(changed));
    const { exitCode, stdout } = await events('now.bin', '--before', 'boot.bin');
    assert.equal(exitCode, 1);
    assert.match(stdout, /^PCR 8 is measured otherwise\n {2}- .*EV_IPL {2}c3c3.*\n {2}\+ .*EV_IPL/m);
    assert.equal((await events('boot.bin', '--before', 'boot.bin')).exitCode, 0);
  });

  test('refuses what is no log, and says so where the kernel shows none', async () => {
    await writeFile(inWork('sha1.bin'), logBytes(boot, sha1Only));
    const sha1 = await events('sha1.bin');
    assert.equal(sha1.exitCode, 2);
    assert.match(sha1.stderr, /sha1\.bin cannot be replayed: .*SHA-256/);
    assert.equal((await events('none.bin')).exitCode, 2);
  });
});
