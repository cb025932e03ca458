// The development daemon as a child process: started, waited for, stopped.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, WRIT_MAIN, WRITD } from './setup/checkout.mjs';
import { tryCommand } from './setup/command.mjs';
import { SetupFailure } from './setup/failure.mjs';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const STATUS_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 50;
const SHOWN_LOG_LINES = 20;

/** @returns {boolean} whether a daemon answers for this state directory; false before the first build */
export function daemonAnswers(home) {
  if (!existsSync(WRIT_MAIN)) return false;
  const options = { env: withHome(home), timeoutMs: STATUS_TIMEOUT_MS };
  return tryCommand(process.execPath, [WRIT_MAIN, 'status', '--json'], options).succeeded;
}

/** @returns {string[]} the sockets that lie in a state directory, absolute */
export function socketsIn(home) {
  return readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map((entry) => join(home, entry.name));
}

/**
 * Starts the daemon in a session of its own, so that a Ctrl-C at the terminal reaches only the script,
 * which then stops the daemon once. Its output goes to a log file in the state directory.
 * @param {string} home the state directory, absolute
 * @returns {{
 *   logFile: string,
 *   ready: (stop: AbortSignal) => Promise<void>,
 *   failsIfItEnds: Promise<never>,
 *   stop: () => Promise<void>,
 * }}
 */
export function startDaemon(home) {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const logFile = join(home, 'writd.log');
  const log = openSync(logFile, 'a', 0o600);
  const logStart = statSync(logFile).size;
  const child = spawn(WRITD, [], {
    cwd: ROOT,
    env: withHome(home),
    detached: true,
    stdio: ['ignore', log, log],
  });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? 'ended' : `ended (${signal ?? `exit code ${code}`})`),
    );
  });
  const failure = (outcome) =>
    new SetupFailure(
      `The daemon ${outcome}. The end of its log, ${logFile}:\n${endOfLog(logFile, logStart)}`,
    );
  const failsIfItEnds = ended.then((outcome) => {
    throw failure(outcome);
  });
  failsIfItEnds.catch(() => {}); // Whoever waits for it sees the failure; nobody waits during a stop.

  return {
    logFile,
    failsIfItEnds,
    ready: (stop) => Promise.race([pollUntilReady(home, stop), failsIfItEnds]),
    stop: async () => {
      child.kill('SIGTERM');
      const outcome = await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      if (outcome === 'ended') return;
      child.kill('SIGKILL');
      throw failure(outcome ?? `did not stop within ${STOP_TIMEOUT_MS / 1000} s and was killed`);
    },
  };
}

async function pollUntilReady(home, stop) {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!daemonAnswers(home)) {
    stop.throwIfAborted();
    if (performance.now() > deadlineMs) {
      throw new SetupFailure(
        `The daemon did not answer within ${READY_TIMEOUT_MS / 1000} s; see the log in ${home}.`,
      );
    }
    await sleep(POLL_INTERVAL_MS, undefined, { signal: stop });
  }
}

function endOfLog(logFile, fromByte) {
  const text = readFileSync(logFile).subarray(fromByte).toString('utf8').trimEnd();
  return text === '' ? '(nothing was logged)' : text.split('\n').slice(-SHOWN_LOG_LINES).join('\n');
}

const withHome = (home) => ({ ...process.env, WRIT_HOME: home });
