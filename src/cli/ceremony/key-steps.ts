/** Steps of a ceremony: one key pair for each role, its attributes read back from the token. */

import { exposureOf } from '../../format/key-protection.js';
import { HsmError, hsmFault } from '../../hsm/faults.js';
import type { KeyDescription } from '../../hsm/key-description.js';
import { generateKey, listKeys } from '../../hsm/token.js';
import { type ProvisionedRole, tokenName } from '../../hsm/token-access.js';
import { absent, foundToken, present, type Standing, type Step, type Workplace } from './step.js';

export function keyStep(role: ProvisionedRole): Step {
  return {
    name: `${role} key`,
    look: (workplace) => look(role, workplace),
    perform: async (workplace) => {
      const token = foundToken(workplace, role);
      if (token === null) throw new TypeError(`the ${role} key was to be made before its token`);
      await generateKey(token.access, workplace.keyNames[role]);
    },
  };
}

async function look(role: ProvisionedRole, workplace: Workplace): Promise<Standing> {
  const name = workplace.keyNames[role];
  const token = foundToken(workplace, role);
  if (token === null) return { standing: 'pending', detail: `"${name.label}", Ed25519, never extractable` };
  const { access } = token;
  const keys = await listKeys(access);
  const pinnedId = role === 'policy' ? null : (workplace.pinned?.keys[role].id ?? null);
  const own = only(
    keys.filter(({ id }) => id === (pinnedId ?? name.id)),
    tokenName(access.token),
  );
  const found = own ?? keys.find(({ label }) => label === name.label);
  if (found === undefined && pinnedId !== null)
    throw new HsmError(
      hsmFault('key-missing', `${tokenName(access.token)} lacks the ${role} key that keys.json pins`),
    );
  if (found === undefined) return absent(`"${name.label}", Ed25519, id ${name.id}, never extractable`);
  const outcome = outcomeOf(found, role, pinnedId, workplace);
  workplace.findings.keys.set(role, usable(found, role, tokenName(access.token)));
  return present(outcome, `"${found.label}", id ${found.id}`);
}

/** Whose key this is: told by its id, which this ceremony chose before it made the key. */
function outcomeOf(
  { id, label }: KeyDescription,
  role: ProvisionedRole,
  pinnedId: string | null,
  { plan, keyNames }: Workplace,
): 'made' | 'adopted' | 'kept' {
  if (id === pinnedId) return 'kept';
  if (id === keyNames[role].id) return 'made';
  if (plan.adoptKeys) return 'adopted';
  const fault = hsmFault('key-exists', `the token already holds a key labelled "${label}" (id ${id})`);
  throw new HsmError({ ...fault, remedy: 'Let the plan say [keys] adopt = true, or use another token.' });
}

function usable(key: KeyDescription, role: ProvisionedRole, token: string): KeyDescription {
  const exposed = exposureOf(key.protection);
  if (exposed !== null)
    throw new HsmError(hsmFault('key-exposed', `${token} holds a ${role} key that ${exposed}`));
  if (key.publicKey === null)
    throw new HsmError(hsmFault('key-missing', `${token} holds a ${role} key without its public half`));
  return key;
}

function only(keys: readonly KeyDescription[], token: string): KeyDescription | undefined {
  const [key, ...others] = keys;
  if (others.length === 0) return key;
  throw new HsmError(
    hsmFault('key-ambiguous', `${token} holds ${keys.length} private keys with id ${key?.id}`),
  );
}
