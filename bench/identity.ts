/**
 * What it costs to know who asks, and from where: identifying a connection, identifying its process again for a request,
 * and measuring its namespaces. Medians of alternated rounds, and their ratios to one bare readlink of /proc/self/exe.
 */

import { once } from 'node:events';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKernelMeasurer } from '../src/environment/bindings.js';
import { defaultFileDigesterOptions, FileDigester } from '../src/environment/file-digest.js';
import { currentPeer, identifyPeer, probePidfdSupport } from '../src/identity/peer.js';
import { socketDescriptor } from '../src/kernel/socket-descriptor.js';

/** One thing to measure, called again and again. */
interface Way {
  readonly name: string;
  readonly run: () => unknown;
}

const rounds = 9;
const callsPerRound = 200;
const megabyte = 1_000_000;

/** Measures and prints; takes some seconds. */
export async function benchIdentity(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'writ-bench-'));
  const server = createServer();
  server.listen(join(directory, 'socket'));
  await once(server, 'listening');
  const client = connect(join(directory, 'socket'));
  const [socket]: Socket[] = await once(server, 'connection');
  const digester = new FileDigester();
  try {
    if (socket === undefined) throw new Error('nobody connected');
    const medians = await measure(waysOn(socket, digester));
    print(medians);
    await printDigestSpeed();
  } finally {
    await digester.close();
    client.destroy();
    socket?.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  }
}

function waysOn(socket: Socket, digester: FileDigester): readonly Way[] {
  const descriptor = socketDescriptor(socket);
  if (descriptor === null) throw new Error('the connection is closed');
  const support = probePidfdSupport();
  const connection = identifyPeer(descriptor, support);
  const measurer = createKernelMeasurer();
  return [
    { name: 'readlink /proc/self/exe', run: () => readlinkSync('/proc/self/exe') },
    { name: 'identifyPeer (a connection)', run: () => identifyPeer(descriptor, support).close() },
    {
      name: 'currentPeer (a request)',
      run: () => currentPeer(connection, (path) => digester.digest(path, 'executable')),
    },
    { name: 'measure the environment', run: () => measurer.measure(connection.facts) },
  ];
}

/** Median microseconds of each way; the ways take turns, so that a slow moment of the machine hits them all. */
async function measure(ways: readonly Way[]): Promise<ReadonlyMap<string, number>> {
  const samples = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of ways) {
      const startNs = process.hrtime.bigint();
      for (let call = 0; call < callsPerRound; call++) await run();
      // The first round warms up.
      if (round > 0)
        samples.get(name)?.push(Number(process.hrtime.bigint() - startNs) / 1000 / callsPerRound);
    }
  }
  return new Map([...samples].map(([name, times]) => [name, median(times)]));
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

function print(medians: ReadonlyMap<string, number>): void {
  const [reference = Number.NaN] = medians.values();
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, Linux ${release()}, Node ${process.version}`;
  console.log(`identity and environment (${machine}; medians of ${rounds} rounds)`);
  for (const [name, microseconds] of medians) {
    const ratio = (microseconds / reference).toFixed(1);
    console.log(`  ${name.padEnd(32)} ${microseconds.toFixed(1).padStart(8)} us  ${ratio.padStart(6)} x`);
  }
}

/** Three digests of a large file, nothing kept: what each request costs a caller whose program a user could change. */
async function printDigestSpeed(): Promise<void> {
  const digester = new FileDigester({ ...defaultFileDigesterOptions, maxCached: 0 });
  const samplesMs: number[] = [];
  let sizeBytes = 0;
  for (let round = 0; round < rounds; round++) {
    const startNs = process.hrtime.bigint();
    const reading = await digester.digest(process.execPath, 'executable');
    if (reading.outcome === 'refused') throw new Error(reading.reason);
    samplesMs.push(Number(process.hrtime.bigint() - startNs) / 1e6);
    sizeBytes = reading.sizeBytes;
  }
  await digester.close();
  const timeMs = median(samplesMs);
  const speed = (sizeBytes / megabyte / (timeMs / 1000)).toFixed(0);
  console.log(
    `  digest ${(sizeBytes / megabyte).toFixed(0)} MB in a thread`.padEnd(35),
    `${timeMs.toFixed(0)} ms, ${speed} MB/s`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await benchIdentity();
