/**
 * What it costs to know who asks, and from where: identifying a connection, identifying its process again for a request,
 * and measuring its namespaces, beside one bare readlink of /proc/self/exe; and what digesting an executable costs.
 */

import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentMeasurer } from '../src/environment/bindings.js';
import { defaultFileDigesterOptions, FileDigester } from '../src/environment/file-digest.js';
import { currentPeer, identifyPeer, probePidfdSupport } from '../src/identity/peer.js';
import { socketDescriptor } from '../src/kernel/socket-descriptor.js';
import { type MicroTask, measureTasks } from './micro.js';
import type { Row, Section } from './report/model.js';
import { spreadOf } from './report/spread.js';
import { comparison } from './rows/common.js';

const bytesPerMb = 1_000_000;

export async function benchIdentity(quick: boolean): Promise<Section> {
  const directory = mkdtempSync(join(tmpdir(), 'writ-bench-'));
  const server = createServer();
  server.listen(join(directory, 'socket'));
  await once(server, 'listening');
  const client = connect(join(directory, 'socket'));
  const [socket]: Socket[] = await once(server, 'connection');
  const digester = new FileDigester();
  try {
    if (socket === undefined) throw new Error('nobody connected');
    const tasks = tasksOn(socket, digester);
    const timesUs = await measureTasks(tasks, quick ? { rounds: 3, taskMs: 20 } : { rounds: 9, taskMs: 100 });
    const [referenceUs = []] = timesUs;
    const rows = tasks.map(({ name }, position): Row => {
      const us = timesUs[position] ?? [];
      const comparisons = position === 0 ? [] : [comparison(us, 'readlink', referenceUs, null)];
      return { name, unit: 'us', figure: spreadOf(us), comparisons, notes: [], details: {} };
    });
    return {
      name: 'identity',
      title: 'who asks, and from where',
      method: ['Time a call, the tasks in turn.'],
      rows: [...rows, await digestRow(quick ? 1 : 9)],
      plots: [],
      remarks: [],
      faults: [],
    };
  } finally {
    await digester.close();
    client.destroy();
    socket?.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  }
}

function tasksOn(socket: Socket, digester: FileDigester): MicroTask[] {
  const descriptor = socketDescriptor(socket);
  if (descriptor === null) throw new Error('the connection is closed');
  const support = probePidfdSupport();
  const connection = identifyPeer(descriptor, support);
  const measurer = new EnvironmentMeasurer();
  return [
    { name: 'readlink /proc/self/exe', run: () => readlinkSync('/proc/self/exe') },
    { name: 'identifyPeer (a connection)', run: () => identifyPeer(descriptor, support).close() },
    { name: 'glance (a request of a caller that is known)', run: () => connection.glance() },
    {
      name: 'currentPeer (a request of one that is not)',
      run: () => currentPeer(connection, (path) => digester.digest(path, 'executable')),
    },
    { name: 'measure the environment', run: () => measurer.measure(connection.facts) },
  ];
}

/** Three digests of a large file, nothing kept: what each request costs a caller whose program a user could change. */
async function digestRow(rounds: number): Promise<Row> {
  const digester = new FileDigester({ ...defaultFileDigesterOptions, maxCached: 0 });
  const mbPerSecond: number[] = [];
  let sizeBytes = 0;
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const reading = await digester.digest(process.execPath, 'executable');
    if (reading.outcome === 'refused') throw new Error(reading.reason);
    sizeBytes = reading.sizeBytes;
    mbPerSecond.push(sizeBytes / bytesPerMb / ((performance.now() - startMs) / 1000));
  }
  await digester.close();
  return {
    name: `three digests of ${(sizeBytes / bytesPerMb).toFixed(0)} MB in a thread`,
    unit: 'MB/s',
    figure: spreadOf(mbPerSecond),
    comparisons: [],
    notes: [],
    details: {},
  };
}
