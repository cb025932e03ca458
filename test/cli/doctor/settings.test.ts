import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Deployment } from '../../../src/cli/doctor/deployment.js';
import { checkConfiguration, checkPolicy } from '../../../src/cli/doctor/settings.js';
import type { StatusResult } from '../../../src/format/protocol.js';
import { projectRoot } from '../../../src/state/locations.js';
import { deploymentAt, outcomesOf, textOf } from './examined.js';

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'writ-doctor-'));
});
after(() => rmSync(home, { recursive: true }));

function configure(text: string): Promise<Deployment> {
  writeFileSync(join(home, 'writ.toml'), text);
  return deploymentAt(home);
}

describe('the configuration', () => {
  test('is sound without a file and with one', async () => {
    assert.match(textOf(checkConfiguration(await deploymentAt(home)), 'ok'), /no file: every setting/);
    const named = checkConfiguration(await configure('[log]\nlevel = "warn"\n'));
    assert.match(textOf(named, 'ok'), /writ\.toml; state .*, socket /);
  });

  test('fails for a key that does not exist, and the state is still looked for', async () => {
    const deployment = await configure('[socket]\nmood = "0660"\n');
    assert.match(textOf(checkConfiguration(deployment), 'failed'), /mood.* -> Correct it; docs/s);
    assert.equal(deployment.locations.stateDirectory, home);
    assert.deepEqual(outcomesOf(await checkPolicy(deployment), 'policy'), ['skipped']);
  });

  test('fails for what is no TOML', async () => {
    assert.match(textOf(checkConfiguration(await configure('level: warn')), 'failed'), /is not valid TOML/);
  });
});

describe('the policy bundle', () => {
  const directory = () => join(home, 'policies');
  const named = () => configure(`[policy]\ndirectory = ${JSON.stringify(directory())}\n`);

  test('is loaded as the daemon would', async () => {
    cpSync(join(projectRoot, 'policies'), directory(), { recursive: true });
    assert.match(textOf(await checkPolicy(await named()), 'ok'), /bundle starter version \d+ in .* is sound/);
  });

  test('fails with the file and the line that Cedar refuses', async () => {
    writeFileSync(join(directory(), 'broken.cedar'), 'permit (principal, action');
    assert.match(textOf(await checkPolicy(await named()), 'failed'), /broken\.cedar: line 1/);
    rmSync(join(directory(), 'broken.cedar'));
  });

  test('is compared with the one in force', async () => {
    const deployment = await named();
    const status = { policy: { bundle: 'another', version: 7 } } as StatusResult;
    const findings = await checkPolicy({ ...deployment, daemon: { daemon: 'answers', status } });
    assert.match(
      textOf(findings, 'warning'),
      /decides by another one \(version 7\) -> If the one on disk is meant/,
    );
  });

  test('fails where there is none', async () => {
    rmSync(directory(), { recursive: true });
    assert.match(
      textOf(await checkPolicy(await named()), 'failed'),
      /policies: the directory .* cannot be read/,
    );
  });
});
