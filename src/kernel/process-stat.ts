/** Reads the line of /proc/PID/stat (proc_pid_stat(5)). Pure. */

export interface ProcessStat {
  /** One letter: R, S, D, T, t, I, or Z and X for a process that has ended. */
  readonly state: string;
  /** When the process started, in clock ticks since boot (field 22): together with the pid it names one process. */
  readonly startTime: number;
}

/** Fields behind the name, counted from the state, which is field 3. */
const stateField = 0;
const startTimeField = 19;

/**
 * Parses the line; bytes beyond ASCII may have been decoded any way. The name in parentheses is the process's own
 * choice and may hold spaces, parentheses and newlines, so everything is counted from the last `)`.
 * Throws SyntaxError when the line is none.
 */
export function parseProcessStat(line: string): ProcessStat {
  const fields = line
    .slice(line.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const state = fields[stateField];
  const startTime = fields[startTimeField];
  if (!line.includes(')') || state === undefined || !/^[A-Za-z]$/.test(state)) {
    throw new SyntaxError('no process state in the line of /proc/PID/stat');
  }
  if (startTime === undefined || !/^\d+$/.test(startTime) || !Number.isSafeInteger(Number(startTime))) {
    throw new SyntaxError('no start time in the line of /proc/PID/stat');
  }
  return { state, startTime: Number(startTime) };
}
