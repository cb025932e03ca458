/** Options that several commands share, and how their values are read. */

import { type Command, InvalidArgumentError } from 'commander';
import type { Bind } from '../format/predicate.js';
import type { AuthorizeParams, Claims, RequestedDescend } from '../format/protocol.js';

export interface ClaimFlags {
  readonly agent?: string;
  readonly user?: string;
  readonly purpose?: string;
  readonly ticket?: string;
}

export interface AuthorizeFlags extends ClaimFlags {
  readonly ttl?: number;
  readonly parent?: string;
  readonly audience?: string;
  readonly bind?: Bind;
  readonly descend?: RequestedDescend;
  readonly attest?: 'fresh';
}

/** Reads a count of seconds or lines. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^[1-9][0-9]*$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('A positive whole number is expected.');
  return value;
}

/** Reads `none`, `any`, or paths that are parted by commas. */
export function requestedDescend(text: string): RequestedDescend {
  if (text === 'none' || text === 'any') return text;
  const listed = text.split(',');
  if (listed.some((path) => !path.startsWith('/')))
    throw new InvalidArgumentError('Give none, any, or absolute paths that are parted by commas.');
  return { listed };
}

const limitPattern =
  /^(?:(?:cpu|processes|files)=(?:0|[1-9]\d*)|(?:memory|file-size)=(?:0|[1-9]\d*)[KMGT]?)$/;
const byteUnits: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Checks `cpu=60,memory=1G` and the like; only the launcher makes limits of it. */
export function resourceLimits(text: string): string {
  const parts = text.split(',');
  const names = new Set(parts.map((part) => part.split('=')[0]));
  const areExact = parts.every((part) => {
    const [, digits = '', unit = ''] = /=(\d*)([KMGT]?)$/.exec(part) ?? [];
    return Number.isSafeInteger(Number(digits) * (byteUnits[unit] ?? 1));
  });
  if (!areExact || names.size !== parts.length || !parts.every((part) => limitPattern.test(part)))
    throw new InvalidArgumentError(
      'Give cpu=SECONDS, memory=BYTES, processes=N, files=N or file-size=BYTES, each once, parted by commas.',
    );
  return text;
}

/** Collects the values of an option that can be given several times. */
export function appended(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

/** What the caller says about itself: recorded as claims. */
export function addClaimOptions(command: Command): Command {
  return command
    .option('--agent <name>', 'the agent on whose behalf this is asked (a claim)')
    .option('--user <name>', 'the user on whose behalf this is asked (a claim)')
    .option('--purpose <text>', 'why; recorded')
    .option('--ticket <text>', 'the ticket that asks for it; recorded');
}

/** Everything that an authorization can be asked to be. */
export function addAuthorizeOptions(command: Command): Command {
  command
    .option('--ttl <seconds>', 'how long it shall be valid (the policy has the last word)', positiveInteger)
    .option('--parent <id|file>', 'the authorization under which this one is asked for')
    .option('--audience <name>', 'the one relying party that may accept it')
    .addOption(
      command.createOption('--bind <what>', 'who may redeem it').choices(['uid', 'executable', 'process']),
    )
    .option('--descend <what>', 'what the program may start: none, any, or PATH[,PATH...]', requestedDescend);
  addAttestOption(command);
  return addClaimOptions(command);
}

/** Demands a quote of the TPM that is made for this request. */
export function addAttestOption(command: Command): Command {
  const option = command.createOption('--attest <when>', 'have the TPM quote the machine for this request');
  return command.addOption(option.choices(['fresh']));
}

/** Demands that a redemption is anchored in the TPM before it counts. */
export function addAnchorOption(command: Command): Command {
  const option = command.createOption('--anchor <when>', 'wait until the redemption is anchored in the TPM');
  return command.addOption(option.choices(['fresh']));
}

/** The claims that were made. */
export function claimsOf({ agent, user, purpose, ticket }: ClaimFlags): Claims {
  return { agent, user, purpose, ticket };
}

/** The options of an authorization, the parent's id read from a file if need be. Throws UsageError. */
export async function authorizeOptionsOf(flags: AuthorizeFlags): Promise<Omit<AuthorizeParams, 'action'>> {
  const { artifactIdFrom } = await import('./artifact-file.js');
  const { ttl, audience, bind, descend, attest } = flags;
  const parent = flags.parent === undefined ? undefined : await artifactIdFrom(flags.parent);
  return { ...claimsOf(flags), ttlSeconds: ttl, parent, audience, bind, descend, attest };
}
