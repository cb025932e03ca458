/** A key pair on a token, for people and as JSON. */

import { base64Encode } from '../format/base64.js';
import { exposureOf } from '../format/key-protection.js';
import type { KeyDescription } from '../hsm/key-description.js';
import type { KeyRole, PinnedKeys } from '../hsm/token-access.js';
import { columns, type Paint } from './output.js';

/** A key with what `keys.json` says of it: the role under which its id is pinned, and whether its public half is the pinned one. */
export interface ShownKey {
  readonly id: string;
  readonly label: string;
  readonly publicKey: string | null;
  readonly role: KeyRole | null;
  readonly pin: 'matches' | 'differs' | 'none';
  /** Why it does not meet the promise that it never leaves the token; null when it does. */
  readonly exposure: string | null;
  readonly protection: KeyDescription['protection'];
}

export function shownKey({ id, label, publicKey, protection }: KeyDescription, pins: PinnedKeys): ShownKey {
  const roles: readonly KeyRole[] = ['log', 'artifact'];
  const role = roles.find((candidate) => pins[candidate].id === id) ?? null;
  const text = publicKey && base64Encode(publicKey);
  const matches = role !== null && text === base64Encode(pins[role].publicKey);
  return {
    id,
    label,
    publicKey: text,
    role,
    pin: role === null ? 'none' : matches ? 'matches' : 'differs',
    exposure: exposureOf(protection),
    protection,
  };
}

export function keyLines(key: ShownKey, paint: Paint): string[] {
  return [
    `${paint('strong', key.label)} ${paint('faint', key.id)}`,
    ...columns([
      ['role', key.role ?? 'none: keys.json does not pin it'],
      ['public key', key.publicKey ?? 'cannot be read'],
      ['pinned', pinText(key, paint)],
      ['private key', key.exposure === null ? 'never leaves the token' : paint('bad', key.exposure)],
    ]),
  ];
}

function pinText({ pin }: ShownKey, paint: Paint): string {
  switch (pin) {
    case 'matches':
      return paint('good', 'this very key');
    case 'differs':
      return paint('bad', 'another public key under this id');
    case 'none':
      return 'no';
  }
}
