/** The exit codes of every command (docs/cli.md). `run` passes on those of the program that it started. */

export const exitCodes = {
  /** Allowed, valid, done. */
  ok: 0,
  /** Denied or invalid; also an answer that cannot be trusted. */
  denied: 1,
  /** The command line, or a file that it names, cannot be used. Nothing was asked. */
  usage: 2,
  /** No daemon, token or log could be reached. */
  unavailable: 3,
  /** A fault of this program (EX_SOFTWARE of sysexits(3)). */
  fault: 70,
} as const;

export type ExitCode = number;
