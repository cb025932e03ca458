/** A key pair as its token describes it. */

import type { KeyProtection } from '../format/key-protection.js';

/** `id` is CKA_ID in lower-case hex; `publicKey` is raw, and null where none can be read. */
export interface KeyDescription {
  readonly id: string;
  readonly label: string;
  readonly publicKey: Uint8Array | null;
  readonly protection: KeyProtection;
}
