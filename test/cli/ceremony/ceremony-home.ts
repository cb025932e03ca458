/** A SoftHSM2 without tokens and a plan for it, in a temporary directory. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSofthsmModule, softhsmConfiguration } from '../../../src/hsm/softhsm.js';

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
