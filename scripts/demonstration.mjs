// The demonstration of `npm start`: the commands that a person would type, each printed before its
// output and each held to the exit code that it must have.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { ROOT, WRIT } from './setup/checkout.mjs';
import { SetupFailure } from './setup/failure.mjs';

const ALLOWED = 0;
const DENIED = 1;

/**
 * @param {string} home the state directory of a daemon that answers
 * @param {AbortSignal} stop ends the command that is running and the demonstration with it
 * @throws {SetupFailure} at the first command that does not behave as it must
 */
export async function demonstrate(home, stop) {
  const directory = join(home, 'demonstration');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const [artifact, denial, trust, kept] = ['authorized.json', 'denied.json', 'trust.json', 'kept.txt'].map(
    (name) => asTyped(join(directory, name)),
  );
  const writ = (args, expected) => runWrit(args, expected, home, stop);

  heading(
    'The policy allows this command: it is authorized, sealed by a key in the HSM, redeemed, and then run.',
  );
  await writ(['run', '--', '/bin/echo', 'Hello from an authorized command'], {
    exitCode: ALLOWED,
    prints: 'Hello from an authorized command',
  });

  heading('Its evidence, verified offline: the artifact and the pinned trust bundle are all that it takes.');
  await writ(['trust', 'export', '-o', trust], { exitCode: ALLOWED });
  await writ(['authorize', '-o', artifact, '--', '/bin/echo', 'Hello again'], { exitCode: ALLOWED });
  await writ(['verify', artifact, '--trust', trust], { exitCode: ALLOWED });

  heading('The policy forbids this one to everybody: nothing runs, and the denial is signed evidence too.');
  writeFileSync(resolve(ROOT, kept), 'The file that rm was not authorized to remove.\n');
  await writ(['run', '--', '/bin/rm', kept], { exitCode: DENIED });
  if (!existsSync(resolve(ROOT, kept)))
    throw new SetupFailure(`The demonstration stopped: ${kept} was removed all the same.`);
  await writ(['authorize', '-o', denial, '--', '/bin/rm', kept], { exitCode: DENIED });

  heading('Every decision is in the log, and the log proves its own integrity.');
  await writ(['log', 'check'], { exitCode: ALLOWED });
  process.stdout.write('\n');
}

/** A path as a person in the checkout would type it: relative when it lies inside. */
function asTyped(path) {
  const inside = relative(ROOT, path);
  return inside.startsWith('..') ? path : inside;
}

function heading(text) {
  process.stdout.write(`\n# ${text}\n`);
}

/**
 * @param {string[]} args
 * @param {{ exitCode: number, prints?: string }} expected
 */
async function runWrit(args, expected, home, stop) {
  const shown = `npx writ ${args.map(shellWord).join(' ')}`;
  process.stdout.write(`$ ${shown}\n`);
  const { exitCode, output } = await outcomeOf(args, home, stop);
  if (exitCode !== expected.exitCode) {
    throw new SetupFailure(
      `The demonstration stopped: ${shown} exited with code ${exitCode}, and ${expected.exitCode} was expected.`,
    );
  }
  if (expected.prints !== undefined && !output.includes(expected.prints)) {
    throw new SetupFailure(`The demonstration stopped: ${shown} did not print "${expected.prints}".`);
  }
}

/** Shows the output as it comes and collects it. */
function outcomeOf(args, home, stop) {
  return new Promise((resolve, reject) => {
    const child = spawn(WRIT, args, {
      cwd: ROOT,
      env: { ...process.env, WRIT_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: stop,
    });
    let output = '';
    for (const [stream, terminal] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        terminal.write(text);
      });
    }
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ exitCode: code ?? signal, output }));
  });
}

const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
