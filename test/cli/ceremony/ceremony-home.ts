/** A SoftHSM2 without tokens and a plan for it, in a temporary directory; and ceremonies that are killed there. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { envelopePayload, envelopeSchema } from '../../../src/format/dsse.js';
import { decodeTranscript, type Transcript } from '../../../src/format/transcript.js';
import { findSofthsmModule, softhsmConfiguration } from '../../../src/hsm/softhsm.js';

const cliMain = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));

export interface CeremonyHome {
  readonly directory: string;
  /** The state directory; it does not exist yet. */
  readonly state: string;
  readonly softhsmConf: string;
  readonly modulePath: string;
  /** Writes a plan file and returns its path. */
  plan(text: string): string;
  remove(): void;
}

export function makeCeremonyHome(): CeremonyHome {
  const directory = mkdtempSync(join(tmpdir(), 'writ-ceremony-'));
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens);
  const softhsmConf = join(directory, 'softhsm2.conf');
  writeFileSync(softhsmConf, softhsmConfiguration(tokens));
  return {
    directory,
    state: join(directory, 'state'),
    softhsmConf,
    modulePath: findSofthsmModule(process.env),
    plan: (text) => {
      const path = join(directory, 'plan.toml');
      writeFileSync(path, text);
      return path;
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}

/** A table of a plan for one token, its PINs made at random. */
export function tokenTable(
  { modulePath, softhsmConf }: CeremonyHome,
  table: string,
  label: string,
  action: 'initialize' | 'adopt' = 'initialize',
): string {
  const lines = [
    `[${table}]`,
    `module = "${modulePath}"`,
    `softhsm_conf = "${softhsmConf}"`,
    `label = "${label}"`,
    `action = "${action}"`,
    `pin = { file = "pins/${label}-user.pin" }`,
    ...(action === 'initialize'
      ? [`so_pin = { file = "pins/${label}-so.pin" }`, 'generate_pins = true']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** What the transcript of a state directory says; its signature is not checked. */
export function transcriptOf(state: string): Transcript {
  const file = readFileSync(join(state, 'provisioning', 'transcript.json'), 'utf8');
  return decodeTranscript(envelopePayload(envelopeSchema.parse(JSON.parse(file))));
}

/** Starts a ceremony and kills it as soon as the record says that the step has begun, or a while later. */
export async function killIn(home: CeremonyHome, plan: string, step: string, delayMs = 0): Promise<void> {
  const progress = join(home.state, 'provisioning', 'progress.json');
  const child = spawn(process.execPath, [cliMain, 'provision', '--plan', plan], {
    cwd: home.directory,
    env: { PATH: process.env.PATH, WRIT_HOME: home.state },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  while (!hasBegun(progress, step)) {
    assert.equal(child.exitCode, null, 'the ceremony ended before it could be killed');
    await pause(2);
  }
  if (delayMs > 0) await pause(delayMs);
  child.kill('SIGKILL');
  await ended;
  // What the killed process had asked of a token may still be under way for a moment.
  await pause(1_000);
}

function hasBegun(path: string, step: string): boolean {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).begun.includes(step);
  } catch {
    return false;
  }
}
