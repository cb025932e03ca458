/** Every way in which a command fails, turned into a sentence and an exit code. */

import { exitCodes } from './exit-code.js';

export interface Failure {
  readonly exitCode: number;
  /** A word for programs: USAGE, UNAVAILABLE, FOREIGN_ANSWER, FAULT, a fault of token or TPM, or the daemon's own code. */
  readonly code: string;
  readonly message: string;
}

/** Explains what was thrown. Unknown errors are faults of this program and keep their stack. */
export async function explain(cause: unknown): Promise<Failure> {
  const { MissingError, UsageError } = await import('./cli-error.js');
  if (cause instanceof UsageError || cause instanceof MissingError)
    return { exitCode: cause.exitCode, code: cause.label, message: cause.message };
  const { WritForeignAnswerError, WritRpcError, WritUnavailableError } = await import('../client/errors.js');
  if (cause instanceof WritUnavailableError)
    return { exitCode: exitCodes.unavailable, code: 'UNAVAILABLE', message: cause.message };
  if (cause instanceof WritForeignAnswerError)
    return { exitCode: exitCodes.denied, code: 'FOREIGN_ANSWER', message: cause.message };
  if (cause instanceof WritRpcError) {
    const exitCode = cause.dataCode === 'OVERLOADED' ? exitCodes.unavailable : exitCodes.usage;
    return { exitCode, code: cause.dataCode, message: `the request was refused: ${cause.message}` };
  }
  const { HsmError } = await import('../hsm/faults.js');
  if (cause instanceof HsmError)
    return { exitCode: exitCodes.unavailable, code: cause.fault.code, message: cause.message };
  const { TpmError } = await import('../tpm/faults.js');
  if (cause instanceof TpmError)
    return { exitCode: exitCodes.unavailable, code: cause.fault.code, message: cause.message };
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return { exitCode: exitCodes.fault, code: 'FAULT', message: `this is a fault of writ itself: ${message}` };
}
