// An agent inside of a governed run that reaches an approver's key: it can sign, and its approval counts for nothing.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/client/client.js';
import type { Denied } from '../../src/format/protocol.js';
import { newSshKey } from '../verify/ssh-keys.js';
import { bundleWith, demandingPolicy } from './approvers.js';
import { allowed, echo } from './requests.js';
import { RunPuppet } from './run-puppet.js';
import { prepareState, removeState, startDaemon } from './running-daemon.js';

const cli = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const notRoot = process.getuid?.() !== 0 && 'needs root for PID namespaces';

test('LINEAGE_BROKEN: approving from inside of a run', { skip: notRoot, timeout: 60_000 }, async () => {
  const key = newSshKey();
  const head = 'action == Writ::Action::"execute", resource == Writ::Command::"/usr/bin/id"';
  const directory = bundleWith(
    demandingPolicy('id', '@approvals("1") @approvers("managers")', head),
    `[approvers.alice]\nkeys = ["${key.line.trim()}"]\n[groups]\nmanagers = ["alice"]\n`,
  );
  const stateDirectory = await prepareState();
  writeFileSync(join(stateDirectory, 'writ.toml'), `[policy]\ndirectory = "${directory}"\n`);
  const daemon = await startDaemon({ stateDirectory });
  const writ = await connect({ socketPath: daemon.socketPath });
  const runner = RunPuppet.start(daemon.socketPath);
  try {
    const action = { ...echo(''), executable: '/usr/bin/id', argv: ['id'] };
    const { pending } = (await writ.authorize({ action })) as Denied;
    assert.ok(pending !== undefined);
    const said = join(stateDirectory, 'said');
    const command = `${process.execPath} ${cli} approve ${pending.id} --ssh-key ${key.path} --yes`;
    await runner.run('namespace', `WRIT_HOME=${stateDirectory} ${command} > ${said} 2>&1`);
    assert.equal(await runner.wait(), 1 << 8);
    assert.match(readFileSync(said, 'utf8'), /LINEAGE_BROKEN .* nothing is approved from inside of a run/);
    assert.deepEqual(allowed(await writ.pending({ id: pending.id })).pending.demands[0]?.given, []);
  } finally {
    runner.close();
    await writ.close();
    await daemon.stop();
    await removeState(stateDirectory);
    rmSync(dirname(directory), { recursive: true });
  }
});
