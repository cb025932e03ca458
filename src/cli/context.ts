/** What a command works with, made from the global options. Heavy parts are loaded when they are first needed. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { WritClient } from '../client/client.js';
import type { Trust } from '../format/trust.js';
import { type Locations, resolveLocations } from '../state/locations.js';
import { UsageError } from './cli-error.js';
import type { Output } from './output.js';
import type { OwnProcess } from './own-process.js';

export interface GlobalFlags {
  readonly socket?: string;
  readonly state?: string;
  readonly json?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CliContext {
  readonly output: Output;
  readonly flags: GlobalFlags;
  readonly environment: Environment;
  readonly own: OwnProcess;
  /** Of this installation. */
  readonly version: string;
  /** Throws UsageError for a configuration file that cannot be used: a command that needs neither place works without. */
  readonly locations: Locations;
  /** Connects to the daemon; whoever calls this closes the client. */
  connect(trust?: Trust): Promise<WritClient>;
}

/** Finds state and socket as the daemon does: flags, then environment, then its configuration file, then defaults. */
export async function createContext(
  flags: GlobalFlags,
  { environment, own, version }: Pick<CliContext, 'environment' | 'own' | 'version'>,
  output: Output,
): Promise<CliContext> {
  const located = await locate(flags, environment);
  const locations = (): Locations => {
    if (located instanceof UsageError) throw located;
    return located;
  };
  return {
    output,
    flags,
    environment,
    own,
    version,
    get locations() {
      return locations();
    },
    connect: async (trust) => {
      const { socketPath } = locations();
      const { connect } = await import('../client/client.js');
      return connect({ socketPath, ...(trust === undefined ? {} : { trust }) });
    },
  };
}

/** The error, where the configuration cannot be used. */
async function locate(flags: GlobalFlags, environment: Environment): Promise<Locations | UsageError> {
  const home = flags.state === undefined ? environment.WRIT_HOME : resolve(flags.state);
  const located = resolveLocations({ ...environment, WRIT_HOME: home });
  const configured =
    environment.WRIT_CONFIG !== undefined || existsSync(join(located.stateDirectory, 'writ.toml'));
  if (!configured) return { ...located, socketPath: resolve(flags.socket ?? located.socketPath) };
  const { ConfigError, loadConfig } = await import('../daemon/config.js');
  try {
    return loadConfig({ state: home, socket: flags.socket }, environment);
  } catch (cause) {
    if (cause instanceof ConfigError) return new UsageError(cause.message, { cause });
    throw cause;
  }
}
