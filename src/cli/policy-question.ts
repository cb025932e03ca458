/**
 * What a policy was asked, or would be: from the journal of the state directory, from a daemon where this user may not read that,
 * from a file, or from a command as typed.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { WritClient } from '../client/client.js';
import { digestFile } from '../client/file-digests.js';
import { type ArtifactId, artifactIdSchema } from '../format/artifact-id.js';
import { base64Decode } from '../format/base64.js';
import type { BundleFiles } from '../format/bundle-digest.js';
import { exactBytes } from '../format/exact-text.js';
import type { Binding, Peer } from '../format/predicate.js';
import type { Claims } from '../format/protocol.js';
import { Accounts } from '../identity/accounts.js';
import { findPastEntry } from '../policy/find-past-entry.js';
import { type PolicyInput, policyInput } from '../policy/input.js';
import { type PastEntry, pastBatch, readInput } from '../policy/past-decisions.js';
import { withDaemon } from './asking.js';
import { UsageError } from './cli-error.js';
import type { CliContext } from './context.js';
import { filesOf, whole } from './evidence/gather.js';
import { bundlesOf, explainedTrouble, isOutOfReach } from './past-log.js';
import { resolveCommand } from './resolve-command.js';

/** A question to a bundle. */
export interface PolicyQuestion {
  readonly files: BundleFiles;
  readonly input: PolicyInput;
}

/** Questions that were asked for one entry of the log, and everything that it was denied for. */
export interface PastQuestions {
  readonly entry: PastEntry;
  readonly questions: readonly PolicyQuestion[];
}

/** The entry with that id or index, with its questions. Throws UsageError where there is none, or nothing is kept of it. */
export async function pastQuestions(context: CliContext, word: string): Promise<PastQuestions> {
  const wanted = wantedEntry(word);
  const directory = join(context.locations.stateDirectory, 'journal');
  try {
    const entry = await findPastEntry(directory, wanted);
    if (entry !== null) return { entry, questions: await questionsOf(entry, bundlesOf(context)) };
  } catch (cause) {
    if (!isOutOfReach(cause)) throw explainedTrouble(directory, cause);
    return withDaemon(context, (client) => askedDaemon(client, wanted));
  }
  throw new UsageError(`the log holds no entry ${word}`);
}

function wantedEntry(word: string): ArtifactId | number {
  if (/^(?:0|[1-9]\d{0,14})$/.test(word)) return Number(word);
  const id = artifactIdSchema.safeParse(word);
  if (id.success) return id.data;
  throw new UsageError(`${word} is neither the id of a decision (sha3-512:…) nor the index of a log entry`);
}

async function questionsOf(
  entry: PastEntry,
  find: (digest: string) => Promise<BundleFiles | null>,
): Promise<readonly PolicyQuestion[]> {
  if (entry.content !== 'decisions' && entry.content !== 'activation') return [];
  const questions: PolicyQuestion[] = [];
  for (const { record, input } of entry.decisions) {
    const document = input === null ? null : readInput(input);
    if (document === null) throw new UsageError(`what entry ${entry.index} was decided on is not kept`);
    const files = await find(record.bundle);
    if (files === null) throw new UsageError(`the policy bundle ${record.bundle} is not kept`);
    questions.push({ files, input: document });
  }
  return questions;
}

/** What the daemon shows this user: its own decisions. */
async function askedDaemon(client: WritClient, wanted: ArtifactId | number): Promise<PastQuestions> {
  const indices = typeof wanted === 'number' ? [wanted] : await indicesAbout(client, wanted);
  for (const index of indices) {
    const answer = await client.entry({ index });
    if (answer.decision === 'deny' || answer.payload === null) continue;
    if (typeof wanted !== 'number' && answer.id !== wanted) continue;
    const attachment = (await whole((offset) => client.input({ index, offset }))) ?? new Uint8Array();
    const kept = {
      leaf: base64Decode(answer.leaf),
      payloadType: answer.payloadType,
      payload: base64Decode(answer.payload),
      attachment,
    };
    const [entry] = pastBatch([kept], index);
    if (entry === undefined) continue;
    const find = async (digest: string): Promise<BundleFiles | null> => {
      const document = await whole((offset) => client.bundle({ digest, offset }));
      return document === null ? null : filesOf(document);
    };
    return { entry, questions: await questionsOf(entry, find) };
  }
  throw new UsageError(`the daemon shows this user no decision ${wanted}`);
}

async function indicesAbout(client: WritClient, id: ArtifactId): Promise<readonly number[]> {
  const found = await client.evidence({ id });
  return found.decision === 'allow' ? found.indices : [];
}

/** What would be asked if this process asked for a command, now and here. */
export async function commandInput(
  context: CliContext,
  words: readonly string[],
  claims: Claims,
): Promise<PolicyInput> {
  const action = resolveCommand(words, context.own, context.environment.PATH ?? '');
  const { digests } = await digestFile(Buffer.from(exactBytes(action.executable)));
  const accounts = new Accounts();
  const peer = await ownPeer();
  return policyInput({
    peer,
    user: accounts.userName(peer.uid),
    groups: accounts.groupNames([peer.gid, ...peer.groups]),
    environment: await boundEnvironment(context),
    claimed: { agent: claims.agent ?? null, user: claims.user ?? null },
    request: { ...action, digests, use: 'lease', confine: 'tree', descend: 'any' },
    purpose: claims.purpose ?? null,
    ticket: claims.ticket ?? null,
    attest: null,
    anchor: null,
    lineageDepth: 0,
    governed: false,
    nowSeconds: null,
  });
}

/** This process as the daemon would see it, but for its executable, which is the one that runs this program. */
async function ownPeer(): Promise<Peer> {
  const path = realpathSync(process.execPath);
  const { digests } = await digestFile(path);
  const cgroup = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? null;
  const gid = process.getegid?.() ?? 0;
  return {
    pid: process.pid,
    startTime: 0,
    uid: process.geteuid?.() ?? 0,
    gid,
    groups: (process.getgroups?.() ?? []).filter((group) => group !== gid),
    executable: { source: 'kernel', path, digests },
    cgroup,
    label: null,
  };
}

async function boundEnvironment(context: CliContext): Promise<readonly Binding[]> {
  const { bindings } = await withDaemon(context, (client) => client.environment());
  return bindings.filter(({ bound }) => bound).map(({ bound: _, ...binding }) => binding as Binding);
}
