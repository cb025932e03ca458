/** Builds the Go verifier (go/main.go) once, from Debian's packaged golang.org/x/mod, and runs it. */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Where Debian's golang-golang-x-mod-dev puts its sources. */
const packagedSources = '/usr/share/gocode/src/golang.org/x/mod';

export interface ForeignAnswer {
  readonly accepted: boolean;
  readonly output: string;
}

/** Runs the verifier. Throws when Go or the packaged module is missing: this check is never skipped silently. */
export function foreignVerify(directory: string, args: readonly string[]): ForeignAnswer {
  const run = spawnSync(builtVerifier(directory), args, { encoding: 'utf8' });
  if (run.error !== undefined) throw run.error;
  return { accepted: run.status === 0, output: `${run.stdout}${run.stderr}` };
}

function builtVerifier(directory: string): string {
  const binary = join(directory, 'foreign-verifier');
  if (existsSync(binary)) return binary;
  if (!existsSync(packagedSources)) {
    throw new Error(
      `${packagedSources} is missing: install golang-go and golang-golang-x-mod-dev (npm test does)`,
    );
  }
  mkdirSync(directory, { recursive: true });
  execFileSync('go', ['build', '-o', binary, join(root, 'test/conformance/go/main.go')], {
    env: {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOFLAGS: '',
      GOCACHE: join(directory, 'go-cache'),
    },
    stdio: 'pipe',
  });
  return binary;
}
