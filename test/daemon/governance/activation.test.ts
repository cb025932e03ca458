// A running daemon takes another bundle between two requests, when it is signed, newer, permitted and fit; and never a mix.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type WritClient } from '../../../src/client/client.js';
import { activateDocument } from '../../../src/client/policy-upload.js';
import type { Allowed, Denied } from '../../../src/format/protocol.js';
import { decodeRecord } from '../../../src/format/record.js';
import { decodeStatement } from '../../../src/format/statement.js';
import { authorityKey, delegation, signed, succession } from '../../verify/policy-statements.js';
import { allowed, codesOf, echo, freshNonce } from '../requests.js';
import { prepareState, type RunningDaemon, removeState, startDaemon } from '../running-daemon.js';
import { digestOf, forbidding, keyStatements, permitting, signedBundle, unsignedBundle } from './bundles.js';

const isRoot = process.getuid?.() === 0;
const needsOperator = isRoot ? false : 'the starter policy lets operators activate, which root is';

function messageOf(answer: Allowed | Denied): string {
  return answer.decision === 'deny' ? answer.denials.map(({ message }) => message).join('; ') : '';
}

function recordOf({ artifact }: Allowed) {
  return decodeRecord(Buffer.from(artifact.payload, 'base64'));
}

function predicateOf({ artifact }: Allowed) {
  const statement = decodeStatement(Buffer.from(artifact.payload, 'base64'));
  assert.ok(statement.predicateType !== 'urn:writ:denial:v1');
  return statement.predicate;
}

/** What the log holds of a refusal. */
function denialOf(answer: Allowed | Denied) {
  assert.ok(answer.decision === 'deny' && answer.evidence !== null, messageOf(answer));
  const { predicateType, predicate } = decodeStatement(
    Buffer.from(answer.evidence.artifact.payload, 'base64'),
  );
  return predicateType === 'urn:writ:denial:v1' ? predicate : assert.fail('it is no denial');
}

describe('activation without a pinned authority', { skip: needsOperator }, () => {
  let daemon: RunningDaemon;
  let writ: WritClient;

  before(async () => {
    daemon = await startDaemon();
    writ = await connect({ socketPath: daemon.socketPath });
  });

  after(async () => {
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    await removeState(daemon.stateDirectory);
  });

  test('takes a newer bundle at once, and logs it', async () => {
    const odd = { ...echo('x'), executable: '/usr/bin/env', argv: ['env'] };
    assert.deepEqual(codesOf(await writ.authorize({ action: odd })), ['POLICY_DENIED']);
    const document = unsignedBundle({ version: 10, policies: permitting('env', '/usr/bin/env') });
    const record = recordOf(allowed(await activateDocument(writ, document)));
    assert.ok(record.type === 'urn:writ:policy:v1');
    assert.deepEqual(
      [record.bundle, record.version, record.authority, record.statement, record.by],
      [digestOf(document), 10, null, null, 0],
    );
    const { policy } = predicateOf(allowed(await writ.authorize({ action: odd })));
    assert.deepEqual([policy.bundle, policy.version], [digestOf(document), 10]);
    const shown = await writ.policy();
    assert.deepEqual([shown.bundle, shown.name, shown.authority], [digestOf(document), 'starter', null]);
  });

  test('refuses a version that is not above the one in force', async () => {
    for (const version of [1, 9, 10]) {
      const answer = await activateDocument(writ, unsignedBundle({ version, settings: 'leaseSeconds = 7' }));
      assert.deepEqual(codesOf(answer), ['POLICY_MISMATCH']);
      assert.match(messageOf(answer), /is not above version 10/);
      assert.notEqual(answer.decision === 'deny' && answer.evidence, null);
    }
  });

  test('refuses what is unsound or fails its own tests, and goes on under the bundle before', async () => {
    const { bundle } = await writ.policy();
    const unsound = await activateDocument(
      writ,
      unsignedBundle({ version: 11, policies: 'permit (everybody);' }),
    );
    assert.match(messageOf(unsound), /starter\.cedar/);
    const tests = {
      'all.toml':
        '[[test]]\nname = "nobody echoes"\ncaller = { uid = 1 }\naction = "execute"\ncommand = ["/usr/bin/echo"]\nexpect = "deny"\n',
    };
    const failing = await activateDocument(writ, unsignedBundle({ version: 11, tests }));
    assert.match(messageOf(failing), /its test "nobody echoes" fails: expected deny, got allow/);
    const extra = unsignedBundle({ version: 11 });
    const hidden = await activateDocument(writ, { ...extra, files: { ...extra.files, '../x.cedar': '' } });
    const unnamed = await activateDocument(writ, { ...extra, files: { ...extra.files, 'bundle.toml': '' } });
    for (const [answer, wasAsked] of [
      [unsound, true],
      [failing, true],
      [hidden, true],
      [unnamed, false],
    ] as const) {
      assert.deepEqual(codesOf(answer), ['POLICY_MISMATCH'], messageOf(answer));
      const { method, policy } = denialOf(answer);
      assert.deepEqual([method, policy?.decision], ['policy.activate', wasAsked ? 'allow' : undefined]);
    }
    assert.equal((await writ.policy()).bundle, bundle);
  });

  test('what is no policy document is a plain answer, and nothing in the log', async () => {
    const bytes = Buffer.from('{}');
    const document = createHash('sha3-512').update(bytes).digest('hex');
    const { size } = await writ.checkpoint();
    allowed(
      await writ.stagePolicy({
        document,
        sizeBytes: bytes.length,
        offset: 0,
        data: bytes.toString('base64'),
      }),
    );
    const answer = await writ.activatePolicy({ document });
    assert.deepEqual(codesOf(answer), ['MALFORMED']);
    assert.equal(answer.decision === 'deny' && answer.evidence, null);
    assert.equal((await writ.checkpoint()).size, size);
  });

  test('a signature that cannot be checked is worse than none', async () => {
    const answer = await activateDocument(writ, signedBundle({ version: 12 }, authorityKey()));
    assert.deepEqual(codesOf(answer), ['BAD_SIGNATURE']);
  });

  test('an older artifact is decided on again: redeemed where it still may, else POLICY_MISMATCH', async () => {
    const [first, second] = [
      allowed(await writ.authorize({ action: echo('one') })),
      allowed(
        await writ.authorize({ action: { ...echo('two'), executable: '/usr/bin/env', argv: ['env'] } }),
      ),
    ];
    allowed(await activateDocument(writ, unsignedBundle({ version: 20 })));
    allowed(await writ.redeem({ id: first.id, nonce: freshNonce(), action: echo('one') }));
    const env = { ...echo('two'), executable: '/usr/bin/env', argv: ['env'] };
    const refused = await writ.redeem({ id: second.id, nonce: freshNonce(), action: env });
    assert.deepEqual(codesOf(refused), ['POLICY_MISMATCH']);
    assert.match(messageOf(refused), /would not issue it: No policy of the bundle/);
    const remote = allowed(await writ.verifyRemotely({ artifact: second.artifact }));
    assert.ok(remote.unproven.some(({ what }) => what === 'policy'));
  });

  test('an older artifact counts, or does not, where the bundle says so', async () => {
    const artifact = allowed(await writ.authorize({ action: echo('three') }));
    const forbids = forbidding('no-echo', '/usr/bin/echo');
    allowed(await activateDocument(writ, unsignedBundle({ version: 30, settings: 'older = "deny"' })));
    const denied = await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('three') });
    assert.deepEqual(codesOf(denied), ['POLICY_MISMATCH']);
    const lenient = { version: 31, settings: 'older = "valid"', policies: forbids };
    allowed(await activateDocument(writ, unsignedBundle(lenient)));
    allowed(await writ.redeem({ id: artifact.id, nonce: freshNonce(), action: echo('three') }));
    assert.deepEqual(codesOf(await writ.authorize({ action: echo('three') })), ['POLICY_DENIED']);
    allowed(await activateDocument(writ, unsignedBundle({ version: 32 })));
  });

  test('every request is decided by one bundle: requests and activations at once', async () => {
    const digests = new Map<number, string>();
    const documents = [41, 42, 43, 44].map((version) => {
      const policies = version % 2 === 0 ? forbidding('no-echo', '/usr/bin/echo') : '';
      const document = unsignedBundle({ version, policies });
      digests.set(version, digestOf(document));
      return document;
    });
    const answers: Promise<Allowed | Denied>[] = [];
    let running = true;
    const asking = (async () => {
      for (let round = 0; running; round++) {
        const answer = writ.authorize({ action: echo(`round ${round % 5}`) });
        answers.push(answer);
        if (round % 8 === 0) await answer;
      }
    })();
    for (const document of documents) allowed(await activateDocument(writ, document));
    running = false;
    await asking;
    const counted = { allow: 0, deny: 0 };
    for (const answer of await Promise.all(answers)) {
      counted[answer.decision]++;
      if (answer.decision === 'allow') {
        const { policy } = predicateOf(answer);
        assert.notEqual(policy.version % 2, policy.version === 32 ? 1 : 0);
        if (policy.version !== 32) assert.equal(policy.bundle, digests.get(policy.version));
      } else {
        assert.deepEqual(codesOf(answer), ['POLICY_DENIED']);
      }
    }
    assert.ok(counted.allow > 0 && counted.deny > 0, JSON.stringify(counted));
    allowed(await activateDocument(writ, unsignedBundle({ version: 50 })));
  });

  test('a restart goes on with what was activated, and looks for it in the state directory', async () => {
    const { bundle } = await writ.policy();
    await writ.close();
    assert.equal(await daemon.stop(), 0);
    const { stateDirectory } = daemon;
    daemon = await startDaemon({ stateDirectory });
    assert.match(daemon.log(), /version 50, which was activated, stays in force/);
    writ = await connect({ socketPath: daemon.socketPath });
    assert.equal((await writ.policy()).bundle, bundle);
    await writ.close();
    await daemon.stop();
    const path = join(stateDirectory, 'policies', `${bundle}.json`);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('/usr/bin/cat', '/usr/bin/rm'));
    await assert.rejects(startDaemon({ stateDirectory }), /put one of a higher version there/);
    await writeFile(path, text);
    daemon = await startDaemon({ stateDirectory });
    writ = await connect({ socketPath: daemon.socketPath });
    assert.equal((await writ.policy()).bundle, bundle);
    assert.ok((await readdir(join(stateDirectory, 'policies'))).length > 8);
  });
});

describe('activation under a pinned authority', { skip: needsOperator }, () => {
  const root = authorityKey();
  const next = authorityKey();
  const delegate = authorityKey();
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  let daemon: RunningDaemon;
  let writ: WritClient;

  before(async () => {
    const stateDirectory = await prepareState();
    daemon = await startDaemon({ stateDirectory });
    await daemon.stop();
    const path = join(stateDirectory, 'trust.json');
    const trust = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...trust, policyAuthorities: [root.text] }));
    await assert.rejects(startDaemon({ stateDirectory }), /signed by nobody/);
    const signature = join(stateDirectory, 'writ.toml');
    await writeFile(signature, '[policy]\nauthority = "optional"\n');
    daemon = await startDaemon({ stateDirectory });
    writ = await connect({ socketPath: daemon.socketPath });
    allowed(await activateDocument(writ, signedBundle({ version: 100 }, root)));
    await writ.close();
    await daemon.stop();
    await writeFile(signature, '');
    daemon = await startDaemon({ stateDirectory });
    writ = await connect({ socketPath: daemon.socketPath });
  });

  after(async () => {
    await writ.close();
    await daemon.stop();
    await removeState(daemon.stateDirectory);
  });

  test('artifacts name the authority', async () => {
    const { governance } = predicateOf(allowed(await writ.authorize({ action: echo('x') })));
    assert.equal(governance.authority, root.text);
    const { proof, authority } = await writ.policy();
    assert.equal(authority, root.text);
    assert.notEqual(proof, null);
  });

  test('nobody else signs: not nobody, not a stranger, not over another bundle', async () => {
    const forged = [
      unsignedBundle({ version: 101 }),
      signedBundle({ version: 101 }, authorityKey()),
      signedBundle({ version: 101 }, root, [], { bundle: 'a'.repeat(128) }),
      signedBundle({ version: 101 }, root, [], { version: 102 }),
      signedBundle({ version: 101 }, root, [], { name: 'other' }),
      {
        ...signedBundle({ version: 101 }, root),
        files: unsignedBundle({ version: 101, settings: 'leaseSeconds = 9' }).files,
      },
    ];
    for (const document of forged) {
      const answer = await activateDocument(writ, document);
      assert.deepEqual(codesOf(answer), ['BAD_SIGNATURE'], messageOf(answer));
      assert.notEqual(answer.decision === 'deny' && answer.evidence, null);
    }
    const elsewhere = signedBundle({ version: 101 }, root, [], { previous: 'b'.repeat(128) });
    assert.deepEqual(codesOf(await activateDocument(writ, elsewhere)), ['POLICY_MISMATCH']);
  });

  test('a delegate signs what it was delegated, in the place of a bundle of that name', async () => {
    const chain = [signed(delegation(delegate, inAnHour, 'starter'), root)];
    const alone = await activateDocument(writ, signedBundle({ version: 110 }, delegate));
    assert.deepEqual(codesOf(alone), ['BAD_SIGNATURE']);
    const record = recordOf(
      allowed(await activateDocument(writ, signedBundle({ version: 110 }, delegate, chain))),
    );
    assert.ok(record.type === 'urn:writ:policy:v1' && record.authority === delegate.text);
    // The delegation is in the log now, and need not come along again.
    allowed(await activateDocument(writ, signedBundle({ version: 111 }, delegate)));
    const other = { version: 112, name: 'other' };
    assert.deepEqual(codesOf(await activateDocument(writ, signedBundle(other, delegate))), ['BAD_SIGNATURE']);
    const wide = [signed(delegation(delegate, inAnHour, 'other'), root)];
    const displaced = await activateDocument(writ, signedBundle(other, delegate, wide));
    assert.match(messageOf(displaced), /only an authority puts it in the place of "starter"/);
    const ended = [signed(delegation(next, '2026-01-01T00:00:00.000Z', 'starter'), root)];
    const late = await activateDocument(writ, signedBundle({ version: 112 }, next, ended));
    assert.match(messageOf(late), /ended at 2026-01-01/);
  });

  test('after a succession the old key says nothing any more, also after a restart', async () => {
    const handOver = keyStatements(signed(succession(next), root, next));
    const record = recordOf(allowed(await activateDocument(writ, handOver)));
    assert.equal(record.type, 'urn:writ:authority:v1');
    assert.deepEqual(codesOf(await activateDocument(writ, handOver)), ['REPLAYED']);
    for (const restarted of [false, true]) {
      if (restarted) {
        await writ.close();
        await daemon.kill();
        daemon = await startDaemon({ stateDirectory: daemon.stateDirectory });
        writ = await connect({ socketPath: daemon.socketPath });
      }
      const old = await activateDocument(writ, signedBundle({ version: 120 }, root));
      assert.deepEqual(codesOf(old), ['BAD_SIGNATURE']);
      assert.match(messageOf(old), /handed over to another key/);
      const usurped = keyStatements(signed(succession(authorityKey()), root));
      assert.deepEqual(codesOf(await activateDocument(writ, usurped)), ['BAD_SIGNATURE']);
    }
    allowed(await activateDocument(writ, signedBundle({ version: 120 }, next)));
    const { governance } = predicateOf(allowed(await writ.authorize({ action: echo('x') })));
    assert.equal(governance.authority, next.text);
  });

  test('a key that was revoked signs nothing any more, nor does whoever it delegated to', async () => {
    const lost = authorityKey();
    const chain = [signed(delegation(lost, inAnHour, 'starter'), next)];
    allowed(await activateDocument(writ, signedBundle({ version: 125 }, lost, chain)));
    allowed(await activateDocument(writ, signedBundle({ version: 126 }, next)));
    allowed(await writ.revoke({ key: lost.text }));
    const answer = await activateDocument(writ, signedBundle({ version: 127 }, lost));
    assert.deepEqual(codesOf(answer), ['BAD_SIGNATURE']);
  });

  test('the policy in force says who may activate, beside the signature', async () => {
    const closed =
      '\n@id("nobody-activates")\nforbid (principal, action == Writ::Action::"activate", resource) when { resource.version > 131 };\n';
    allowed(await activateDocument(writ, signedBundle({ version: 131, policies: closed }, next)));
    const answer = await activateDocument(writ, signedBundle({ version: 132 }, next));
    assert.deepEqual(codesOf(answer), ['POLICY_DENIED']);
    assert.match(messageOf(answer), /"nobody-activates" forbids the action activate/);
  });

  test('parts that are out of order, of another document or incomplete are no document', async () => {
    const part = { document: 'a'.repeat(128), sizeBytes: 10, data: Buffer.alloc(5).toString('base64') };
    assert.equal((await writ.stagePolicy({ ...part, offset: 5 })).decision, 'deny');
    allowed(await writ.stagePolicy({ ...part, offset: 0 }));
    assert.equal((await writ.stagePolicy({ ...part, offset: 6 })).decision, 'deny');
    assert.equal(
      (await writ.stagePolicy({ ...part, document: 'b'.repeat(128), offset: 5 })).decision,
      'deny',
    );
    assert.deepEqual(codesOf(await writ.activatePolicy({ document: part.document })), ['MALFORMED']);
    allowed(await writ.stagePolicy({ ...part, offset: 5 }));
    assert.deepEqual(codesOf(await writ.activatePolicy({ document: part.document })), ['MALFORMED']);
  });
});
