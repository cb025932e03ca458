/** The one error for a daemon that cannot start. */

/** The daemon cannot start; the message says why and what to do. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
