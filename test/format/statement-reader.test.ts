import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jcsBytes } from '../../src/format/jcs.js';
import { undigested } from '../../src/format/predicate.js';
import { decodeBySchema, decodeStatement } from '../../src/format/statement.js';
import { readOwnStatement, StatementMemory } from '../../src/format/statement-reader.js';
import { utf8Decode, utf8Encode } from '../../src/format/utf8.js';
import { authorization, denialStatement } from '../verify/sealed-artifact.js';

/** The schemas' word: a statement, or null. */
function bySchema(payload: Uint8Array): unknown {
  try {
    return decodeBySchema(payload);
  } catch {
    return null;
  }
}

const plain = fc.string({ unit: fc.constantFrom(...'aZ09 /:{}[],.-~\x7f') });
/** Also text that JSON must escape, and text beyond ASCII. */
const text = fc.oneof({ weight: 8, arbitrary: plain }, fc.string({ unit: 'binary', maxLength: 4 }));
/** At, just below and just beyond the bounds. */
const bounded = (most: number) =>
  fc.oneof(
    { weight: 6, arbitrary: plain },
    fc.constantFrom(0, 1, most - 1, most, most + 1).map((length) => 'x'.repeat(length)),
  );
const hexOf = (digits: number) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...'09af').map((digit) => digit.repeat(digits)) },
    fc.constantFrom(
      '',
      'A'.repeat(digits),
      'g'.repeat(digits),
      '0'.repeat(digits + 1),
      '0'.repeat(digits - 1),
    ),
  );
const integer = fc.oneof(
  { weight: 6, arbitrary: fc.nat(100_000) },
  fc.constantFrom(
    0,
    1,
    1000,
    1001,
    2 ** 32 - 1,
    2 ** 32,
    999_999_999_999_999,
    10 ** 15,
    2 ** 53 - 1,
    2 ** 53,
    -1,
    0.5,
    1e21,
  ),
);
const nullable = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { freq: 2 });
const id = hexOf(128).map((digits) => `sha3-512:${digits}`);
const digests = fc.record({ sha3_512: hexOf(128), blake2b: hexOf(128), sha256: hexOf(64) });
const exactText = fc.oneof({ weight: 9, arbitrary: text }, fc.constant({ base64: '/w==' }));
const instant = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  fc.constantFrom(
    '2026-02-29T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-01-01T00:00:00.00Z',
    '2026-13-01T00:00:00.000Z',
  ),
);
const nonce = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('AAECAwQFBgcICQoLDA0ODw==', `${'/'.repeat(21)}w==`) },
  fc.constantFrom('AAECAwQFBgcICQoLDA0ODx==', 'AAECAwQFBgcICQoLDA0ODw', ''),
);

const action = fc.oneof(
  fc.record({
    type: fc.constant('execute'),
    executable: exactText,
    argv: fc.array(exactText, { maxLength: 4 }),
    cwd: exactText,
    environmentDigest: hexOf(128),
    digests,
  }),
  fc.record({ type: fc.constant('sign'), name: bounded(4096), sizeBytes: integer, digests }),
  fc.record({ type: fc.constant('tool'), tool: bounded(256), arguments: fc.dictionary(plain, plain) }),
);

const predicate = fc.record({
  scope: fc.record({
    action,
    uid: integer,
    gid: integer,
    audience: nullable(bounded(256)),
    bind: fc.oneof(
      fc.constantFrom('uid', 'executable', 'process', 'other'),
      fc.record({ key: fc.constantFrom(`${'A'.repeat(43)}=`, `${'A'.repeat(42)}B=`, 'A') }),
    ),
    descend: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('none', 'any', 'none', 'any', 'all') },
      fc.record({ listed: fc.array(fc.record({ path: exactText, digests }), { maxLength: 2 }) }),
    ),
    execution: nullable(
      fc.record({
        groups: fc.array(integer, { maxLength: 3 }),
        confine: fc.constantFrom('tree', 'best-effort', 'tree', 'best-effort', 'none'),
        limits: fc.record({
          cpuSeconds: nullable(integer),
          memoryBytes: nullable(integer),
          processes: nullable(integer),
          openFiles: nullable(integer),
          fileBytes: nullable(integer),
        }),
        undigested: fc.constantFrom(undigested, undigested, undigested, []),
      }),
    ),
  }),
  initiator: fc.record({
    peer: fc.record({
      pid: integer,
      startTime: integer,
      uid: integer,
      gid: integer,
      groups: fc.array(integer, { maxLength: 3 }),
      executable: fc.oneof(
        fc.record({ source: fc.constantFrom('kernel', 'reported'), path: exactText, digests }),
        fc.record({ source: fc.constant('unavailable'), reason: bounded(1024) }),
      ),
      cgroup: nullable(text),
      label: nullable(text),
    }),
    claimed: fc.record({ agent: nullable(bounded(256)), user: nullable(bounded(256)) }),
  }),
  policy: fc.record({
    bundle: hexOf(128),
    version: integer,
    decision: fc.constantFrom('allow', 'deny'),
    determining: fc.array(bounded(256), { maxLength: 3 }),
    engine: bounded(256),
    input: hexOf(128),
  }),
  environment: fc.array(
    fc.oneof(
      fc.record({
        name: bounded(256),
        value: bounded(4096),
        source: fc.constantFrom('kernel', 'reported', 'kernel', 'reported', 'tpm', 'word'),
      }),
      fc.record({ name: bounded(256), value: bounded(4096), source: fc.constant('tpm'), quote: id }),
    ),
    { maxLength: 3 },
  ),
  validity: fc.oneof(
    fc.record({ notBefore: instant, notAfter: instant, use: fc.constantFrom('single', 'lease'), nonce }),
    fc.record({
      notBefore: instant,
      notAfter: instant,
      renewSeconds: integer,
      until: instant,
      use: fc.constantFrom('lease', 'lease', 'lease', 'single'),
      nonce,
    }),
  ),
  lineage: fc.record({
    parent: nullable(id),
    root: nullable(id),
    depth: integer,
    basis: fc.constantFrom('none', 'named', 'observed', 'none', 'named', 'observed', 'told'),
  }),
  governance: fc.record({
    authority: nullable(bounded(256)),
    approvals: fc.array(
      fc.record({
        approver: bounded(256),
        key: fc.constant(`${'A'.repeat(43)}=`),
        form: fc.constantFrom('ed25519', 'sshsig', 'pgp'),
        pending: nonce,
        expires: instant,
        signature: fc.constant(`${'A'.repeat(86)}==`),
      }),
      { maxLength: 2 },
    ),
    purpose: nullable(bounded(1024)),
    ticket: nullable(bounded(1024)),
  }),
  attribution: fc.record({
    log: bounded(256),
    daemon: bounded(256),
    host: bounded(256),
    request: hexOf(128),
    previousCheckpoint: nullable(
      fc.record({ size: integer, root: fc.constantFrom(`${'A'.repeat(43)}=`, `${'A'.repeat(42)}==`) }),
    ),
  }),
});

const statement = fc.record({
  _type: fc.constant('https://in-toto.io/Statement/v1'),
  subject: fc.array(fc.record({ name: bounded(16_384), digest: digests }), { minLength: 1, maxLength: 1 }),
  predicateType: fc.constantFrom('urn:writ:authorization:v1', 'urn:writ:signature:v1'),
  predicate,
});

/** Mostly right: of a statement that is right, some parts are replaced by generated ones, which may be wrong. */
const mostlyRight = fc
  .tuple(statement, fc.subarray(Object.keys(predicateOf(authorization())), { maxLength: 3 }), fc.boolean())
  .map(([generated, parts, ownSubject]) => {
    const right = authorization();
    const changed = parts.map((part) => [part, (generated.predicate as Record<string, unknown>)[part]]);
    return {
      ...right,
      ...(ownSubject ? { subject: generated.subject } : {}),
      predicateType: generated.predicateType,
      predicate: { ...predicateOf(right), ...Object.fromEntries(changed) },
    };
  });

function predicateOf({ predicate }: { readonly predicate: object }): Record<string, unknown> {
  return { ...predicate };
}

/** What the writer of canonical JSON cannot write is no payload. */
function encoded(document: unknown): Uint8Array | null {
  try {
    return jcsBytes(document);
  } catch {
    return null;
  }
}

describe('the quick reader of our own statements', () => {
  test('reads an authorization of ours, and leaves denials to the schemas', () => {
    const payload = jcsBytes(authorization());
    assert.deepEqual(readOwnStatement(payload, new StatementMemory()), decodeBySchema(payload));
    assert.notEqual(readOwnStatement(payload, new StatementMemory()), null);
    assert.equal(readOwnStatement(jcsBytes(denialStatement), new StatementMemory()), null);
    assert.deepEqual(decodeStatement(jcsBytes(denialStatement)), denialStatement);
  });

  test('gives what the schemas give, or leaves it to them, whatever was read before', () => {
    let read = 0;
    let right = 0;
    fc.assert(
      fc.property(fc.array(mostlyRight, { minLength: 1, maxLength: 6 }), (documents) => {
        const memory = new StatementMemory();
        for (const document of documents) {
          const payload = encoded(document);
          if (payload === null) continue;
          const expected = bySchema(payload);
          const own = readOwnStatement(payload, memory);
          if (own !== null) assert.deepEqual(own, expected);
          right += expected === null ? 0 : 1;
          read += own === null ? 0 : 1;
        }
      }),
      { numRuns: 1500 },
    );
    // Were it to leave everything to the schemas, the above would prove nothing.
    assert.ok(read > right / 3, `${read} of ${right} right statements were read`);
    assert.ok(read > 300);
  });

  test('gives what the schemas give for every wholly generated statement too', () => {
    fc.assert(
      fc.property(statement, (document) => {
        const payload = encoded(document);
        if (payload === null) return;
        const own = readOwnStatement(payload, null);
        if (own !== null) assert.deepEqual(own, bySchema(payload));
        assert.deepEqual(readOwnStatement(payload, new StatementMemory()), own);
      }),
      { numRuns: 500 },
    );
  });

  test('reads no text that the schemas refuse: each byte changed, dropped or doubled', () => {
    const payload = jcsBytes(authorization());
    const memory = new StatementMemory();
    const foreign = [0x00, 0x0a, 0x20, 0x22, 0x2c, 0x30, 0x2e, 0x45, 0x5c, 0x5d, 0x7d, 0xc3, 0xff];
    for (let position = 0; position < payload.length; position++) {
      const byte = payload[position] ?? 0;
      const before = payload.subarray(0, position);
      const after = payload.subarray(position + 1);
      const candidates = [
        Uint8Array.of(...before, ...after),
        Uint8Array.of(...before, byte, byte, ...after),
        Uint8Array.of(...before, byte ^ (1 << (position % 7)), ...after),
        Uint8Array.of(...before, foreign[position % foreign.length] ?? 0, ...after),
      ];
      for (const candidate of candidates) {
        const own = readOwnStatement(candidate, memory);
        if (own !== null) assert.deepEqual(own, bySchema(candidate), `byte ${position}`);
      }
    }
  });

  test('reads nothing that is cut off, continued, or written in another order', () => {
    const payload = jcsBytes(authorization());
    for (let length = 0; length < payload.length; length++) {
      assert.equal(readOwnStatement(payload.subarray(0, length), new StatementMemory()), null);
    }
    for (const more of [' ', '}', ',"x":1', '\n']) {
      assert.equal(readOwnStatement(utf8Encode(utf8Decode(payload) + more), new StatementMemory()), null);
    }
    const { predicate, ...rest } = authorization();
    assert.equal(
      readOwnStatement(utf8Encode(JSON.stringify({ ...rest, predicate })), new StatementMemory()),
      null,
    );
  });

  test('shares the parts that statements have in common, and only those', () => {
    const memory = new StatementMemory();
    const first = decodeStatement(jcsBytes(authorization()), memory);
    const second = decodeStatement(jcsBytes(authorization({ environment: [] })), memory);
    const third = decodeStatement(jcsBytes(authorization()), memory);
    assert.deepEqual(second, authorization({ environment: [] }));
    assert.deepEqual(third, first);
    assert.equal(predicateOf(second).initiator, predicateOf(first).initiator);
  });
});
