/**
 * The bytes of the requests, made before the clock runs: in a round only the id, and for some workloads one more field,
 * are written over a copy. Numbers have a fixed width, so every request of a workload has the same length.
 */

import type { ArtifactId } from '../../src/format/artifact-id.js';
import type { AuthorizeParams, RedeemParams } from '../../src/format/protocol.js';
import { type Acknowledgements, idTextBytes } from './acknowledgements.js';

/**
 * `rotation`: that many different requests, in turn. `distinct`: no two alike, ever. `redeem`: each of the
 * authorizations that this generator holds and has not redeemed yet, once.
 */
export type Workload =
  | { readonly kind: 'rotation'; readonly requests: number }
  | { readonly kind: 'distinct' }
  | { readonly kind: 'redeem' };

/** Ids are integers of nine digits: the first, and one after the last. */
export const firstId = 100_000_000;
export const endOfIds = 1_000_000_000;
export const idDigits = 9;

const idOffset = '{"jsonrpc":"2.0","id":'.length;

/** Every request of one workload. `position` counts them: the same position gives the same request, but for its id. */
export interface Requests {
  readonly sizeBytes: number;
  /** How many there are; Infinity where they never end. */
  readonly count: number;
  /** First byte of the argument that the authorization is for, and the number behind it; 0 for other requests. */
  readonly letter: number;
  number(position: number): number;
  /** Writes request `position` with this JSON-RPC id. */
  write(target: Buffer, offset: number, id: number, position: number): void;
}

/** `redeemable` is needed for `redeem` alone. */
export function requestsOf(workload: Workload, redeemable: Acknowledgements): Requests {
  switch (workload.kind) {
    case 'rotation':
      return authorizations('r', workload.requests);
    case 'distinct':
      return authorizations('d', Number.POSITIVE_INFINITY);
    case 'redeem':
      return redemptions(redeemable);
  }
}

/** What the authorization at `position` of a workload asks for; `bind` uid, because another process may redeem it. */
export function authorizeParams(argument: string): AuthorizeParams {
  return { action: echoAction(argument), bind: 'uid' };
}

function echoAction(argument: string): RedeemParams['action'] {
  return {
    type: 'execute',
    executable: '/usr/bin/echo',
    argv: ['echo', argument],
    cwd: '/',
    environmentDigest: '0'.repeat(128),
  };
}

function authorizations(letter: 'r' | 'd', distinct: number): Requests {
  const template = Buffer.from(line('authorize', authorizeParams(argumentOf(letter, firstId))));
  const argumentOffset = template.indexOf(argumentOf(letter, firstId)) + 1;
  const write = (target: Buffer, offset: number, id: number, position: number): void => {
    template.copy(target, offset);
    writeDigits(target, offset + idOffset, id);
    writeDigits(target, offset + argumentOffset, firstId + (position % distinct));
  };
  return {
    sizeBytes: template.length,
    count: Number.POSITIVE_INFINITY,
    letter: letter.charCodeAt(0),
    number: (position) => position % distinct,
    write,
  };
}

/** Redeems acknowledged authorizations by their place in the list; each has its own action and its own nonce. */
function redemptions(redeemable: Acknowledgements): Requests {
  const params: RedeemParams = {
    id: `sha3-512:${'0'.repeat(idTextBytes)}` as ArtifactId,
    nonce: nonceOf(firstId),
    action: echoAction(argumentOf('r', firstId)),
  };
  const template = Buffer.from(line('redeem', params));
  const artifactOffset = template.indexOf('sha3-512:') + 'sha3-512:'.length;
  const nonceOffset = template.indexOf(nonceOf(firstId)) + noncePrefix.length;
  const argumentOffset = template.indexOf(argumentOf('r', firstId));
  const write = (target: Buffer, offset: number, id: number, position: number): void => {
    template.copy(target, offset);
    writeDigits(target, offset + idOffset, id);
    redeemable.copyId(position, target, offset + artifactOffset);
    writeDigits(target, offset + nonceOffset, firstId + position);
    target[offset + argumentOffset] = redeemable.letter(position);
    writeDigits(target, offset + argumentOffset + 1, firstId + redeemable.number(position));
  };
  return { sizeBytes: template.length, count: redeemable.count, letter: 0, number: () => 0, write };
}

/** One request as text, to check an answer against. */
export function requestText(requests: Requests, id: number, position: number): string {
  const bytes = Buffer.alloc(requests.sizeBytes);
  requests.write(bytes, 0, id, position);
  return bytes.toString('latin1');
}

function line(method: string, params: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id: firstId, method, params })}\n`;
}

function argumentOf(letter: 'r' | 'd', number: number): string {
  return `${letter}${number}`;
}

/** Base64 of 16 bytes: 22 digits, the last of which holds four zero bits. */
const noncePrefix = 'writBenchAAA';

function nonceOf(number: number): string {
  return `${noncePrefix}${number}A==`;
}

function writeDigits(target: Buffer, offset: number, number: number): void {
  let rest = number;
  for (let at = offset + idDigits - 1; at >= offset; at--) {
    const next = (rest / 10) | 0;
    target[at] = 48 + rest - next * 10;
    rest = next;
  }
}
