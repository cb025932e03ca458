/** Artifacts in files: how commands read and write them, and how an id or a file stands for an artifact. */

import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ArtifactId, artifactIdOf, artifactIdSchema } from '../format/artifact-id.js';
import { type Envelope, envelopePayload, envelopeSchema } from '../format/dsse.js';
import { entryOf } from '../format/entry.js';
import { JsonFaultError, type JsonValue, parseJsonBytes } from '../format/strict-json.js';
import { decodePayload, type LoggedPayload } from '../verify/payload.js';
import { fileProblem, UsageError } from './cli-error.js';

/** Far more than any artifact or trust bundle. */
const maxFileBytes = 1 << 20;
/** More than any evidence pack of a sensible lineage. */
const maxPackBytes = 1 << 26;

/** An artifact as a file holds it. Nothing in it is verified. */
export interface ArtifactFile {
  readonly envelope: Envelope;
  readonly id: ArtifactId;
  readonly payload: LoggedPayload;
}

/** Writes the envelope alone: one line of JSON and a newline. Throws UsageError. */
export async function writeArtifact(path: string, envelope: Envelope): Promise<void> {
  await writeText(path, `${JSON.stringify(envelope)}\n`);
}

/** Throws UsageError when the file cannot be written. */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new UsageError(fileProblem(path, cause), { cause });
  }
}

/**
 * Looks whether a file can be written, before anything is asked for that would be lost if it cannot. Creates nothing.
 * Throws UsageError.
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isDirectory()) return await access(path, constants.W_OK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new UsageError(fileProblem(path, cause), { cause });
    return requireDirectory(path);
  }
  throw new UsageError(`${path} is a directory; name a file`);
}

async function requireDirectory(path: string): Promise<void> {
  const directory = dirname(path);
  try {
    await access(directory, constants.W_OK);
  } catch (cause) {
    const sentence =
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? `${path} cannot be written: there is no directory ${directory}`
        : fileProblem(directory, cause);
    throw new UsageError(sentence, { cause });
  }
}

/** The bytes of a small file. Throws UsageError. */
export async function readSmallFile(path: string, maxBytes: number = maxFileBytes): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= maxBytes) return await readFile(path);
  } catch (cause) {
    throw new UsageError(fileProblem(path, cause), { cause });
  }
  throw new UsageError(`${path} is larger than ${maxBytes} bytes, so it is not what is expected here`);
}

/** A JSON document from a file. Throws UsageError. */
export async function readJsonFile(path: string): Promise<JsonValue> {
  const bytes = await readSmallFile(path);
  try {
    return parseJsonBytes(bytes);
  } catch (cause) {
    throw new UsageError(`${path}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * What a file holds, for the verifier to judge: text that is no JSON is judged as a text, and so is malformed.
 * Throws UsageError only for a file that cannot be read.
 */
export async function readCandidate(path: string): Promise<unknown> {
  const bytes = await readSmallFile(path, maxPackBytes);
  try {
    return parseJsonBytes(bytes);
  } catch (cause) {
    if (cause instanceof JsonFaultError) return `no JSON: ${cause.message}`;
    throw cause;
  }
}

/** Reads an artifact without verifying it. Throws UsageError. */
export async function readArtifact(path: string): Promise<ArtifactFile> {
  const parsed = envelopeSchema.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new UsageError(`${path} is not an artifact: it is no DSSE envelope`);
  const envelope = parsed.data;
  try {
    const bytes = envelopePayload(envelope);
    const payload = decodePayload(envelope.payloadType, bytes);
    const { digests } = entryOf(payload.kind, envelope.payloadType, bytes);
    return { envelope, id: artifactIdOf(digests), payload };
  } catch (cause) {
    throw new UsageError(`${path} is not an artifact of Writ: ${(cause as Error).message}`, { cause });
  }
}

/** The id that a word on the command line means: an id itself, or the artifact in a file. Throws UsageError. */
export async function artifactIdFrom(word: string): Promise<ArtifactId> {
  return idItself(word) ?? (await readArtifact(word)).id;
}

/** The id that a word is; null for one that must be the name of a file. Throws UsageError for an id that is none. */
export function idItself(word: string): ArtifactId | null {
  const id = artifactIdSchema.safeParse(word);
  if (id.success) return id.data;
  if (word.startsWith('sha3-512:'))
    throw new UsageError(`${word} is no id: sha3-512: and 128 lower-case hexadecimal digits are expected`);
  return null;
}
