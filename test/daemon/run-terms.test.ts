/** What a request says about how a program is run: sealed as it was asked, shown to policies, and refused where it makes no sense. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../src/client/client.js';
import { envelopePayload } from '../../src/format/dsse.js';
import type { GrantPredicate } from '../../src/format/predicate.js';
import type { Allowed, AuthorizeParams, GrantResult } from '../../src/format/protocol.js';
import { decodeStatement } from '../../src/format/statement.js';
import { parseInstant } from '../../src/format/time.js';
import { allowed, codesOf, echo, trustOf } from './requests.js';
import { type RunningDaemon, removeState, startDaemon } from './running-daemon.js';

describe('the terms of a run', () => {
  let daemon: RunningDaemon;
  let writ: WritClient;
  let scratch: string;

  before(async () => {
    daemon = await startDaemon();
    writ = await connect({ socketPath: daemon.socketPath, trust: await trustOf(daemon.stateDirectory) });
    scratch = await mkdtemp(join(tmpdir(), 'writ-terms-'));
  });
  after(async () => {
    await writ.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
    await rm(scratch, { recursive: true });
  });

  const ask = (options: Partial<AuthorizeParams>): Promise<GrantResult> =>
    writ.authorize({ action: echo('terms'), ...options });
  function predicateOf({ artifact }: Allowed): GrantPredicate {
    const statement = decodeStatement(envelopePayload(artifact));
    return statement.predicateType === 'urn:writ:denial:v1' ? assert.fail('denied') : statement.predicate;
  }

  /** As proc_pid_status(5) lists them; Node would add the process's own group. */
  async function supplementaryGroups(): Promise<number[]> {
    const [, line = ''] = /^Groups:(.*)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
    const groups = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    return [...new Set(groups.map(Number))].sort((left, right) => left - right);
  }

  test('an artifact is for one use and without limits unless asked otherwise', async () => {
    const { scope, validity } = predicateOf(allowed(await ask({})));
    assert.equal(validity.use, 'single');
    assert.deepEqual(scope.execution, {
      groups: await supplementaryGroups(),
      confine: 'tree',
      limits: { cpuSeconds: null, memoryBytes: null, processes: null, openFiles: null, fileBytes: null },
      undigested: ['loaded-libraries', 'imported-modules'],
    });
  });

  test('a lease, limits and listed programs are sealed as they were asked for', async () => {
    const { scope, validity } = predicateOf(
      allowed(
        await ask({
          use: 'lease',
          runSeconds: 60,
          confine: 'best-effort',
          limits: { openFiles: 16, cpuSeconds: 0 },
          descend: { listed: ['/usr/bin/cat'] },
        }),
      ),
    );
    assert.ok(validity.use === 'lease');
    assert.equal(validity.renewSeconds, 30);
    assert.equal(parseInstant(validity.until) - parseInstant(validity.notBefore), 60_000);
    assert.equal(scope.execution?.confine, 'best-effort');
    assert.deepEqual([scope.execution?.limits.openFiles, scope.execution?.limits.cpuSeconds], [16, 0]);
    assert.ok(typeof scope.descend === 'object');
    const [listed] = scope.descend.listed;
    assert.equal(listed?.path, '/usr/bin/cat');
    assert.match(listed?.digests.sha3_512 ?? '', /^[0-9a-f]{128}$/);
  });

  test('a listed program that is none, or only a link to one, is refused', async () => {
    const link = join(scratch, 'link');
    await symlink('/usr/bin/cat', link);
    for (const path of [link, join(scratch, 'nothing'), 'cat'])
      assert.deepEqual(codesOf(await ask({ descend: { listed: [path] } })), ['SCOPE_MISMATCH'], path);
  });

  test('what makes no sense is refused', async () => {
    assert.deepEqual(codesOf(await ask({ runSeconds: 60 })), ['SCOPE_MISMATCH']);
    assert.deepEqual(codesOf(await ask({ use: 'lease', runSeconds: 86_401 })), ['POLICY_DENIED']);
    const tool = { type: 'tool', tool: 'read_file', arguments: { path: '/usr/share/doc/x' } } as const;
    assert.deepEqual(codesOf(await writ.authorize({ action: tool, confine: 'tree' })), ['SCOPE_MISMATCH']);
    assert.equal(predicateOf(allowed(await writ.authorize({ action: tool }))).scope.execution, null);
  });
});
