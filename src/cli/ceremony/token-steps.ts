/** Steps of a ceremony: PIN files, and the tokens that they open. */

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { HsmError, hsmFault } from '../../hsm/faults.js';
import { type PinSource, pinName } from '../../hsm/pin-source.js';
import type { TokenStatus } from '../../hsm/provisioning/protocol.js';
import { initializeToken, moduleStatus, tokenStatus } from '../../hsm/token.js';
import { type TokenSelector, tokenName } from '../../hsm/token-access.js';
import { createFile } from '../../kernel/private-file.js';
import { generateSecret, withSecret, writeSecret } from '../../kernel/secret.js';
import { fileProblem, UsageError } from '../cli-error.js';
import type { TokenPlan } from './plan.js';
import { absent, type FoundToken, present, type Step, type Workplace } from './step.js';

/** The PIN files of one token: there, and closed to others; or made, where the plan says so. */
export function pinStep(name: string, token: TokenPlan): Step {
  const sources = token.soPin === null ? [token.pin] : [token.pin, token.soPin];
  const files = sources.flatMap((source) => (source.type === 'file' ? [source.path] : []));
  return {
    name,
    look: async ({ resumed }) => {
      const missing = files.filter(isMissingPinFile);
      if (missing.length > 0 && !token.generatePins)
        throw new UsageError(
          `${missing.join(' and ')} must hold a PIN (one line, mode 0600), or let the plan say generate_pins = true`,
        );
      if (missing.length > 0) {
        await requirePinLength(token);
        return absent(`${missing.join(' and ')}: ${token.pinLength} random digits each, mode 0600`);
      }
      return present(resumed && token.generatePins ? 'made' : 'kept', namesOf(sources));
    },
    perform: () => {
      for (const file of files) {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        withSecret(generateSecret(token.pinLength), (pin) =>
          createFile(file, (opened) => writeSecret(opened, pin), 0o600),
        );
      }
      return Promise.resolve();
    },
  };
}

/** Before a PIN is made that the token would refuse. Throws UsageError. */
async function requirePinLength({ module, softhsmConf, label, pinLength }: TokenPlan): Promise<void> {
  const tokens = await tokenStatus({ modulePath: module, softhsmConf });
  const token =
    tokens.find((each) => each.state === 'initialized' && each.label === label) ??
    tokens.find(({ state }) => state === 'blank');
  // Where there is none, the token's own step says so.
  if (token === undefined) return;
  const fault = pinLengthFault(token, pinLength);
  if (fault !== null) throw new UsageError(fault);
}

/** Why the token would refuse a PIN of this length; null if it would not. */
export function pinLengthFault(
  { slot, pinLength: { least, most } }: Pick<TokenStatus, 'slot' | 'pinLength'>,
  length: number,
): string | null {
  if (length >= least && length <= (most ?? length)) return null;
  const range = most === null ? `at least ${least}` : `${least} to ${most}`;
  return `the token in ${slot.trim()} takes PINs of ${range} characters: let the plan say so by pin_length, instead of ${length}`;
}

/** One token: a blank one initialized, or one in use found. */
export function tokenStep(
  name: string,
  token: TokenPlan,
  keep: (workplace: Workplace, found: FoundToken) => void,
): Step {
  return {
    name,
    look: async (workplace) => {
      const found = await findUsable(token);
      if (found === null && token.action === 'adopt')
        throw new HsmError(
          hsmFault('token-missing', `${tokenName(selectorOf(token))} is not in ${token.module}`),
        );
      if (found === null)
        return absent(`${tokenName(selectorOf(token))} on the next blank token of ${token.module}`);
      keep(workplace, found);
      return present(outcomeOf(token, workplace, found), describeToken(found));
    },
    perform: async () => {
      const { module, softhsmConf, label, soPin, pin } = token;
      if (soPin === null) throw new TypeError('a plan without a PIN to initialize with was let through');
      await initializeToken({ modulePath: module, softhsmConf, label, soPin, userPin: pin });
    },
  };
}

function outcomeOf(
  token: TokenPlan,
  { resumed, pinned }: Workplace,
  { status }: FoundToken,
): 'made' | 'adopted' | 'kept' {
  if (pinned?.token.serial === status.serial) return 'kept';
  if (token.action === 'adopt') return 'adopted';
  if (resumed) return 'made';
  throw new HsmError(
    hsmFault(
      'token-exists',
      `${tokenName(selectorOf(token))} exists and is in use, but the plan says action = "initialize"`,
    ),
  );
}

async function findUsable(token: TokenPlan): Promise<FoundToken | null> {
  const location = { modulePath: token.module, softhsmConf: token.softhsmConf };
  const module = await moduleStatus(location);
  const [status, ...others] = module.tokens.filter(
    ({ state, label, serial, userPin }) =>
      state === 'initialized' &&
      label === token.label &&
      userPin !== 'not-set' &&
      (token.serial === null || token.serial === serial),
  );
  if (others.length > 0)
    throw new HsmError(
      hsmFault(
        'token-ambiguous',
        `${tokenName(selectorOf(token))} exists ${others.length + 1} times in ${token.module}`,
      ),
    );
  if (status === undefined) return null;
  const { label, serial } = status;
  return { module, status, access: { ...location, token: { label, serial }, pin: token.pin } };
}

function selectorOf({ label, serial }: TokenPlan): TokenSelector {
  return serial === null ? { label } : { label, serial };
}

/** A token in one line. */
export function describeToken({ module, status }: FoundToken): string {
  const { label, serial, manufacturer, model, firmware } = status;
  const device = `${manufacturer.trim()} ${model.trim()}`;
  return `"${label}", serial ${serial}, ${device}, firmware ${firmware}, ${module.library}`;
}

function isMissingPinFile(path: string): boolean {
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) === 0) return false;
    throw new UsageError(`the PIN file ${path} is open to other users: make it mode 0600 (chmod 600)`);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw new UsageError(fileProblem(path, cause), { cause });
  }
}

function namesOf(sources: readonly PinSource[]): string {
  return sources.map(pinName).join(', ');
}
