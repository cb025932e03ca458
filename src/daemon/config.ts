/**
 * The daemon's configuration: one TOML file, environment variables over it, flags over those. Every key is listed and
 * explained in docs/configuration.md; an unknown one is an error, because a misspelt restriction restricts nothing.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { BindingSelection, SelectionError, variableName } from '../environment/selection.js';
import { firstIssue } from '../format/statement.js';
import { projectRoot, resolveLocations } from '../state/locations.js';
import type { StatusSettings } from './standing-status.js';
import type { TpmSettings } from './tpm.js';

/** Thrown for a configuration that cannot be used; the message names file and key. */
export class ConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
  }
}

const fileSchema = z.strictObject({
  state: z.string().min(1).optional(),
  socket: z
    .strictObject({
      path: z.string().min(1).optional(),
      /** Octal text, as chmod(1) takes it. */
      mode: z
        .string()
        .regex(/^0?[0-7]{3}$/)
        .optional(),
      group: z.string().min(1).optional(),
    })
    .optional(),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).optional(),
      origin: z
        .string()
        .regex(/^[A-Za-z0-9._/:-]{1,200}$/)
        .optional(),
    })
    .optional(),
  environment: z
    .strictObject({
      bind: z.array(z.string()).optional(),
      variables: z
        .array(z.string().regex(variableName, 'must be a name of an environment variable'))
        .max(64)
        .optional(),
    })
    .optional(),
  policy: z
    .strictObject({
      directory: z.string().min(1).optional(),
      authority: z.enum(['required', 'optional']).optional(),
    })
    .optional(),
  hsm: z
    .strictObject({
      call_timeout_ms: z.int().min(10).max(600_000).optional(),
      start_timeout_ms: z.int().min(100).max(600_000).optional(),
    })
    .optional(),
  tpm: z
    .strictObject({
      quote_period_seconds: z.int().min(1).max(86_400).optional(),
      anchor_period_seconds: z.int().min(1).max(86_400).optional(),
      anchor_writes_per_day: z.int().min(1).max(1_000_000).optional(),
      call_timeout_ms: z.int().min(100).max(600_000).optional(),
      outlives_snapshots: z.boolean().optional(),
    })
    .optional(),
  status: z
    .strictObject({
      period_seconds: z.int().min(0).max(86_400).optional(),
      valid_seconds: z.int().min(1).max(2_592_000).optional(),
    })
    .optional(),
  watchdog: z.strictObject({ socket: z.string().min(1).optional() }).optional(),
  limits: z
    .strictObject({
      seal_timeout_ms: z.int().min(100).max(600_000).optional(),
      max_waiting_entries: z.int().min(1).max(1_000_000).optional(),
      max_waiting_bytes: z.int().min(65_536).max(1_073_741_824).optional(),
      max_connections: z.int().min(1).max(65_536).optional(),
      max_in_flight_per_connection: z.int().min(1).max(65_536).optional(),
    })
    .optional(),
});

/** Resolved configuration: every value has its default, every path is absolute. */
export interface Config {
  readonly stateDirectory: string;
  readonly socketPath: string;
  readonly socketMode: number;
  readonly socketGroup: string | null;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** Null: the origin chosen at the first start is kept in the state directory. */
  readonly origin: string | null;
  readonly policyDirectory: string;
  /** Whether a policy authority must sign bundles. Null: once one is pinned. */
  readonly policyAuthority: 'required' | 'optional' | null;
  /** Which facts of machine and caller are sealed, shown to policies and compared. */
  readonly bindings: BindingSelection;
  readonly hsmCallTimeoutMs: number;
  readonly hsmStartTimeoutMs: number;
  readonly tpm: TpmSettings;
  /** Standing status statements. */
  readonly status: StatusSettings;
  /** Socket of a watchdog that runs as a service of root; null: the daemon starts its own. */
  readonly watchdogSocket: string | null;
  readonly sealTimeoutMs: number;
  readonly maxWaitingEntries: number;
  readonly maxWaitingBytes: number;
  readonly maxConnections: number;
  readonly maxInFlightPerConnection: number;
}

/** What the command line can set. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  readonly state?: string | undefined;
  readonly socket?: string | undefined;
  readonly policy?: string | undefined;
  readonly logLevel?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration. The file is the one of `--config` or `WRIT_CONFIG`; without either, `writ.toml` in the state
 * directory if there is one. Throws ConfigError.
 */
export function loadConfig(flags: ConfigFlags, environment: Environment): Config {
  const located = resolveLocations({ ...environment, WRIT_HOME: flags.state ?? environment.WRIT_HOME });
  const named = flags.config ?? environment.WRIT_CONFIG;
  const file = readConfigFile(named ?? join(located.stateDirectory, 'writ.toml'), named !== undefined);
  const stateDirectory = resolve(
    flags.state ?? environment.WRIT_HOME ?? file.state ?? located.stateDirectory,
  );
  const { socketPath } = resolveLocations({ ...environment, WRIT_HOME: stateDirectory });
  const level = flags.logLevel ?? environment.WRIT_LOG_LEVEL ?? file.log?.level ?? 'info';
  return {
    stateDirectory,
    socketPath: checkedSocketPath(
      resolve(flags.socket ?? environment.WRIT_SOCKET ?? file.socket?.path ?? socketPath),
    ),
    socketMode: Number.parseInt(file.socket?.mode ?? '0660', 8),
    socketGroup: file.socket?.group ?? null,
    logLevel: parseLevel(level),
    origin: file.log?.origin ?? null,
    policyDirectory: resolve(
      flags.policy ?? environment.WRIT_POLICY ?? file.policy?.directory ?? join(projectRoot, 'policies'),
    ),
    policyAuthority: file.policy?.authority ?? null,
    bindings: selectBindings(file.environment ?? {}),
    hsmCallTimeoutMs: file.hsm?.call_timeout_ms ?? 5_000,
    hsmStartTimeoutMs: file.hsm?.start_timeout_ms ?? 20_000,
    tpm: {
      quotePeriodMs: 1000 * (file.tpm?.quote_period_seconds ?? 300),
      periodMs: 1000 * (file.tpm?.anchor_period_seconds ?? 900),
      writesPerDay: file.tpm?.anchor_writes_per_day ?? 144,
      callTimeoutMs: file.tpm?.call_timeout_ms ?? 10_000,
      outlivesSnapshots: file.tpm?.outlives_snapshots ?? null,
    },
    status: {
      periodMs: 1000 * (file.status?.period_seconds ?? 300),
      validSeconds: file.status?.valid_seconds ?? 900,
    },
    watchdogSocket: file.watchdog?.socket === undefined ? null : resolve(file.watchdog.socket),
    sealTimeoutMs: file.limits?.seal_timeout_ms ?? 10_000,
    maxWaitingEntries: file.limits?.max_waiting_entries ?? 8_192,
    maxWaitingBytes: file.limits?.max_waiting_bytes ?? 67_108_864,
    maxConnections: file.limits?.max_connections ?? 1_024,
    maxInFlightPerConnection: file.limits?.max_in_flight_per_connection ?? 256,
  };
}

function selectBindings({
  bind,
  variables,
}: NonNullable<z.infer<typeof fileSchema>['environment']>): BindingSelection {
  try {
    return new BindingSelection(bind, variables);
  } catch (cause) {
    if (!(cause instanceof SelectionError)) throw cause;
    throw new ConfigError(`in [environment]: ${cause.message}`, { cause });
  }
}

/** What a socket's address holds (unix(7): 108 bytes with the final NUL). */
const maxSocketPathBytes = 107;

function checkedSocketPath(path: string): string {
  const sizeBytes = Buffer.byteLength(path);
  if (sizeBytes <= maxSocketPathBytes) return path;
  throw new ConfigError(
    `the socket path ${path} has ${sizeBytes} bytes, at most ${maxSocketPathBytes} are possible; choose a shorter one`,
  );
}

function readConfigFile(path: string, mustExist: boolean): z.infer<typeof fileSchema> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (!mustExist && (cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError(`the configuration file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (cause) {
    throw new ConfigError(`the configuration file ${path} is not valid TOML: ${messageOf(cause)}`, { cause });
  }
  const parsed = fileSchema.safeParse(document);
  if (!parsed.success)
    throw new ConfigError(`in the configuration file ${path}: ${firstIssue(parsed.error)}`);
  return parsed.data;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

function parseLevel(level: string): Config['logLevel'] {
  const found = levels.find((known) => known === level);
  if (found === undefined)
    throw new ConfigError(`the log level must be one of ${levels.join(', ')}, not ${level}`);
  return found;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
