/** What SQLite and the file system report about the index's file, as one error: is anything in it worth keeping? */

import Database from 'better-sqlite3';

/** `unusable`: nothing in the file is worth keeping; delete it. `unavailable`: try again later. */
export type IndexFault = 'unusable' | 'unavailable';

/** A call that changed nothing. */
export class IndexStoreError extends Error {
  readonly fault: IndexFault;

  constructor(fault: IndexFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexStoreError';
    this.fault = fault;
  }
}

/** Codes of SQLite (sqlite.org/rescode.html) that mean: this is not, or no longer, the file that we wrote. */
const unusableCode = /^SQLITE_(?:CORRUPT|NOTADB|FORMAT|SCHEMA|MISMATCH|CONSTRAINT|ERROR)(?:_|$)/;

/** Runs one step on the file; what SQLite and the file system report becomes an IndexStoreError. */
export function guarded<Result>(path: string, verb: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') throw cause;
    const isUnusable = cause instanceof Database.SqliteError && unusableCode.test(cause.code);
    const message = `${path} cannot be ${verb}: ${cause.message} (${cause.code})`;
    throw new IndexStoreError(isUnusable ? 'unusable' : 'unavailable', message, { cause });
  }
}
