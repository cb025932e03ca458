// A failure that the person at the terminal can act on, and the one place where it ends a command.
// Anything else that is thrown is a defect and crashes with its stack.

/** Exit code for "something this command needs is not there": the same meaning as in the `writ` command. */
export const UNAVAILABLE = 3;

/** Says in one sentence what failed and what to do next; `exitCode` becomes the command's own. */
export class SetupFailure extends Error {
  /**
   * @param {string} message
   * @param {{ exitCode?: number, cause?: unknown }} [options]
   */
  constructor(message, { exitCode = 1, cause } = {}) {
    super(message, { cause });
    this.name = 'SetupFailure';
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command's main function and turns its outcome into the process's exit code.
 * @param {() => number | Promise<number>} main resolves to the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
