/** How long the PINs are that a ceremony makes. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { pinLengthFault } from '../../../src/cli/ceremony/token-steps.js';
import { tokenStatus } from '../../../src/hsm/token.js';
import { writ } from '../command-line.js';
import { makeCeremonyHome, tokenTable } from './ceremony-home.js';

it('follows the plan, within what the token takes', async () => {
  const home = makeCeremonyHome();
  try {
    const [token] = await tokenStatus({ modulePath: home.modulePath, softhsmConf: home.softhsmConf });
    assert.deepEqual(token?.pinLength, { least: 4, most: 255 });
    const run = (text: string) =>
      writ(['provision', '--plan', home.plan(text)], { home: home.state, cwd: home.directory });
    const short = await run(`${tokenTable(home, 'token', 'main')}pin_length = 7\n`);
    assert.equal(short.exitCode, 2);
    const ended = await run(`${tokenTable(home, 'token', 'main')}pin_length = 9\n`);
    assert.equal(ended.exitCode, 0, ended.stderr);
    for (const whose of ['user', 'so'])
      assert.match(
        readFileSync(join(home.directory, 'pins', `main-${whose}.pin`), 'utf8'),
        /^[0-9a-f]{9}\n$/,
      );
  } finally {
    home.remove();
  }
});

it('is refused where the token would refuse it', () => {
  const slot = 'slot 1 ';
  assert.equal(pinLengthFault({ slot, pinLength: { least: 4, most: 8 } }, 8), null);
  assert.equal(pinLengthFault({ slot, pinLength: { least: 4, most: null } }, 64), null);
  assert.match(
    pinLengthFault({ slot, pinLength: { least: 4, most: 8 } }, 32) ?? '',
    /^the token in slot 1 takes PINs of 4 to 8 characters: .* instead of 32$/,
  );
  assert.match(pinLengthFault({ slot, pinLength: { least: 12, most: null } }, 8) ?? '', /at least 12/);
});
