/** Things that must be given back, whatever happens in between. */

/** Notes something to be done at the end; what was noted last is done first. */
export type Defer = (cleanup: () => Promise<void>) => void;

/** Runs `work`, then every cleanup that it noted. Throws what `work` threw, or else the first failure of a cleanup. */
export async function scoped<Result>(work: (defer: Defer) => Promise<Result>): Promise<Result> {
  const cleanups: (() => Promise<void>)[] = [];
  const failures: unknown[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const cleanup of cleanups.reverse()) await cleanup().catch((cause: unknown) => failures.push(cause));
  };
  let result: Result;
  try {
    result = await work((cleanup) => cleanups.push(cleanup));
  } catch (cause) {
    await cleanUp();
    throw cause;
  }
  await cleanUp();
  if (failures.length > 0) throw failures[0];
  return result;
}
