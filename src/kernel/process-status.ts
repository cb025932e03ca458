/** The lines of /proc/PID/status (proc_pid_status(5)) that say whose a process is, and what it may do. */

import { readFileSync } from 'node:fs';
import { ProcessReadError } from './process.js';

export interface ProcessStatus {
  readonly parentPid: number;
  /** Real, effective, saved and file system ids. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Supplementary groups, sorted. */
  readonly groups: readonly number[];
  /** Its pid in each PID namespace that it is in, the reader's first. */
  readonly namespacePids: readonly number[];
  /** Whether no program that it executes can gain rights (PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges: boolean;
  /** Whether it has any capability, or could pass one on to what it executes. */
  readonly hasCapabilities: boolean;
}

/** Reads the status of a process. Throws ProcessReadError. */
export function readProcessStatus(pid: number): ProcessStatus {
  const file = `/proc/${pid}/status`;
  try {
    return parseProcessStatus(readFileSync(file, 'latin1'));
  } catch (cause) {
    throw new ProcessReadError(file, cause);
  }
}

/** Throws SyntaxError where a line is missing. The name of the process, which it chooses itself, has its newlines escaped. */
export function parseProcessStatus(text: string): ProcessStatus {
  const lines = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const field = (name: string): string => {
    const value = lines.get(name);
    if (value === undefined) throw new SyntaxError(`no line ${name} in the status of the process`);
    return value;
  };
  const numbers = (name: string): number[] => {
    const values = field(name).split(/\s+/).filter(Boolean).map(Number);
    if (!values.every(Number.isSafeInteger)) throw new SyntaxError(`no numbers in the line ${name}`);
    return values;
  };
  const [parentPid] = numbers('PPid');
  const uids = numbers('Uid');
  const gids = numbers('Gid');
  if (parentPid === undefined || uids.length !== 4 || gids.length !== 4)
    throw new SyntaxError('the ids in the status of the process are not complete');
  return {
    parentPid,
    uids,
    gids,
    groups: numbers('Groups').sort((left, right) => left - right),
    namespacePids: numbers('NSpid'),
    noNewPrivileges: field('NoNewPrivs') === '1',
    hasCapabilities: ['CapPrm', 'CapInh', 'CapAmb'].some((name) => !/^0+$/.test(field(name))),
  };
}
