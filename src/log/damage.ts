/** The one error for a log that is not what was sealed. */

/** The log on disk contradicts a checkpoint that was signed over it, or cannot be read. The daemon must not start. */
export class LogDamageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogDamageError';
  }
}
