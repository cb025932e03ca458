#!/usr/bin/env node
/** `writd`: reads flags and configuration, starts the daemon, and ends it on a signal. */

import { Command, CommanderError } from 'commander';
import { loadBundle } from '../policy/bundle.js';
import { PolicyBundleError } from '../policy/bundle-error.js';
import { ConfigError, type ConfigFlags, loadConfig } from './config.js';
import { configText } from './config-text.js';
import { startDaemon } from './start.js';
import { StartError } from './start-error.js';

/** Exit codes, as the command line has them: usage, and not available. */
const exitUsage = 2;
const exitUnavailable = 3;

async function main(): Promise<void> {
  const { checkConfig, ...flags } = parseFlags();
  const config = loadConfig(flags, process.env);
  if (checkConfig) {
    const { name, version, digest } = await loadBundle(config.policyDirectory);
    process.stdout.write(`${configText(config)}\n# policy bundle ${name}, version ${version}, ${digest}\n`);
    return;
  }
  // Before the start: a signal during it must end in a clean stop too.
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });
  const daemon = await startDaemon(config);
  void signalled.then((signal) => daemon.stop(signal));
  process.exitCode = await daemon.ended;
}

function parseFlags(): ConfigFlags & { readonly checkConfig: boolean } {
  const program = new Command('writd')
    .description(
      'The Writ signing daemon: decides before anything runs, and seals each decision with an HSM.',
    )
    .option('--config <file>', 'configuration file (TOML)')
    .option('--state <directory>', 'state directory')
    .option('--socket <path>', 'Unix socket to listen on')
    .option('--policy <directory>', 'policy bundle')
    .option('--log-level <level>', 'trace, debug, info, warn, error or fatal')
    .option('--check-config', 'read the configuration, print it and exit', false)
    .addHelpText('after', '\nExamples:\n  writd\n  writd --config /etc/writ/writ.toml --check-config\n')
    .exitOverride();
  return program.parse().opts();
}

/** A sentence for what an operator can mend; the whole trace for a fault of our own. */
function describe(cause: unknown, expected: boolean): string {
  if (!(cause instanceof Error)) return String(cause);
  return expected ? cause.message : (cause.stack ?? cause.message);
}

main().catch((cause: unknown) => {
  if (cause instanceof CommanderError) {
    process.exitCode = cause.exitCode === 0 ? 0 : exitUsage;
    return;
  }
  const usage = cause instanceof ConfigError || cause instanceof PolicyBundleError;
  process.stderr.write(`writd: ${describe(cause, usage || cause instanceof StartError)}\n`);
  process.exit(usage ? exitUsage : exitUnavailable);
});
