/** Every benchmark by name, in the order in which they run. */

import { benchIdentity } from './identity.js';
import { benchLogSize } from './log-size.js';
import { benchPolicy } from './policy.js';
import type { Section } from './report/model.js';
import { bindings } from './rows/bindings.js';
import { connections } from './rows/connections.js';
import { ed25519 } from './rows/ed25519.js';
import { hash } from './rows/hash.js';
import { latency } from './rows/latency.js';
import { slowHsm } from './rows/slow-hsm.js';
import { throughput } from './rows/throughput.js';
import { verify } from './rows/verify.js';
import { benchRun } from './run.js';
import { benchStages } from './stages.js';

export interface Benchmark {
  /** For --help. */
  readonly about: string;
  /** Without a name: `always`, in `full` runs, or not, because it takes too long (`named`). */
  readonly when: 'always' | 'full' | 'named';
  readonly run: (effort: Effort) => Promise<Section>;
}

/** How thoroughly a run measures. */
export interface Effort {
  readonly quick: boolean;
  /** How many entries the log of `log-size` has. */
  readonly entries: number;
}

export const catalogue: Readonly<Record<string, Benchmark>> = {
  throughput: {
    about: 'authorizations and redemptions a second, beside ssh-agent and the bare token',
    when: 'always',
    run: ({ quick }) => throughput(quick),
  },
  latency: {
    about: 'one client by itself beside fdatasync and the token; distribution under open and closed load',
    when: 'always',
    run: ({ quick }) => latency(quick),
  },
  'slow-hsm': {
    about: 'a token that takes 145 ms a signature, and (not quick) throughput against HSM latency',
    when: 'always',
    run: ({ quick }) => slowHsm(quick),
  },
  bindings: {
    about: 'what environment bindings cost: nothing bound, the default, everything',
    when: 'full',
    run: ({ quick }) => bindings(quick),
  },
  connections: {
    about: 'throughput against the number of connections',
    when: 'full',
    run: ({ quick }) => connections(quick),
  },
  'log-size': {
    about: 'memory, restart, old proofs and cost per authorization with a log of --entries entries',
    when: 'named',
    run: ({ entries }) => benchLogSize({ entries }),
  },
  verify: {
    about: 'offline verification of many artifacts',
    when: 'always',
    run: ({ quick }) => verify(quick),
  },
  hash: {
    about: 'SHA3-512 and BLAKE2b-512 against hash-wasm and node:crypto',
    when: 'always',
    run: ({ quick }) => hash(quick),
  },
  ed25519: {
    about: 'one signature, one verification: token, node:crypto, noble',
    when: 'always',
    run: ({ quick }) => ed25519(quick),
  },
  run: {
    about: 'writ run of a program that does nothing, beside a bare start of it',
    when: 'always',
    run: ({ quick }) => benchRun(quick),
  },
  stages: {
    about: 'what each stage of an authorization costs',
    when: 'always',
    run: ({ quick }) => benchStages(quick),
  },
  policy: { about: 'policy decisions', when: 'always', run: ({ quick }) => benchPolicy(quick) },
  identity: { about: 'who asks, and from where', when: 'always', run: ({ quick }) => benchIdentity(quick) },
};
