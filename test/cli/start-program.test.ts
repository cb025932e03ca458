import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module = new URL('../../src/cli/start-program.js', import.meta.url).href;

/** A process that starts `sh -c script` in its place, as `writ run` does. */
function starter(script: string): string[] {
  const program = { path: '/bin/sh', argv0: 'sh', args: ['-c', script], cwd: '/', environment: { A: '1' } };
  const source = `
    import { startProgram } from '${module}';
    process.exitCode = await startProgram(${JSON.stringify(program)});`;
  return ['--input-type=module', '-e', source];
}

test('exit code, standard streams, name, directory and environment are those of the program', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    starter('read line; echo "$line $0 $PWD"; env; exit 7'),
    {
      input: 'typed\n',
      encoding: 'utf8',
    },
  );
  assert.equal(status, 7);
  const [first = '', ...rest] = stdout.split('\n');
  assert.equal(first, 'typed sh /');
  assert.deepEqual(
    rest.filter((line) => line.startsWith('A=')),
    ['A=1'],
  );
  assert.ok(!stdout.includes('HOME='));
});

test('a program that a signal ended gives 128 and the number of the signal', () => {
  assert.equal(spawnSync(process.execPath, starter('kill -KILL $$')).status, 137);
  assert.equal(spawnSync(process.execPath, starter('kill -TERM $$')).status, 143);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  test(`${signal} reaches the program, which decides what becomes of it`, { timeout: 30_000 }, async () => {
    const script = `trap 'echo got it; exit 9' ${signal.slice(3)}; echo ready; for turn in $(seq 200); do sleep 0.05; done`;
    const child = spawn(process.execPath, starter(script), { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (text.includes('ready')) child.kill(signal);
    });
    const [code] = await once(child, 'close');
    assert.equal(output, 'ready\ngot it\n');
    assert.equal(code, 9);
  });
}
