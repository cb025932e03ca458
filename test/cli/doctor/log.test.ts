import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { checkClock, checkLog } from '../../../src/cli/doctor/log.js';
import { parseInstant } from '../../../src/format/time.js';
import { removeState, startDaemon } from '../../daemon/running-daemon.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

let written: string;
let home: string;
const log = async (fullLog = false) => checkLog(await deploymentAt(home, { options: { fullLog } }));
const journal = () => join(home, 'journal', readdirSync(join(home, 'journal'))[0] ?? '');

describe('the log of a daemon that was stopped', { timeout: 120_000 }, () => {
  before(async () => {
    const daemon = await startDaemon();
    written = daemon.stateDirectory;
    assert.equal(await daemon.stop(), 0);
  });
  after(() => removeState(written));
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
    cpSync(written, home, { recursive: true });
  });
  afterEach(() => rmSync(home, { recursive: true }));

  test('is sound at its end, and as a whole', async () => {
    assert.match(textOf(await log(), 'ok'), /^5 entries, 5 sealed, 5 published; the newest seal is signed/);
    assert.match(textOf(await log(true), 'ok'), /^whole: 5 entries recomputed/);
  });

  test('fails when sealed entries are missing', async () => {
    truncateSync(journal(), 1000);
    assert.match(
      textOf(await log(), 'failed'),
      /damaged \(journal\): it ends at entry \d, but 5 are published/,
    );
  });

  test('is warned of when its last write was torn', async () => {
    appendFileSync(journal(), 'torn');
    assert.match(
      textOf(await log(), 'warning'),
      /the last write, 4 bytes, was torn -> Nothing: writd cuts it off/,
    );
  });

  test('fails when another key signed what is published', async () => {
    const keys = JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8'));
    keys.keys.log = keys.keys.artifact;
    writeFileSync(join(home, 'keys.json'), JSON.stringify(keys));
    assert.match(
      textOf(await log(), 'failed'),
      /\(the published checkpoint\): the pinned log key did not sign it/,
    );
  });

  test('may end with a key that handed over, at the tree head that it handed over with', async () => {
    const [, size, root] = readFileSync(join(home, 'log', 'checkpoint'), 'utf8').split('\n');
    const keysFile = readFileSync(join(home, 'keys.json'), 'utf8');
    const handedOver = (final: { readonly size: number; readonly root: string | undefined }) => {
      const pins = JSON.parse(keysFile);
      const retired = [{ role: 'log', ...pins.keys.log, final }];
      const keys = { ...pins.keys, log: pins.keys.artifact };
      writeFileSync(join(home, 'keys.json'), JSON.stringify({ ...pins, keys, retired }));
    };
    handedOver({ size: Number(size), root });
    assert.deepEqual(outcomesOf(await log(), 'log'), ['ok']);
    handedOver({ size: Number(size) + 1, root });
    assert.match(textOf(await log(), 'failed'), /it ends at entry 5, but a retired key handed over 6/);
    handedOver({ size: Number(size) - 1, root });
    assert.match(textOf(await log(), 'failed'), /a retired log key signed it, later than/);
    handedOver({ size: Number(size), root: Buffer.alloc(32).toString('base64') });
    assert.match(textOf(await log(), 'failed'), /it is not the tree head that a retired log key handed over/);
  });

  test('fails as a whole for a change that its end does not show', async () => {
    const bundle = join(home, 'log', 'tile', 'entries', '000.p', '5');
    const bytes = readFileSync(bundle);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
    assert.deepEqual(outcomesOf(await log(), 'log'), ['ok']);
    assert.match(textOf(await log(true), 'failed'), /the log is damaged/);
  });

  test('is skipped before the first start, and fails when it is lost afterwards', async () => {
    rmSync(join(home, 'journal'), { recursive: true });
    assert.match(
      textOf(await log(), 'failed'),
      /damaged \(journal\): it is missing, but 5 entries are published/,
    );
    rmSync(join(home, 'log'), { recursive: true });
    assert.match(textOf(await log(), 'failed'), /daemon\.json names a log, but its journal is missing/);
    rmSync(join(home, 'daemon.json'));
    assert.match(textOf(await log(), 'skipped'), /there is no log yet/);
    writeFileSync(join(home, 'journal'), '');
    assert.match(textOf(await log(), 'failed'), /the log cannot be read: ENOTDIR/);
  });

  test('is what the clock may not be behind', async () => {
    const deployment = await deploymentAt(home);
    assert.equal(deployment.log.end, 'sound');
    const last = deployment.log.end === 'sound' ? (deployment.log.lastTimeMs ?? 0) : 0;
    assert.ok(last > parseInstant('2020-01-01T00:00:00.000Z'));
    const at = (nowMs: number, synchronised: boolean | null) =>
      checkClock(deployment, { nowMs, synchronised });
    assert.match(textOf(at(last - 999, true), 'ok'), /, synchronised, not behind the log/);
    assert.match(
      textOf(at(last - 2000, true), 'failed'),
      /but the log already reached .* -> Correct the clock/,
    );
    assert.match(
      textOf(at(last, false), 'warning'),
      /does not take its clock for synchronised -> Run a time/,
    );
    assert.deepEqual(outcomesOf(at(last, null), 'clock'), ['skipped']);
    assert.equal(checkClock(deployment).length, 1);
  });
});
