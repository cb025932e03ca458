/** What the figures were measured on: machine, kernel, and the versions of everything that takes part. */

import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Reads it; a program that is not there has the version "none". */
export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown processor',
    processors: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      'openssl of node': process.versions.openssl,
      openssl: version('openssl', ['version'], /OpenSSL (\S+)/),
      openssh: version('ssh', ['-V'], /OpenSSH_([^\s,]+)/),
      softhsm2: version('softhsm2-util', ['--version'], /(\d\S*)/),
    },
  };
}

/** In one line. */
export function machineLine({ processor, processors, memoryGib, kernel, versions }: Machine): string {
  const software = Object.entries(versions).map(([name, text]) => `${name} ${text}`);
  return `${processor} x ${processors}, ${memoryGib} GiB, Linux ${kernel}; ${software.join(', ')}`;
}

function version(program: string, parameters: readonly string[], pattern: RegExp): string {
  const { stdout, stderr, error } = spawnSync(program, parameters, { encoding: 'utf8' });
  if (error !== undefined) return 'none';
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? 'unknown';
}
