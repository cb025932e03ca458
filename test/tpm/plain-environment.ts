/** The environment for programs that are not ours: without the sanitizer's library, with which swtpm's own sandbox kills it. */

const { LD_PRELOAD: _, ...environment } = process.env;

export const plainEnvironment: NodeJS.ProcessEnv = environment;
