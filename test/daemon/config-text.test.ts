import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { loadConfig } from '../../src/daemon/config.js';
import { configText } from '../../src/daemon/config-text.js';
import { projectRoot } from '../../src/state/locations.js';

const daemonMain = fileURLToPath(new URL('../../src/daemon/main.js', import.meta.url));

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), 'writ-config-'));
});
after(() => rmSync(home, { recursive: true }));

/** What a file with this text, and nothing else, configures. */
function configOf(text: string) {
  const file = join(home, 'writ.toml');
  writeFileSync(file, text);
  return loadConfig({ config: file }, {});
}

/** The example of docs/configuration.md, which names every key. */
function example(): string {
  const docs = readFileSync(join(projectRoot, 'docs', 'configuration.md'), 'utf8');
  return /```toml\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
}

function keysOf(table: object): string[] {
  return Object.entries(table)
    .flatMap(([key, value]) =>
      typeof value === 'object' && !Array.isArray(value)
        ? keysOf(value).map((inner) => `${key}.${inner}`)
        : [key],
    )
    .sort();
}

test('a configuration is written as the file has it: every key, and the mode in octal', () => {
  const text = configText(configOf(example().replace('"0660"', '"640"')));
  assert.deepEqual(keysOf(parse(text)), keysOf(parse(example())));
  assert.match(text, /^mode = "0640"$/m);
});

test('what was written is read as the same configuration', () => {
  for (const text of ['', example()]) {
    const config = configOf(text);
    const again = configOf(configText(config));
    const { bindings, ...rest } = again;
    const { bindings: before, ...expected } = config;
    assert.deepEqual(rest, expected);
    assert.deepEqual([bindings.names, bindings.variables], [before.names, before.variables]);
  }
});

test('writd --check-config prints it, with the bundle that it would decide by', () => {
  const environment = { ...process.env, WRIT_HOME: home, WRIT_CONFIG: '' };
  writeFileSync(join(home, 'writ.toml'), '[socket]\nmode = "0600"\n');
  const printed = execFileSync(
    process.execPath,
    [daemonMain, '--config', join(home, 'writ.toml'), '--check-config'],
    { env: environment, encoding: 'utf8' },
  );
  assert.match(printed, /^mode = "0600"$/m);
  assert.match(printed, /^call_timeout_ms = 5000$/m);
  assert.match(printed, /\n# policy bundle starter, version \d+, [0-9a-f]{128}\n$/);
});
