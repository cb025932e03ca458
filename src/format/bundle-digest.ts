/** The digest that names a policy bundle, computed over the exact texts of its files (docs/policy.md). */

import { sha3_512 } from '../hash/evidence.js';
import { hexEncode } from './hex.js';
import { jcsBytes } from './jcs.js';

/** The exact texts of a bundle's files, by name. */
export type BundleFiles = Readonly<Record<string, string>>;

/**
 * The digest that names a bundle: SHA3-512 (hex) over the canonical JSON (RFC 8785) of
 * `{"files": {NAME: TEXT, ...}, "type": "writ.policy-bundle/v1"}`.
 */
export function bundleDigest(files: BundleFiles): string {
  return hexEncode(sha3_512(bundleDocument(files)));
}

/** The document that the digest is computed over. */
export function bundleDocument(files: BundleFiles): Uint8Array {
  return jcsBytes({ type: 'writ.policy-bundle/v1', files });
}
