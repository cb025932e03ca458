import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../src/client/client.js';
import { WritForeignAnswerError } from '../../src/client/errors.js';
import { artifactIdOf } from '../../src/format/artifact-id.js';
import { type Envelope, envelopePayload } from '../../src/format/dsse.js';
import { entryOf } from '../../src/format/entry.js';
import { type AuthorizeParams, requestDigest, requestText } from '../../src/format/protocol.js';
import { encodeRecord, type LogRecord, recordKind, recordPayloadType } from '../../src/format/record.js';
import { redeemerNonceDigest } from '../../src/format/redeemer-nonce.js';
import type { Statement } from '../../src/format/statement.js';
import { VerificationContext } from '../../src/verify/context.js';
import { decodePayload } from '../../src/verify/payload.js';
import {
  authorization,
  denialStatement,
  digests,
  executeAction,
  hex,
  nonce,
  origin,
  predicate,
  TestLog,
} from '../verify/sealed-artifact.js';
import { resultLine, startScriptedServer } from './scripted-server.js';

const log = new TestLog();
const { digests: _measured, ...action } = executeAction;
const asked: AuthorizeParams = { action, bind: 'uid', ttlSeconds: 300 };

/** Something sealed, as an answer carries it. */
function sealed(artifact: Envelope) {
  const payload = envelopePayload(artifact);
  const { kind } = decodePayload(artifact.payloadType, payload);
  return { id: artifactIdOf(entryOf(kind, artifact.payloadType, payload).digests), index: 2, artifact };
}

function attribution(method: 'authorize' | 'sign', params: unknown) {
  return { ...predicate.attribution, request: requestDigest(requestText(method, params)) };
}

function authorized(changes: Parameters<typeof authorization>[0] = {}, by = log) {
  const statement = authorization({ attribution: attribution('authorize', asked), ...changes });
  return { decision: 'allow', ...sealed(by.sealStatement(statement)) };
}

function denied(
  changes: Partial<Extract<Statement, { predicateType: 'urn:writ:denial:v1' }>['predicate']> = {},
) {
  if (denialStatement.predicateType !== 'urn:writ:denial:v1') throw new TypeError('not a denial');
  const own = { ...denialStatement.predicate, attribution: attribution('authorize', asked), ...changes };
  const evidence = sealed(log.sealStatement({ ...denialStatement, predicate: own }));
  return { decision: 'deny', denials: denialStatement.predicate.denials, evidence };
}

function recorded(record: LogRecord) {
  return {
    decision: 'allow',
    ...sealed(log.seal(recordKind(record), recordPayloadType, encodeRecord(record))),
  };
}

const head = { time: '2026-01-01T00:00:00.000Z', log: origin, nonce };
const { id: someId } = authorized();
const redemption = {
  ...head,
  type: 'urn:writ:redemption:v1',
  artifact: someId,
  artifactIndex: 2,
  redeemerNonceDigest: redeemerNonceDigest(nonce),
  redeemer: { uid: 1000, gid: 1000 },
} as const;
const revocation = {
  ...head,
  type: 'urn:writ:revocation:v1',
  target: { kind: 'artifact', id: someId, index: 2 },
  cause: 'withdrawn',
  by: 1000,
} as const;

type Client = Awaited<ReturnType<typeof connect>>;

/** What a call makes of one answer. */
async function answering<Result>(
  result: unknown,
  call: (client: Client) => Promise<Result>,
): Promise<Result> {
  const server = await startScriptedServer(({ id }, socket) => void socket.write(resultLine(id, result)));
  try {
    return await call(await connect({ socketPath: server.socketPath, timeoutMs: 5000, trust: log.trust }));
  } finally {
    await server.stop();
  }
}

test('a grant of exactly what was asked comes through, and so does a denial with its evidence', async () => {
  const granted = await answering(authorized(), (client) => client.authorize(asked));
  assert.equal(granted.decision, 'allow');
  const refused = await answering(denied(), (client) => client.authorize(asked));
  assert.ok(refused.decision === 'deny');
  assert.equal(refused.denials[0].code, 'POLICY_DENIED');
  assert.equal(refused.evidence?.index, 2);
  const receipt = await answering(recorded(redemption), (client) =>
    client.redeem({ id: someId, nonce, action }),
  );
  assert.equal(receipt.decision, 'allow');
  const ended = await answering(recorded(revocation), (client) => client.revoke({ id: someId }));
  assert.equal(ended.decision, 'allow');
});

test('options that are not given are not part of the request, as the daemon sees it', async () => {
  const params = { ...asked, parent: undefined, audience: undefined };
  const granted = await answering(authorized(), (client) => client.authorize(params));
  assert.equal(granted.decision, 'allow');
});

const otherId = `sha3-512:${hex('9')}` as const;
const flipped = { ...authorized(), id: otherId };
const authorize = (client: Client) => client.authorize(asked);
const { scope, validity } = predicate;

const foreign: readonly {
  readonly name: string;
  readonly result: unknown;
  readonly call: (client: Client) => Promise<unknown>;
  readonly message: string;
}[] = [
  {
    name: 'another request',
    result: authorized({ attribution: predicate.attribution }),
    call: authorize,
    message: 'it is about another request',
  },
  {
    name: 'an id that is not its digest',
    result: flipped,
    call: authorize,
    message: 'its id is not the digest of its content',
  },
  {
    name: 'another log',
    result: authorized({}, new TestLog()),
    call: authorize,
    message:
      'it does not verify under the pinned trust bundle: no key that the trust bundle names for this log signed the checkpoint',
  },
  {
    name: 'another index',
    result: { ...authorized(), index: 3 },
    call: authorize,
    message: 'its proof is of another log index',
  },
  {
    name: 'another action',
    result: authorized({ scope: { ...scope, action: { ...executeAction, argv: ['echo', 'ho'] } } }),
    call: authorize,
    message: 'it authorizes another action',
  },
  {
    name: 'a wider binding',
    result: authorized({ scope: { ...scope, bind: 'process' } }),
    call: authorize,
    message: 'it is bound otherwise than asked',
  },
  {
    name: 'a longer validity',
    result: authorized({ validity: { ...validity, notAfter: '2026-01-01T00:05:00.001Z' } }),
    call: authorize,
    message: 'it is valid for longer than asked',
  },
  {
    name: 'a denial dressed as a grant',
    result: { ...denied().evidence, decision: 'allow' },
    call: authorize,
    message: 'it is not an artifact of type urn:writ:authorization:v1',
  },
  {
    name: 'a grant dressed as evidence',
    result: { ...denied(), evidence: sealed(log.sealStatement(authorization())) },
    call: authorize,
    message: 'its evidence is not that of a denial',
  },
  {
    name: 'evidence about another request',
    result: denied({ attribution: predicate.attribution }),
    call: authorize,
    message: 'its evidence is about another request',
  },
  {
    name: 'evidence of another method',
    result: denied({ method: 'sign' }),
    call: authorize,
    message: 'its evidence is of the denial of another method',
  },
  {
    name: 'evidence with other reasons',
    result: denied({ denials: [{ code: 'EXPIRED', message: 'm', remedy: 'r' }] }),
    call: authorize,
    message: 'its evidence gives other reasons than the answer',
  },
  {
    name: 'no decision at all',
    result: { id: someId },
    call: authorize,
    message: 'decision: Invalid input: expected "allow"',
  },
  {
    name: 'an authorization instead of a signature',
    result: authorized(),
    call: (client) => client.sign({ blob: { name: 'f', sizeBytes: 1, digests } }),
    message: 'it is not an artifact of type urn:writ:signature:v1',
  },
  {
    name: "another redeemer's receipt",
    result: recorded({ ...redemption, redeemerNonceDigest: redeemerNonceDigest('AAAAAAAAAAAAAAAAAAAAAA==') }),
    call: (client) => client.redeem({ id: someId, nonce, action }),
    message: 'the receipt bears the nonce of another redeemer',
  },
  {
    name: 'the receipt of another artifact',
    result: recorded({ ...redemption, artifact: otherId }),
    call: (client) => client.redeem({ id: someId, nonce, action }),
    message: 'the receipt is of another artifact',
  },
  {
    name: 'an authorization instead of a receipt',
    result: authorized(),
    call: (client) => client.redeem({ id: someId, nonce, action }),
    message: 'it is not the receipt of a redemption',
  },
  {
    name: 'the revocation of another artifact',
    result: recorded({ ...revocation, target: { kind: 'artifact', id: otherId, index: 2 } }),
    call: (client) => client.revoke({ id: someId }),
    message: 'it revokes another artifact',
  },
  {
    name: 'the revocation of an artifact where a rule was asked for',
    result: recorded(revocation),
    call: (client) => client.revoke({ initiator: { uid: 1000 } }),
    message: 'it revokes something else',
  },
  {
    name: 'the revocation of a program of a user instead of the user',
    result: recorded({
      ...revocation,
      target: { kind: 'initiator', uid: 1000, executable: '0'.repeat(128) },
    }),
    call: (client) => client.revoke({ initiator: { uid: 1000 } }),
    message: 'it revokes something else',
  },
  {
    name: 'another cause',
    result: recorded(revocation),
    call: (client) => client.revoke({ id: someId, cause: 'compromised' }),
    message: 'it names another cause',
  },
  {
    name: 'the proof of another entry',
    result: { decision: 'allow', index: 3, proof: proofText(authorized().artifact) },
    call: (client) => client.proof({ index: 3 }),
    message: 'it proves another entry',
  },
  {
    name: 'a checkpoint of another log',
    result: { checkpoint: new TestLog('else/where').checkpoint(1, new Uint8Array(32)), size: 1 },
    call: (client) => client.checkpoint(),
    message: 'the checkpoint is of a log that the trust bundle does not name',
  },
  {
    name: 'the lineage of another artifact',
    result: { decision: 'allow', nodes: [] },
    call: (client) => client.lineage({ id: someId }),
    message: 'it is the lineage of another artifact',
  },
  {
    name: 'a verdict on another artifact',
    result: { decision: 'allow', id: otherId, unproven: [] },
    call: (client) => client.verifyRemotely({ artifact: authorized().artifact }),
    message: 'the verdict is on another artifact',
  },
  {
    name: 'an export without a plain signature',
    result: {
      decision: 'allow',
      id: someId,
      artifact: authorized().artifact,
      publicKey: Buffer.from(log.key.publicKey).toString('base64'),
    },
    call: (client) => client.export({ id: someId }),
    message: 'the pinned trust bundle does not name its artifact key',
  },
];

for (const { name, result, call, message } of foreign) {
  test(`an answer about ${name} is refused`, async () => {
    await assert.rejects(answering(result, call), (cause) => {
      assert.ok(cause instanceof WritForeignAnswerError, String(cause));
      assert.ok(cause.message.endsWith(`cannot be used: ${message}`), cause.message);
      return true;
    });
  });
}

test('offline verification asks nobody and says what it could not prove', async () => {
  const server = await startScriptedServer(() => assert.fail('nothing may be asked'));
  const client = await connect({ socketPath: server.socketPath, timeoutMs: 50 });
  const verdict = client.verify(authorized().artifact, log.trust, {
    nowMs: Date.parse('2026-01-01T00:01:00Z'),
  });
  assert.equal(verdict.verdict, 'valid');
  assert.ok(verdict.unproven.some(({ what }) => what === 'no-later-revocation'));
  const late = client.verify(authorized().artifact, log.trust);
  assert.ok(late.verdict === 'denied');
  assert.equal(late.denials[0].code, 'EXPIRED');
  await server.stop();
});

test('many artifacts are verified offline at once, each by its own situation', async () => {
  const server = await startScriptedServer(() => assert.fail('nothing may be asked'));
  const client = await connect({ socketPath: server.socketPath, timeoutMs: 50 });
  const artifacts = [authorized().artifact, null, authorized().artifact];
  const during = { nowMs: Date.parse('2026-01-01T00:01:00Z') };
  const words = (verdicts: readonly { verdict: string }[]) => verdicts.map(({ verdict }) => verdict);
  assert.deepEqual(words(client.verifyBatch(artifacts, log.trust, during)), ['valid', 'denied', 'valid']);
  const context = new VerificationContext();
  const onlyFirst = (position: number) => (position === 0 ? during : {});
  for (let round = 0; round < 2; round++) {
    const verdicts = client.verifyBatch(artifacts, log.trust, onlyFirst, context);
    assert.deepEqual(words(verdicts), ['valid', 'denied', 'denied']);
    assert.deepEqual(verdicts[0], client.verify(artifacts[0], log.trust, during));
  }
  await server.stop();
});

function proofText({ signatures: [first] }: Envelope): string {
  return Buffer.from(first?.sig ?? '', 'base64').toString('utf8');
}
