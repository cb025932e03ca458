import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogDamageError } from '../../src/log/damage.js';
import { TileDirectory } from '../../src/log/tile-directory.js';
import { grantSubmission, openLog, SoftwareSigner, temporaryDirectory } from './software-log.js';

test('a published tile that is missing is damage of the log, not a fault of the daemon', async () => {
  const directory = await temporaryDirectory();
  const { log } = await openLog(directory.path, new SoftwareSigner());
  await Promise.all(Array.from({ length: 256 }, () => log.append(grantSubmission())));
  await log.close();
  const tiles = new TileDirectory(join(directory.path, 'log'));
  assert.equal(tiles.readFullTile(0, 0).length, 256 * 32);
  await rm(join(directory.path, 'log', 'tile', '0', '000'));
  assert.throws(
    () => tiles.readFullTile(0, 0),
    (error: Error) => {
      assert.ok(error instanceof LogDamageError);
      assert.match(error.message, /tile\/0\/000 cannot be read: ENOENT.*restore it from a backup$/);
      return true;
    },
  );
  await directory.remove();
});
