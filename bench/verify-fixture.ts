/** Artifacts as a busy daemon seals them: statements of the worked example's shape, batch after batch in one log. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { formatCheckpoint } from '../src/format/checkpoint.js';
import { type Envelope, envelopePayload, envelopeSchema, sealEnvelope } from '../src/format/dsse.js';
import { encodeEntry, entryOf } from '../src/format/entry.js';
import { formatNote, formatVerifierKey, verifierKey } from '../src/format/note.js';
import type { GrantPredicate } from '../src/format/predicate.js';
import {
  decodeStatement,
  encodeStatement,
  type Statement,
  statementPayloadType,
} from '../src/format/statement.js';
import { parseInstant } from '../src/format/time.js';
import { formatTlogProof } from '../src/format/tlog-proof.js';
import { parseTrust, type Trust } from '../src/format/trust.js';
import { utf8Encode } from '../src/format/utf8.js';
import { inclusionProof } from '../src/merkle/proof.js';
import { type Hash, leafHash, nodeHash, treeRoot } from '../src/merkle/tree.js';

export interface SealedLog {
  readonly artifacts: readonly Envelope[];
  readonly trust: Trust;
  /** A time at which all of them are valid. */
  readonly nowMs: number;
}

const exampleArtifact = new URL('../../docs/example/artifact.json', import.meta.url);

/** Seals `count` authorizations, `perCheckpoint` of them under each checkpoint, with a key in software. */
export function sealLog(count: number, perCheckpoint: number): SealedLog {
  const example = decodeStatement(
    envelopePayload(envelopeSchema.parse(JSON.parse(readFileSync(exampleArtifact, 'utf8')))),
  );
  if (example.predicateType !== 'urn:writ:authorization:v1')
    throw new Error('the example is no authorization');
  const origin = example.predicate.attribution.log;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = verifierKey(
    origin,
    new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  );
  const tree = new GrowingTree();
  const artifacts: Envelope[] = [];
  for (let start = 0; start < count; start = tree.size) {
    const payloads: Uint8Array[] = [];
    while (payloads.length < perCheckpoint && tree.size < count) {
      const payload = encodeStatement(variant(example, example.predicate, tree.size));
      tree.append(leafHash(encodeEntry(entryOf('authorization', statementPayloadType, payload))));
      payloads.push(payload);
    }
    const text = formatCheckpoint({ origin, size: tree.size, root: treeRoot(tree.size, tree.subtree) });
    const signature = new Uint8Array(sign(null, utf8Encode(text), privateKey));
    const checkpoint = formatNote(text, [{ name: origin, keyId: key.keyId, signature }]);
    for (const [offset, payload] of payloads.entries()) {
      const index = start + offset;
      const hashes = inclusionProof(index, tree.size, tree.subtree);
      const proof = utf8Encode(formatTlogProof({ index, hashes, checkpoint }));
      artifacts.push(sealEnvelope(statementPayloadType, payload, formatVerifierKey(key), proof));
    }
  }
  const logs = [{ origin, vkey: formatVerifierKey(key), retired: null }];
  return {
    artifacts,
    trust: parseTrust({ type: 'urn:writ:trust:v1', logs, artifactKeys: [] }),
    nowMs: parseInstant(example.predicate.validity.notBefore),
  };
}

/** The example with an argument, a nonce and a request of its own. */
function variant(example: Statement, predicate: GrantPredicate, number: number): Statement {
  const nonce = Buffer.alloc(16);
  nonce.writeUInt32BE(number);
  const { action } = predicate.scope;
  if (action.type !== 'execute') throw new Error('the example executes nothing');
  const argv = ['/bin/echo', `Hello ${number}`];
  return {
    ...example,
    predicateType: 'urn:writ:authorization:v1',
    predicate: {
      ...predicate,
      scope: { ...predicate.scope, action: { ...action, argv } },
      validity: { ...predicate.validity, nonce: nonce.toString('base64') },
      attribution: { ...predicate.attribution, request: number.toString(16).padStart(128, '0') },
    },
  };
}

/** A Merkle tree that keeps every complete subtree. */
class GrowingTree {
  readonly #levels: Hash[][] = [[]];

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  readonly subtree = (level: number, index: number): Hash => {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined) throw new RangeError('the tree has no such subtree yet');
    return hash;
  };

  append(leaf: Hash): void {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const nodes = this.#levels[level] ?? [];
      this.#levels[level] = nodes;
      nodes.push(hash);
      if (nodes.length % 2 === 1) return;
      hash = nodeHash(nodes[nodes.length - 2] as Hash, hash);
    }
  }
}
