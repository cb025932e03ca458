/** Finds entries: in the published log by kind or id, and through the daemon with what their payloads say. */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WritClient } from '../client/client.js';
import { WritUnavailableError } from '../client/errors.js';
import { type ArtifactId, artifactIdOf } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import { parseCheckpoint } from '../format/checkpoint.js';
import { type Envelope, sealEnvelope } from '../format/dsse.js';
import { decodeEntry, type EntryKind } from '../format/entry.js';
import { parseNote } from '../format/note.js';
import { utf8Encode } from '../format/utf8.js';
import { PublishedLog, PublishedLogError } from '../log/published-log.js';
import { bundlesBetween, tileWidth } from '../merkle/tile.js';
import { decodePayload, type LoggedPayload } from '../verify/payload.js';
import { artifactIdFrom } from './artifact-file.js';
import { withDaemon } from './asking.js';
import { MissingError, UsageError } from './cli-error.js';
import type { CliContext } from './context.js';
import { payloadSummary } from './statement-text.js';

/** An entry of the published log. `time` and `text` come from its payload; null where that was not to be had. */
export interface ShownEntry {
  readonly index: number;
  readonly kind: EntryKind;
  readonly id: ArtifactId;
  readonly time: string | null;
  readonly text: string | null;
}

/** The newest `count` entries of a kind (null: any), oldest first. Their files are read, not checked. */
export async function newestEntries(
  directory: string,
  count: number,
  kind: EntryKind | null,
): Promise<ShownEntry[]> {
  const found: ShownEntry[] = [];
  for await (const entry of entriesBackwards(directory)) {
    if (kind === null || entry.kind === kind) found.push(entry);
    if (found.length === count) break;
  }
  return found.reverse();
}

/** Adds what the daemon tells about the payloads. Without a daemon the entries stay as they are, and a note says so. */
export async function addSummaries(
  context: CliContext,
  entries: readonly ShownEntry[],
): Promise<ShownEntry[]> {
  try {
    return await withDaemon(context, (client) =>
      Promise.all(entries.map((entry) => addSummary(client, entry))),
    );
  } catch (cause) {
    if (!(cause instanceof WritUnavailableError)) throw cause;
    context.output.note(`payloads are not shown: ${cause.message}`);
    return [...entries];
  }
}

/** The log index that a word means: itself, or that of an id or of the artifact in a file. */
export async function indexOf(context: CliContext, client: WritClient, word: string): Promise<number> {
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(word)) return Number(word);
  const id = await artifactIdFrom(word);
  const lineage = await client.lineage({ id });
  const node =
    lineage.decision === 'allow' ? lineage.nodes.find((candidate) => candidate.id === id) : undefined;
  if (node !== undefined) return node.index;
  await publication(client);
  for await (const entry of entriesBackwards(join(context.locations.stateDirectory, 'log')))
    if (entry.id === id) return entry.index;
  throw new UsageError(`the published log holds no entry with the id ${id}`);
}

/** What was sealed until now is published, which follows a seal by up to a second. Throws MissingError when it is not. */
async function publication(client: WritClient): Promise<void> {
  const { sealedSize } = (await client.status()).log;
  for (let looks = 0; looks < 50; looks++) {
    if ((await client.status()).log.publishedSize >= sealedSize) return;
    await delay(100);
  }
  throw new MissingError(
    `the published log is still behind entry ${sealedSize - 1}; the daemon's messages say why (a full disk, for instance)`,
  );
}

/** What the log holds under the id of an authorization. Throws UsageError when it may not be had. */
export async function loggedPayload(client: WritClient, id: ArtifactId): Promise<LoggedPayload> {
  const lineage = await client.lineage({ id });
  const node =
    lineage.decision === 'allow' ? lineage.nodes.find((candidate) => candidate.id === id) : undefined;
  const entry = node === undefined ? null : await client.entry({ index: node.index });
  if (entry === null || entry.decision === 'deny' || entry.payload === null)
    throw new UsageError(
      `the daemon shows this user no authorization with the id ${id}; name the file that holds it`,
    );
  return decodePayload(entry.payloadType, base64Decode(entry.payload));
}

/** An entry and its proof as an envelope. Throws UsageError where the daemon does not show this user the payload. */
export async function envelopeOf(
  client: WritClient,
  { index, proof }: { readonly index: number; readonly proof: string },
): Promise<Envelope> {
  const answer = await client.entry({ index });
  if (answer.decision === 'deny' || answer.payload === null)
    throw new UsageError(`the daemon does not show this user what entry ${index} says`);
  const { log } = await client.status();
  return sealEnvelope(answer.payloadType, base64Decode(answer.payload), log.vkey, utf8Encode(proof));
}

async function addSummary(client: WritClient, entry: ShownEntry): Promise<ShownEntry> {
  const answer = await client.entry({ index: entry.index });
  if (answer.decision === 'deny' || answer.payload === null) return entry;
  return { ...entry, ...payloadSummary(decodePayload(answer.payloadType, base64Decode(answer.payload))) };
}

async function* entriesBackwards(directory: string): AsyncGenerator<ShownEntry> {
  const published = new PublishedLog(directory);
  try {
    const note = await published.checkpoint();
    const size = note === null ? 0 : parseCheckpoint(parseNote(note).text).size;
    for (const { index: bundle, width } of bundlesBetween(0, size).reverse()) {
      const leaves = await published.leaves(bundle, width);
      for (const [position, leaf] of [...leaves.entries()].reverse()) {
        const { kind, digests } = decodeEntry(leaf);
        yield {
          index: bundle * tileWidth + position,
          kind,
          id: artifactIdOf(digests),
          time: null,
          text: null,
        };
      }
    }
  } catch (cause) {
    if (cause instanceof PublishedLogError)
      throw new MissingError(
        `the published log in ${directory} cannot be read (${cause.file}: ${cause.message}); writ log check tells more`,
        { cause },
      );
    throw cause;
  }
}
