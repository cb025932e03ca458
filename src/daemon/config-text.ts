/** A configuration as the file would say it, every setting with its value: what `writd --check-config` prints. */

import { stringify } from 'smol-toml';
import type { Config } from './config.js';

/** TOML with the keys of docs/configuration.md; read again, it is the same configuration. */
export function configText(config: Config): string {
  const {
    stateDirectory,
    socketPath,
    socketMode,
    socketGroup,
    logLevel,
    origin,
    policyDirectory,
    policyAuthority,
    bindings,
    hsmCallTimeoutMs,
    hsmStartTimeoutMs,
    tpm,
    status,
    watchdogSocket,
    sealTimeoutMs,
    maxWaitingEntries,
    maxWaitingBytes,
    maxConnections,
    maxInFlightPerConnection,
    ...unwritten
  } = config;
  // A setting that is added to Config and not written here does not compile.
  const nothing: Readonly<Record<string, never>> = unwritten;
  return stringify({
    state: stateDirectory,
    ...nothing,
    socket: {
      path: socketPath,
      mode: `0${socketMode.toString(8).padStart(3, '0')}`,
      ...(socketGroup === null ? {} : { group: socketGroup }),
    },
    log: { level: logLevel, ...(origin === null ? {} : { origin }) },
    policy: {
      directory: policyDirectory,
      ...(policyAuthority === null ? {} : { authority: policyAuthority }),
    },
    environment: { bind: [...bindings.names], variables: [...bindings.variables] },
    hsm: { call_timeout_ms: hsmCallTimeoutMs, start_timeout_ms: hsmStartTimeoutMs },
    tpm: {
      quote_period_seconds: tpm.quotePeriodMs / 1000,
      anchor_period_seconds: tpm.periodMs / 1000,
      anchor_writes_per_day: tpm.writesPerDay,
      call_timeout_ms: tpm.callTimeoutMs,
      ...(tpm.outlivesSnapshots === null ? {} : { outlives_snapshots: tpm.outlivesSnapshots }),
    },
    status: { period_seconds: status.periodMs / 1000, valid_seconds: status.validSeconds },
    ...(watchdogSocket === null ? {} : { watchdog: { socket: watchdogSocket } }),
    limits: {
      seal_timeout_ms: sealTimeoutMs,
      max_waiting_entries: maxWaitingEntries,
      max_waiting_bytes: maxWaitingBytes,
      max_connections: maxConnections,
      max_in_flight_per_connection: maxInFlightPerConnection,
    },
  });
}
