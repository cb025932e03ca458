/** One contract, src/hsm/signer.ts, over every token provider. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { formatCheckpoint } from '../../src/format/checkpoint.js';
import { pae } from '../../src/format/dsse.js';
import { encodeStatement, statementPayloadType } from '../../src/format/statement.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { openSigner, type ProcessSigner } from '../../src/hsm/process-signer.js';
import type { SignerReply } from '../../src/hsm/signer.js';
import { verifyingKey } from '../../src/verify/ed25519.js';
import { makeTokenHome, signerConfig, type TokenHome, treeHead, until } from '../hsm/token-home.js';
import { authorization } from '../verify/sealed-artifact.js';
import { type Disturbance, type TokenProvider, tokenProviders } from './token-provider.js';

const payload = encodeStatement(authorization());

for (const provider of tokenProviders) describe(provider.name, () => suite(provider));

function suite({ config, disturbance }: TokenProvider): void {
  let token: TokenHome;
  let signer: ProcessSigner;
  before(async () => {
    token = await makeTokenHome();
  });
  after(() => token.remove());
  beforeEach(async () => {
    signer = await openSigner(signerConfig(token.pinned, config));
  });
  afterEach(() => signer.close());

  it('shows the pinned keys and is ready', () => {
    assert.deepEqual(signer.keys.log, token.pinned.keys.log.publicKey);
    assert.deepEqual(signer.keys.artifact, token.pinned.keys.artifact.publicKey);
    assert.equal(signer.state, 'ready');
  });

  it('signs checkpoints with the log key and statements with the artifact key', async () => {
    assertCheckpointSigned(await signer.signCheckpoint(treeHead(1)), 1);
    const reply = await signer.signStatement(statementPayloadType, payload);
    assert.equal(reply.outcome, 'signed');
    const key = verifyingKey(signer.keys.artifact);
    assert.ok(key.verify(pae(statementPayloadType, payload), reply.signature));
    assert.ok(!verifyingKey(signer.keys.log).verify(pae(statementPayloadType, payload), reply.signature));
  });

  it('answers calls that overlap, each with its own signature', async () => {
    const sizes = [1, 2, 3, 4];
    const [statement, ...replies] = await Promise.all([
      signer.signStatement(statementPayloadType, payload),
      ...sizes.map((size) => signer.signCheckpoint(treeHead(size))),
    ]);
    assert.equal(statement?.outcome, 'signed');
    for (const [at, reply] of replies.entries()) assertCheckpointSigned(reply, sizes[at] ?? 0);
  });

  it('refuses what its keys must never sign', async () => {
    assertCheckpointSigned(await signer.signCheckpoint(treeHead(7)), 7);
    const statement = (bytes: Uint8Array) => signer.signStatement(statementPayloadType, bytes);
    const refusals: readonly [reply: Promise<SignerReply>, reason: RegExp][] = [
      [signer.signCheckpoint(treeHead(6)), /^its size 6 is smaller than the size 7 that was signed before$/],
      [signer.signCheckpoint(treeHead(7, 99)), /^another root was signed before at its size 7$/],
      [
        signer.signCheckpoint({ ...treeHead(8), origin: 'other.example/log' }),
        /^it is a checkpoint of another log than test\.example\/hsm$/,
      ],
      [
        signer.signStatement('text/plain', payload),
        /^its payload type is not application\/vnd\.in-toto\+json$/,
      ],
      [statement(utf8Encode('{}')), /^not a statement of ours: predicateType: /],
      [statement(new Uint8Array(40_961)), /^it is longer than 40960 bytes$/],
      [statement(utf8Encode(formatCheckpoint(treeHead(8)))), /^the text is not valid JSON$/],
    ];
    for (const [answer, reason] of refusals) {
      const reply = await answer;
      assert.ok(reply.outcome === 'refused', `not refused: ${JSON.stringify(reply)}`);
      assert.match(reply.reason, reason);
    }
    assertCheckpointSigned(await signer.signCheckpoint(treeHead(7)), 7);
  });

  it('is unavailable, with a sentence, once it is closed', async () => {
    await signer.close();
    assert.equal(signer.state, 'closed');
    assert.equal(signer.pid, null);
    assert.match(
      unavailableMessage(await signer.signCheckpoint(treeHead(1))),
      /^the signer of the token .* was closed$/,
    );
    assert.match(
      unavailableMessage(await signer.signStatement(statementPayloadType, payload)),
      /^the signer of the token .* was closed$/,
    );
  });

  if (disturbance !== null) {
    it('comes back after it failed, without forgetting what it signed', () => failAndReturn(disturbance));
  }

  async function failAndReturn({ begin, answer }: Disturbance): Promise<void> {
    assertCheckpointSigned(await signer.signCheckpoint(treeHead(10)), 10);
    const { pid } = signer;
    assert.ok(pid !== null);
    const inFlight = signer.signCheckpoint(treeHead(11));
    const queued = signer.signStatement(statementPayloadType, payload);
    const end = begin(token, pid);
    assert.match(unavailableMessage(await inFlight), answer);
    unavailableMessage(await queued);
    await until(() => signer.state === 'restarting');
    unavailableMessage(await signer.signCheckpoint(treeHead(11)));
    end();

    await until(() => signer.state === 'ready');
    assert.notEqual(signer.pid, pid);
    const smaller = await signer.signCheckpoint(treeHead(9));
    assert.equal(smaller.outcome, 'refused');
    assert.equal(smaller.reason, 'its size 9 is smaller than the size 10 that was signed before');
    assert.equal((await signer.signCheckpoint(treeHead(10, 99))).outcome, 'refused');
    assertCheckpointSigned(await signer.signCheckpoint(treeHead(11)), 11);
  }

  function assertCheckpointSigned(reply: SignerReply, size: number): void {
    assert.ok(reply.outcome === 'signed', `not signed: ${JSON.stringify(reply)}`);
    const text = utf8Encode(formatCheckpoint(treeHead(size)));
    assert.ok(verifyingKey(signer.keys.log).verify(text, reply.signature));
  }

  function unavailableMessage(reply: SignerReply): string {
    assert.ok(reply.outcome === 'unavailable', `not unavailable: ${JSON.stringify(reply)}`);
    assert.equal(reply.denial.code, 'HSM_UNAVAILABLE');
    assert.ok(reply.denial.remedy.length > 0);
    return reply.denial.message;
  }
}
