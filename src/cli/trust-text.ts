/** A trust bundle as a person reads it: each key that it names, how far it is believed, and what is said of it beside that. */

import { formatVerifierKey } from '../format/note.js';
import { parseTrust, type TrustDocument, type TrustedLog } from '../format/trust.js';
import { columns } from './output.js';

/** One thing that a trust bundle names, by a text that is the same wherever it is named. */
export interface TrustedThing {
  readonly kind: 'log key' | 'artifact key' | 'policy authority' | 'attestation key' | 'reference value';
  /** Of a log key its vkey, of others base64, a TPM name, or the index and value of a PCR. */
  readonly value: string;
  /** How far it is believed, where that is not all the way; null otherwise. */
  readonly limit: string | null;
}

/** Everything that a trust bundle names. Throws SyntaxError for a document that is none. */
export function trustedThings(document: TrustDocument): TrustedThing[] {
  const { logs } = parseTrust(document);
  const whole = (kind: TrustedThing['kind'], values: readonly string[]): TrustedThing[] =>
    values.map((value) => ({ kind, value, limit: null }));
  const { attestation } = document;
  return [
    ...logs.map((log) => ({
      kind: 'log key' as const,
      value: formatVerifierKey(log.key),
      limit: limitOf(log),
    })),
    ...whole('artifact key', document.artifactKeys),
    ...whole('policy authority', document.policyAuthorities ?? []),
    ...(attestation?.keys ?? []).map(({ name, since }) => ({
      kind: 'attestation key' as const,
      value: name,
      limit: `since boot ${since.resetCount}.${since.restartCount} of its TPM`,
    })),
    ...(attestation?.pcrs ?? []).flatMap(({ index, values }) =>
      whole(
        'reference value',
        values.map((value) => `PCR ${index} ${value}`),
      ),
    ),
  ];
}

/** Two columns: what it is, and which; `remark` adds what a command has to say of it. */
export function trustLines(
  things: readonly TrustedThing[],
  remark: (thing: TrustedThing) => string | null = () => null,
): string[] {
  return columns(
    things.flatMap((thing): [string, string][] => {
      const said = [thing.limit, remark(thing)].filter((text) => text !== null);
      return [[thing.kind, thing.value], ...said.map((text): [string, string] => ['', text])];
    }),
  );
}

function limitOf({ retired }: TrustedLog): string | null {
  if (retired === null) return null;
  const until = `retired: believed up to its final tree head, over ${retired.size} entries`;
  return retired.compromisedFrom === undefined
    ? until
    : `${until}; in other hands: what it sealed from index ${retired.compromisedFrom} on is revoked`;
}
