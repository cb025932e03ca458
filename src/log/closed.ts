/** The one error for a log that is no longer read from. */

/** The log was closed before this read began: the daemon is stopping. Nothing is wrong with the log. */
export class LogClosedError extends Error {
  constructor() {
    super('the log is closed');
    this.name = 'LogClosedError';
  }
}
