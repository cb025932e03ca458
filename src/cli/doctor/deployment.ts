/** What every check looks at: found once, before the first of them, and changed by none. */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WritForeignAnswerError, WritRpcError, WritUnavailableError } from '../../client/errors.js';
import { type Config, ConfigError, loadConfig } from '../../daemon/config.js';
import type { StatusResult } from '../../format/protocol.js';
import { HsmError, type HsmFault } from '../../hsm/faults.js';
import { findKeysFile, type PinnedToken } from '../../hsm/keys-file.js';
import { retiredLogKeys } from '../../hsm/succession.js';
import { errnoName } from '../../kernel/errno.js';
import { type LogEnd, readLogEnd } from '../../log/log-end.js';
import { type Locations, resolveLocations } from '../../state/locations.js';
import type { CliContext, GlobalFlags } from '../context.js';
import { type LockState, lockState } from './lock-holder.js';

/** What the user asked for. `fullLog`: recompute all of it. `login`: log in to the token even where that is in doubt. */
export interface DoctorOptions {
  readonly fullLog: boolean;
  readonly login: boolean;
}

/** `file` is null where everything has its default. */
export type ConfigurationReading =
  | { readonly read: 'yes'; readonly config: Config; readonly file: string | null }
  | { readonly read: 'no'; readonly problem: string };

export type PinsReading =
  | { readonly pins: 'found'; readonly pinned: PinnedToken }
  | { readonly pins: 'missing' }
  | { readonly pins: 'unusable'; readonly fault: HsmFault };

/** `silent`: something is there that gives no answer of a daemon. `closed`: this user may not ask. */
export type DaemonReading =
  | { readonly daemon: 'answers'; readonly status: StatusResult }
  | { readonly daemon: 'silent' | 'closed'; readonly problem: string }
  | { readonly daemon: 'absent' };

export interface Deployment {
  readonly options: DoctorOptions;
  /** Of this installation. */
  readonly version: string;
  readonly locations: Locations;
  readonly configuration: ConfigurationReading;
  readonly pins: PinsReading;
  readonly keysFile: string;
  readonly lock: LockState;
  readonly daemon: DaemonReading;
  readonly log: LogEnd;
  /** Who owns the state directory, and should own what is in it; null where there is none. */
  readonly ownerUid: number | null;
}

/** A daemon that serves answers at once; one that hangs is found out after this. */
const answerTimeoutMs = 5_000;

/** Looks at the deployment that the global options and the environment name. Asks the daemon before anything else is touched. */
export async function findDeployment(
  { flags, environment, version }: Pick<CliContext, 'flags' | 'environment' | 'version'>,
  options: DoctorOptions,
): Promise<Deployment> {
  const { configuration, locations } = readConfiguration(flags, environment);
  const { stateDirectory, socketPath } = locations;
  const keysFile = join(stateDirectory, 'keys.json');
  const pins = readPins(keysFile);
  return {
    options,
    version,
    locations,
    configuration,
    daemon: await askDaemon(socketPath),
    log: await findLog(stateDirectory, pins),
    lock: lockState(join(stateDirectory, 'writd.lock')),
    keysFile,
    pins,
    ownerUid: ownerOf(stateDirectory),
  };
}

/** Whether a daemon may be using the token at this moment. */
export function mayDaemonRun({ daemon, lock }: Pick<Deployment, 'daemon' | 'lock'>): boolean {
  return daemon.daemon !== 'absent' || lock.lock !== 'free';
}

function readConfiguration(
  { state, socket }: GlobalFlags,
  environment: CliContext['environment'],
): Pick<Deployment, 'configuration' | 'locations'> {
  const located = resolveLocations({ ...environment, WRIT_HOME: state ?? environment.WRIT_HOME });
  const file = environment.WRIT_CONFIG ?? join(located.stateDirectory, 'writ.toml');
  try {
    const config = loadConfig({ state, socket }, environment);
    const isThere = environment.WRIT_CONFIG !== undefined || existsSync(file);
    return { configuration: { read: 'yes', config, file: isThere ? file : null }, locations: config };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const locations = { ...located, socketPath: socket ?? located.socketPath };
    return { configuration: { read: 'no', problem: cause.message }, locations };
  }
}

async function askDaemon(socketPath: string): Promise<DaemonReading> {
  const { connect } = await import('../../client/client.js');
  try {
    const client = await connect({ socketPath, timeoutMs: answerTimeoutMs });
    try {
      return { daemon: 'answers', status: await client.status() };
    } finally {
      await client.close();
    }
  } catch (cause) {
    if (cause instanceof WritForeignAnswerError || cause instanceof WritRpcError)
      return { daemon: 'silent', problem: cause.message };
    if (!(cause instanceof WritUnavailableError)) throw cause;
    const { code } = (cause.cause ?? {}) as NodeJS.ErrnoException;
    // ENOTSOCK comes as ECONNREFUSED on Linux; what lies at the path is the socket check's concern.
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return { daemon: 'absent' };
    return { daemon: code === 'EACCES' ? 'closed' : 'silent', problem: cause.message };
  }
}

/** The end of the log, under the log key that is pinned and those before it; without pins, under no key. */
function findLog(stateDirectory: string, pins: PinsReading): Promise<LogEnd> {
  const directories = { log: join(stateDirectory, 'log'), journal: join(stateDirectory, 'journal') };
  if (pins.pins !== 'found') return readLogEnd(directories, null);
  const { keys, succession } = pins.pinned;
  return readLogEnd(directories, { current: keys.log.publicKey, retired: retiredLogKeys(succession) });
}

/** Null also for a directory that this user may not look at: the check of the state says so. */
function ownerOf(directory: string): number | null {
  try {
    return statSync(directory).uid;
  } catch (cause) {
    if (errnoName(cause) === null) throw cause;
    return null;
  }
}

function readPins(keysFile: string): PinsReading {
  try {
    const pinned = findKeysFile(keysFile);
    return pinned === null ? { pins: 'missing' } : { pins: 'found', pinned };
  } catch (cause) {
    if (!(cause instanceof HsmError)) throw cause;
    return { pins: 'unusable', fault: cause.fault };
  }
}
