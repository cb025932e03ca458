/**
 * What each stage of an authorization costs, by itself and in one process: the stages' own functions on a real
 * connection, a real bundle, a real journal. Beside one Ed25519 signature by node:crypto, which is what a service that
 * signs each answer would pay on top.
 */

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caller } from '../src/daemon/caller.js';
import type { GrantTerms } from '../src/daemon/grant-terms.js';
import { Machine } from '../src/daemon/machine.js';
import { parseLine } from '../src/daemon/pipeline/parse.js';
import { resultLine } from '../src/daemon/pipeline/reply.js';
import { grantResult } from '../src/daemon/pipeline/seal.js';
import { grantStatement, grantTerms, lineageUnder } from '../src/daemon/pipeline/statement.js';
import { policyService } from '../src/daemon/policy-service.js';
import type { SealedPayload } from '../src/daemon/sealing.js';
import type { ExecuteAction } from '../src/format/action.js';
import { artifactIdOf } from '../src/format/artifact-id.js';
import { pae } from '../src/format/dsse.js';
import { encodeEntry } from '../src/format/entry.js';
import { RememberedTexts } from '../src/format/jcs.js';
import { requestDigest, requestText } from '../src/format/protocol.js';
import { statementPayloadType, statementText } from '../src/format/statement.js';
import { utf8Encode } from '../src/format/utf8.js';
import { evidenceDigests, evidenceDigestsBatch } from '../src/hash/evidence.js';
import { Journal } from '../src/log/journal.js';
import type { Frame } from '../src/log/journal-frame.js';
import { ProofTexts } from '../src/log/proof-texts.js';
import { TileTree } from '../src/log/tile-tree.js';
import { leafHash } from '../src/merkle/tree.js';
import { loadBundle } from '../src/policy/bundle.js';
import { createEngine } from '../src/policy/engine.js';
import { type MicroTask, measureTasks } from './micro.js';
import type { Row, Section } from './report/model.js';
import { spreadOf } from './report/spread.js';
import { comparison } from './rows/common.js';
import { type Defer, scoped } from './scope.js';

/** How many requests share a batch; a call of a task is one request, or one whole batch. */
const batch = 256;
const executable = '/usr/bin/echo';

interface StageTask extends MicroTask {
  readonly requests: number;
}

/** What the stages hand on to each other. */
interface Sample {
  readonly caller: Caller;
  readonly action: ExecuteAction;
  readonly terms: GrantTerms;
  readonly texts: RememberedTexts;
}

export function benchStages(quick: boolean): Promise<Section> {
  return scoped(async (defer) => {
    const tasks = await stageTasks(defer);
    const timesUs = await measureTasks(
      tasks,
      quick ? { rounds: 3, taskMs: 20, warmUpCalls: 40 } : { rounds: 9, taskMs: 100 },
    );
    const [signatureUs = []] = timesUs;
    const rows = tasks.map(({ name, requests }, position): Row => {
      const us = (timesUs[position] ?? []).map((time) => time / requests);
      const comparisons = position === 0 ? [] : [comparison(us, 'a signature', signatureUs, null)];
      return { name, unit: 'us', figure: spreadOf(us), comparisons, notes: [], details: {} };
    });
    return {
      name: 'stages',
      title: 'an authorization, stage by stage',
      method: [`Time a request, the tasks in turn; what a batch shares is measured on ${batch} and divided.`],
      rows,
      plots: [],
      remarks: [],
      faults: [],
    };
  });
}

async function stageTasks(defer: Defer): Promise<StageTask[]> {
  const directory = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  defer(() => rm(directory, { recursive: true }));
  const machine = new Machine(batch);
  defer(() => machine.close());
  const connection = machine.connect(await ownConnection(directory, defer));
  defer(async () => connection.close());
  const texts = new RememberedTexts();
  const bundle = await loadBundle(fileURLToPath(new URL('../../policies/', import.meta.url)));
  const policy = policyService(bundle, createEngine(bundle, texts), texts, null);
  const line = utf8Encode(requestLine('repeated'));
  const parsed = parseLine(line);
  // The first look reads and digests; the second finds what was kept.
  await machine.identify(connection, machine.look());
  const identified = await machine.identify(connection, machine.look());
  const asked = { type: 'execute', executable, argv: ['echo', 'repeated'], cwd: '/' } as const;
  await machine.measureAction({ ...asked, environmentDigest: '0'.repeat(128) });
  const measured = await machine.measureAction({ ...asked, environmentDigest: '0'.repeat(128) });
  if (parsed.outcome !== 'request' || identified.outcome !== 'identified' || measured.outcome !== 'measured')
    throw new Error('the sample request was refused');
  const { caller } = identified;
  const action = measured.action as ExecuteAction;
  const facts = (text: string) => ({
    claimed: { agent: null, user: null },
    request: { ...action, argv: ['echo', text], use: 'single', confine: 'tree', descend: 'any' } as const,
    purpose: null,
    ticket: null,
    attest: null,
    anchor: null,
    lineageDepth: 0,
    governed: false,
    nowSeconds: null,
  });
  const decision = policy.decide(caller, facts('repeated'));
  if (decision.decision !== 'allow') throw new Error(decision.denial.message);
  const options = {
    authority: null,
    ttlSeconds: 60,
    audience: null,
    bind: 'uid',
    descend: 'any',
    confine: 'tree',
    limits: { cpuSeconds: null, memoryBytes: null, processes: null, openFiles: null, fileBytes: null },
    lease: null,
  } as const;
  const terms = grantTerms(action, caller, {}, decision.record, options);
  texts.remember(terms.scope);
  texts.remember(terms.subject);
  const { privateKey } = generateKeyPairSync('ed25519');
  let number = 0;
  return [
    { name: 'one Ed25519 signature', requests: 1, run: () => sign(null, line, privateKey) },
    { name: 'parse', requests: 1, run: () => parseLine(line) },
    {
      name: 'identify: one look at a process',
      requests: 1,
      run: () => machine.identify(connection, machine.look()),
    },
    {
      name: 'measure: one look at an executable',
      requests: 1,
      run: () => {
        machine.look();
        return machine.measureAction({ ...asked, environmentDigest: '0'.repeat(128) });
      },
    },
    {
      name: 'decide, asked before: text and digest of the request',
      requests: 1,
      run: () => requestDigest(requestText('authorize', parsed.request.params)),
    },
    { name: 'decide, a new request', requests: 1, run: () => policy.decide(caller, facts(`${number++}`)) },
    ...(await sealTasks({ caller, action, terms, texts }, directory, defer)),
  ];
}

/** From the statement to the reply: what a request that was decided still costs. */
async function sealTasks(sample: Sample, directory: string, defer: Defer): Promise<StageTask[]> {
  const payloads = Array.from({ length: batch }, () => payloadOf(sample));
  const paes = payloads.map((payload) => pae(statementPayloadType, utf8Encode(payload)));
  const leaves = paes.map((bytes) => encodeEntry({ kind: 'authorization', digests: evidenceDigests(bytes) }));
  const { journal } = await Journal.open(join(directory, 'journal'), () => undefined);
  defer(() => journal.close());
  const frames = payloads.map((payload, position): Frame => {
    const leaf = leaves[position] ?? new Uint8Array();
    const attachment = new Uint8Array(2048);
    return {
      frame: 'entry',
      leaf,
      payloadType: statementPayloadType,
      payload: utf8Encode(payload),
      attachment,
    };
  });
  const tree = treeOf(leaves);
  const note = `bench.example/log\n${tree.size}\n${'A'.repeat(43)}=\n\n— bench.example/log ${'A'.repeat(92)}\n`;
  const proofs = () => {
    const sharing = new ProofTexts(tree.size, note, tree.subtree);
    return Array.from({ length: batch }, (_, position) => sharing.textOf(tree.size - 1 - position));
  };
  const [proof = ''] = proofs();
  const sealed: SealedPayload = {
    id: artifactIdOf(evidenceDigests(paes[0] ?? new Uint8Array())),
    index: tree.size - 1,
    payloadType: statementPayloadType,
    payload: utf8Encode(payloads[0] ?? ''),
    proof,
  };
  const vkey = `bench.example/log+00000000+${'A'.repeat(44)}`;
  return [
    { name: 'statement', requests: 1, run: () => payloadOf(sample) },
    { name: 'digests', requests: batch, run: () => evidenceDigestsBatch(paes) },
    { name: 'leaf hashes and tree', requests: batch, run: () => treeOf(leaves) },
    { name: 'journal: write', requests: batch, run: () => journal.append(frames) },
    {
      name: 'journal: write and fdatasync',
      requests: batch,
      run: () => journal.append(frames).then(() => journal.sync()),
    },
    { name: 'proofs', requests: batch, run: proofs },
    { name: 'reply', requests: 1, run: () => resultLine(1, grantResult(vkey, sealed)) },
  ];
}

function payloadOf({ terms, texts }: Sample): string {
  const occasion = {
    lineage: lineageUnder(null),
    notAfterCapMs: null,
    attribution: {
      daemon: 'writd-0000000000000000',
      host: '0'.repeat(64),
      log: 'bench.example/log',
      previousCheckpoint: { root: `${'A'.repeat(43)}=`, size: 1 },
      request: '0'.repeat(128),
    },
  };
  const stamp = { timeMs: Date.now(), nonce: randomBytes(16).toString('base64') };
  return statementText(grantStatement(terms, occasion, stamp), texts);
}

function treeOf(leaves: readonly Uint8Array[]): TileTree {
  const tree = new TileTree(() => {
    throw new Error('a tree in memory reads no tile back');
  });
  for (const leaf of leaves) tree.append(leafHash(leaf));
  return tree;
}

/** A Unix socket to this very process, as the daemon's end sees it. */
async function ownConnection(directory: string, defer: Defer): Promise<Socket> {
  const server = createServer();
  server.listen(join(directory, 'socket'));
  await once(server, 'listening');
  const client = connect(join(directory, 'socket'));
  const [socket]: Socket[] = await once(server, 'connection');
  if (socket === undefined) throw new Error('nobody connected');
  defer(async () => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return socket;
}

function requestLine(text: string): string {
  const action = {
    type: 'execute',
    executable,
    argv: ['echo', text],
    cwd: '/',
    environmentDigest: '0'.repeat(128),
  };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'authorize', params: { action } });
}
