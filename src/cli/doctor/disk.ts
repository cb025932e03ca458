/** Checks of the disk under the state directory: its kind, its room, and that what is written to it stays. */

import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoName } from '../../kernel/errno.js';
import type { Deployment } from './deployment.js';
import { type Finding, verdictsOf } from './finding.js';

/** Below the first the daemon will soon deny for want of room, below the second somebody should look. */
const scarceBytes = 64 << 20;
const lowBytes = 1 << 30;
const scarceInodes = 100;
const lowInodes = 10_000;

/** Magic numbers of statfs(2) of file systems that do not keep what is written, or not as fsync(2) promises. */
const doubtfulFileSystems: ReadonlyMap<number, { readonly name: string; readonly why: string }> = new Map([
  [0x01021994, { name: 'tmpfs', why: 'it is lost when the machine restarts' }],
  [0x858458f6, { name: 'ramfs', why: 'it is lost when the machine restarts' }],
  [0x794c7630, { name: 'overlayfs', why: "a container's own layer is lost with the container" }],
  [0x6969, { name: 'NFS', why: 'locks and fsync depend on the server' }],
  [0xff534d42, { name: 'CIFS', why: 'locks and fsync depend on the server' }],
  [0xfe534d42, { name: 'SMB2', why: 'locks and fsync depend on the server' }],
  [0x01021997, { name: '9p', why: 'locks and fsync depend on the server' }],
  [0x65735546, { name: 'FUSE', why: 'what fsync does depends on the program behind it' }],
]);

export function checkDisk({ locations: { stateDirectory }, ownerUid }: Deployment): Finding[] {
  const { ok, failed, skipped, warning } = verdictsOf('disk');
  if (ownerUid === null) return [skipped('there is no state directory to look under')];
  const { type, bavail, bsize, files, ffree } = statfsSync(stateDirectory);
  const findings: Finding[] = [];
  const doubtful = doubtfulFileSystems.get(type >>> 0);
  if (doubtful !== undefined)
    findings.push(
      warning(
        `${stateDirectory} is on ${doubtful.name}: ${doubtful.why}`,
        'Keep the state of anything but a trial on a local disk (ext4, XFS, Btrfs, ZFS).',
      ),
    );
  const freeBytes = bavail * bsize;
  const roomy =
    'Make room, or move the state to a larger disk: without room nothing is granted (LOG_UNAVAILABLE).';
  if (freeBytes < scarceBytes)
    findings.push(failed(`only ${sizeText(freeBytes)} are free for the journal`, roomy));
  else if (freeBytes < lowBytes)
    findings.push(warning(`only ${sizeText(freeBytes)} are free for the journal`, roomy));
  // File systems that make inodes as they need them name none.
  if (files > 0 && ffree < lowInodes) {
    const verdict = ffree < scarceInodes ? failed : warning;
    findings.push(verdict(`only ${ffree} inodes are free; each tile of the log is a file`, roomy));
  }
  const probe = probeWriting(stateDirectory);
  if (probe.outcome === 'refused')
    findings.push(skipped(`this user may not write to ${stateDirectory}, so writing was not tried`));
  if (probe.outcome === 'failed')
    findings.push(
      failed(
        `a file cannot be written to ${stateDirectory} and synced: ${probe.problem}`,
        'Check the disk (mount options, quota, dmesg); without it nothing is granted (LOG_UNAVAILABLE).',
      ),
    );
  if (findings.some(({ outcome }) => outcome !== 'skipped') || probe.outcome !== 'written') return findings;
  return [ok(`${sizeText(freeBytes)} free; a write with fsync took ${probe.tookMs.toFixed(1)} ms`)];
}

type Probe =
  | { readonly outcome: 'written'; readonly tookMs: number }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'failed'; readonly problem: string };

/** One small file, written, synced and removed again, whatever happens. */
function probeWriting(directory: string): Probe {
  const path = join(directory, `doctor-probe.${process.pid}`);
  const startMs = performance.now();
  try {
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, Buffer.alloc(4096));
      fsyncSync(file);
    } finally {
      closeSync(file);
      rmSync(path);
    }
    return { outcome: 'written', tookMs: performance.now() - startMs };
  } catch (cause) {
    const code = errnoName(cause);
    if (code === null) throw cause;
    return code === 'EACCES'
      ? { outcome: 'refused' }
      : { outcome: 'failed', problem: (cause as Error).message };
  }
}

function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
