/**
 * What verifications have worked out already and may share: prepared keys, checked signatures of checkpoints and quotes,
 * proven tree nodes. Each is a fact about bytes alone, true under any trust bundle: that this key made that signature, that this
 * hash stands in the tree with that root. Whom to believe is never remembered; it is asked of the trust bundle each time.
 */

import { concatBytes } from '../format/bytes.js';
import type { Checkpoint } from '../format/checkpoint.js';
import { hexEncode } from '../format/hex.js';
import { formatVerifierKey, type SignedNote, signaturesOf, type VerifierKey } from '../format/note.js';
import type { AttestationPublic } from '../format/tpm-public.js';
import { utf8Encode } from '../format/utf8.js';
import { ProvenTree } from '../merkle/proven-tree.js';
import type { Hash } from '../merkle/tree.js';
import { type VerifyingKey, verifyingKey } from './ed25519.js';
import { type P256Key, p256Key } from './p256.js';

export interface ContextLimits {
  /** Signed checkpoints, and likewise tree heads and quotes, that are remembered. */
  readonly checkpoints: number;
  /** Tree nodes that are remembered, of all tree heads together. */
  readonly nodes: number;
}

/** Some 40 MB at the very most. */
export const defaultContextLimits: ContextLimits = { checkpoints: 4096, nodes: 200_000 };

const maxKeys = 256;

/**
 * Shared work of verifications that follow one another. Verdicts are the same with any context or a new one: it only
 * saves time. At its limits it forgets what it has known longest.
 */
export class VerificationContext {
  readonly #limits: ContextLimits;
  readonly #keys = new Map<string, VerifyingKey>();
  readonly #signed = new Map<string, true>();
  readonly #attestationKeys = new Map<string, P256Key>();
  readonly #quotes = new Map<string, true>();
  readonly #trees = new Map<string, ProvenTree>();
  #nodes = 0;
  /** The tree that was asked for last: mostly it is asked for again. */
  #last: { readonly checkpoint: Checkpoint; readonly tree: ProvenTree } | null = null;

  constructor(limits: ContextLimits = defaultContextLimits) {
    this.#limits = limits;
  }

  /**
   * Whether this key signed the note: at least one signature claims to be the key's, and each that does is one. Throws
   * RangeError for a key that is none.
   */
  isSignedBy(key: VerifierKey, note: SignedNote): boolean {
    const signatures = signaturesOf(note, key);
    if (signatures.length === 0) return false;
    const lines = signatures.map(({ signature }) => hexEncode(signature)).join(' ');
    const name = formatVerifierKey(key);
    const fact = `${name} ${lines}\n${note.text}`;
    if (this.#signed.has(fact)) return true;
    const verifier = this.#verifierOf(name, key.publicKey);
    const text = utf8Encode(note.text);
    const holds = signatures.every(({ signature }) => verifier.verify(text, signature));
    if (holds) remember(this.#signed, fact, true, this.#limits.checkpoints);
    return holds;
  }

  /**
   * Whether the proof leads from the leaf hash to the checkpoint's root. Throws ProofError as `rootOfInclusion` does.
   * Checkpoint and hashes are kept: nobody may change them afterwards.
   */
  includes(checkpoint: Checkpoint, leaf: Hash, index: number, path: readonly Hash[]): boolean {
    const tree = this.#treeOf(checkpoint);
    const before = tree.nodeCount;
    const holds = tree.includes(leaf, index, path);
    this.#nodes += tree.nodeCount - before;
    if (this.#nodes > this.#limits.nodes) this.#forgetNodes();
    return holds;
  }

  /**
   * Whether this attestation key signed these bytes (`signature`: r then s, 64 bytes). Throws RangeError for a key that is
   * no point of its curve.
   */
  isQuotedBy(key: AttestationPublic, attest: Uint8Array, signature: Uint8Array): boolean {
    const name = hexEncode(concatBytes(key.x, key.y));
    const fact = `${name} ${hexEncode(signature)} ${hexEncode(attest)}`;
    if (this.#quotes.has(fact)) return true;
    const holds = this.#attestationKeyOf(name, key).verify(attest, signature);
    if (holds) remember(this.#quotes, fact, true, this.#limits.checkpoints);
    return holds;
  }

  #attestationKeyOf(name: string, { x, y }: AttestationPublic): P256Key {
    const known = this.#attestationKeys.get(name);
    if (known !== undefined) return known;
    const key = p256Key(x, y);
    remember(this.#attestationKeys, name, key, maxKeys);
    return key;
  }

  #verifierOf(name: string, publicKey: Uint8Array): VerifyingKey {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const verifier = verifyingKey(publicKey);
    remember(this.#keys, name, verifier, maxKeys);
    return verifier;
  }

  #treeOf(checkpoint: Checkpoint): ProvenTree {
    if (this.#last !== null && this.#last.checkpoint === checkpoint) return this.#last.tree;
    const tree = this.#treeByHead(checkpoint);
    this.#last = { checkpoint, tree };
    return tree;
  }

  #treeByHead({ size, root }: Checkpoint): ProvenTree {
    const head = `${size} ${hexEncode(root)}`;
    const known = this.#trees.get(head);
    if (known !== undefined) return known;
    const tree = new ProvenTree(size, root);
    const forgotten = remember(this.#trees, head, tree, this.#limits.checkpoints);
    this.#nodes -= forgotten?.nodeCount ?? 0;
    return tree;
  }

  /** Whole trees go, the oldest first: a tree that kept some of its nodes might lack those above them. */
  #forgetNodes(): void {
    this.#last = null;
    for (const [head, tree] of this.#trees) {
      if (this.#nodes <= this.#limits.nodes / 2) return;
      this.#trees.delete(head);
      this.#nodes -= tree.nodeCount;
    }
  }
}

/** Adds to a map of bounded size; returns the oldest value where that had to go. */
function remember<Value>(
  map: Map<string, Value>,
  key: string,
  value: Value,
  limit: number,
): Value | undefined {
  map.set(key, value);
  if (map.size <= limit) return undefined;
  const [oldest] = map.keys();
  if (oldest === undefined) return undefined;
  const forgotten = map.get(oldest);
  map.delete(oldest);
  return forgotten;
}
