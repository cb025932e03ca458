// `npm start`: set-up, the development daemon, the demonstration; then the foreground until a signal.
// `npm start -- --once` stops the daemon cleanly after the demonstration and exits 0.

import { parseArgs } from 'node:util';
import { daemonAnswers, socketsIn, startDaemon } from './daemon-process.mjs';
import { demonstrate } from './demonstration.mjs';
import { stateDirectory } from './setup/checkout.mjs';
import { say } from './setup/command.mjs';
import { provideDevelopmentToken } from './setup/development-token.mjs';
import { provideDevelopmentTpm } from './setup/development-tpm.mjs';
import { runMain, SetupFailure } from './setup/failure.mjs';
import { prepareCheckout } from './setup/prepare.mjs';

const USAGE = 2;
const INTERRUPTED = 130;

async function main() {
  const { once } = readArguments();
  const home = stateDirectory();
  refuseSecondDaemon(home);

  const beganMs = performance.now();
  await prepareCheckout({ tests: false });
  provideDevelopmentToken(home);
  provideDevelopmentTpm(home);
  say(`set-up took ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);

  const stop = stopSignal();
  const daemon = startDaemon(home);
  try {
    await daemon.ready(stop);
    say(`the daemon answers; its state is in ${home}, its log in ${daemon.logFile}`);
    await demonstrate(home, stop);
    if (!once) await serveUntil(stop, daemon);
  } catch (error) {
    if (!stop.aborted) throw error;
    say('interrupted before the demonstration ended');
    return INTERRUPTED;
  } finally {
    await daemon.stop();
  }
  say('the daemon stopped cleanly');
  return 0;
}

function readArguments() {
  try {
    return parseArgs({ options: { once: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new SetupFailure(`${error.message}. Use: npm start [-- --once]`, { exitCode: USAGE });
  }
}

/** Before the set-up, so that nothing is rebuilt underneath a running daemon. */
function refuseSecondDaemon(home) {
  if (!daemonAnswers(home)) return;
  throw new SetupFailure(
    `A daemon already serves ${home} (socket: ${socketsIn(home).join(', ') || 'as configured'}). Use it with npx writ, stop it first, or set WRIT_HOME to another directory.`,
  );
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP; later ones change nothing, the stop is under way. */
function stopSignal() {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => controller.abort());
  return controller.signal;
}

/** @throws {SetupFailure} when the daemon ends before anybody asked it to */
async function serveUntil(stop, daemon) {
  say('the daemon stays in the foreground: try the commands above; Ctrl-C stops it');
  await Promise.race([
    new Promise((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', resolve, { once: true });
    }),
    daemon.failsIfItEnds,
  ]);
  say('stopping the daemon');
}

await runMain(main);
