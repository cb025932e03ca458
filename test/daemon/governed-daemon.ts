/** A daemon whose leases are short, and what its log says of runs. */

import { chmodSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type WritClient } from '../../src/client/client.js';
import { base64Decode } from '../../src/format/base64.js';
import type { EndRecord, LeaseRecord } from '../../src/format/lease.js';
import type { Allowed } from '../../src/format/protocol.js';
import { decodeRecord, recordPayloadType } from '../../src/format/record.js';
import { projectRoot } from '../../src/state/locations.js';
import { prepareState, type RunningDaemon, startDaemon } from './running-daemon.js';

/** Starts a daemon, on a state of its own unless one is given, that gives leases of so many seconds. */
export async function startGoverned(leaseSeconds: number, state?: string): Promise<RunningDaemon> {
  const stateDirectory = state ?? (await prepareState());
  const policy = mkdtempSync(join(tmpdir(), 'writ-policy-'));
  cpSync(join(projectRoot, 'policies'), policy, { recursive: true });
  const bundle = join(policy, 'bundle.toml');
  const settings = readFileSync(bundle, 'utf8').replace(/^leaseSeconds.*$/m, '');
  writeFileSync(bundle, settings.replace('[settings]', `[settings]\nleaseSeconds = ${leaseSeconds}`));
  writeFileSync(join(stateDirectory, 'writ.toml'), '[socket]\nmode = "0666"\n');
  const daemon = await startDaemon({ stateDirectory, flags: ['--policy', policy] });
  // For the run that nobody's uid asks for.
  chmodSync(stateDirectory, 0o711);
  return daemon;
}

/** The lease record in an answer. */
export function leaseOf({ artifact }: Allowed): LeaseRecord {
  const record = decodeRecord(base64Decode(artifact.payload));
  if (record.type !== 'urn:writ:lease:v1') throw new Error('not a lease');
  return record;
}

export function clientOf({ socketPath }: RunningDaemon): Promise<WritClient> {
  return connect({ socketPath });
}

/** Every end record in the log so far. */
export async function endsIn(client: WritClient): Promise<EndRecord[]> {
  const { size } = await client.checkpoint();
  const ends: EndRecord[] = [];
  for (let index = 0; index < size; index++) {
    const entry = await client.entry({ index });
    if (entry.decision === 'deny' || entry.payloadType !== recordPayloadType || entry.payload === null)
      continue;
    const record = decodeRecord(base64Decode(entry.payload));
    if (record.type === 'urn:writ:end:v1') ends.push(record);
  }
  return ends;
}

/** The ends of one lease, once there is one. */
export async function endsOf(client: WritClient, { id }: Allowed): Promise<EndRecord[]> {
  for (;;) {
    const ends = (await endsIn(client)).filter(({ lease }) => lease === id);
    if (ends.length > 0) return ends;
    await pause(20);
  }
}
