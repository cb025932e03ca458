/**
 * Where a PIN comes from. This says only how a source is named and kept in `keys.json`; the PIN itself is opened by the
 * process that logs in, and by no other (pkcs11/pin.ts).
 */

import { isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';

export type PinSource =
  /** A file that holds it as its one line. */
  | { readonly type: 'file'; readonly path: string }
  /** A credential that systemd hands to the service (systemd.exec(5)); it lies below $CREDENTIALS_DIRECTORY. */
  | { readonly type: 'credential'; readonly name: string; readonly refusalFile: string }
  /** The person at the terminal. */
  | { readonly type: 'prompt' }
  /** A file that this machine's TPM alone can open, in an approved state (sealed-pin.ts). */
  | { readonly type: 'tpm'; readonly path: string };

/** How long a person has to type a PIN, in milliseconds. */
export const promptTimeoutMs = 120_000;

/** How much longer a process may take to log in because of where its PIN comes from, in milliseconds. */
export function patienceMs(source: PinSource): number {
  return source.type === 'prompt' ? promptTimeoutMs : 0;
}

/** Names the PIN of a source to a reader. */
export function pinName(source: PinSource): string {
  switch (source.type) {
    case 'file':
      return `the PIN in ${source.path}`;
    case 'credential':
      return `the PIN in the credential ${source.name}`;
    case 'prompt':
      return 'the PIN that was typed';
    case 'tpm':
      return `the PIN sealed in ${source.path}`;
  }
}

/** A source between our own processes. */
export const pinSourceSchema: z.ZodType<PinSource> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('file'), path: z.string() }),
  z.object({ type: z.literal('credential'), name: z.string(), refusalFile: z.string() }),
  z.object({ type: z.literal('prompt') }),
  z.object({ type: z.literal('tpm'), path: z.string() }),
]);

/** A source in a file: one field, which names its kind. */
export const writtenPinSchema = z.union(
  [
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ credential: z.string().refine(isCredentialName, 'no name that a credential can have') }),
    z.strictObject({ prompt: z.literal(true) }),
    z.strictObject({ tpm: z.string().min(1) }),
  ],
  { error: 'not one of {"file": PATH}, {"credential": NAME}, {"prompt": true}, {"tpm": PATH}' },
);
export type WrittenPin = z.infer<typeof writtenPinSchema>;

/** Whether systemd could have a credential of that name: it is a plain file name. */
export function isCredentialName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

/** The source that a file in `directory` names; relative paths start there. */
export function pinSourceOf(written: WrittenPin, directory: string): PinSource {
  if ('file' in written) return { type: 'file', path: resolve(directory, written.file) };
  if ('credential' in written) return credentialSource(written.credential, directory);
  if ('tpm' in written) return { type: 'tpm', path: resolve(directory, written.tpm) };
  return { type: 'prompt' };
}

/**
 * A credential. It can be written neither to nor beside, so that a refusal of its PIN is remembered in `directory`.
 */
export function credentialSource(name: string, directory: string): PinSource {
  return { type: 'credential', name, refusalFile: join(directory, `${name}.pin-refused`) };
}

/** A source as a file in `directory` names it; paths below that directory become relative. */
export function writtenPinOf(source: PinSource, directory: string): WrittenPin {
  switch (source.type) {
    case 'file':
      return { file: inside(directory, source.path) };
    case 'credential':
      return { credential: source.name };
    case 'prompt':
      return { prompt: true };
    case 'tpm':
      return { tpm: inside(directory, source.path) };
  }
}

/** A path below the directory becomes relative to it; any other one absolute. */
export function inside(directory: string, path: string): string {
  const below = relative(directory, resolve(path));
  return below.startsWith('..') || isAbsolute(below) ? resolve(path) : join(below);
}
