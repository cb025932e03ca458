/** Things that must be given back, whatever happens in between: processes, and files that fill disks. */

/** Notes something to be done at the end; what was noted last is done first. */
export type Defer = (cleanup: Cleanup) => void;

type Cleanup = () => Promise<void>;

/** Of all scopes that are open, in the order in which they were noted. */
const open: Cleanup[] = [];

/** Runs `work`, then every cleanup that it noted. Throws what `work` threw, or else the first failure of a cleanup. */
export async function scoped<Result>(work: (defer: Defer) => Promise<Result>): Promise<Result> {
  const cleanups: Cleanup[] = [];
  const defer: Defer = (cleanup) => {
    cleanups.push(cleanup);
    open.push(cleanup);
  };
  let result: Result;
  try {
    result = await work(defer);
  } catch (cause) {
    await runAll(cleanups);
    throw cause;
  }
  const [failure] = await runAll(cleanups);
  if (failure !== undefined) throw failure.cause;
  return result;
}

/** For a program that is told to end: runs what every open scope has noted. Failures change nothing any more. */
export async function closeAllScopes(): Promise<void> {
  await runAll([...open]);
}

interface Failure {
  readonly cause: unknown;
}

/** Backwards, each once, and the next whatever became of the one before. */
async function runAll(cleanups: readonly Cleanup[]): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const cleanup of cleanups.toReversed()) {
    const position = open.indexOf(cleanup);
    if (position === -1) continue;
    open.splice(position, 1);
    await cleanup().catch((cause: unknown) => failures.push({ cause }));
  }
  return failures;
}
