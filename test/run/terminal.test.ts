// On a terminal, in a shell with job control: nobody notices the launcher.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { LauncherHome, type Plan } from './exec-plan.js';
import { ShellOnTerminal } from './shell-on-terminal.js';

const missing = ['script', 'bash'].filter((name) => spawnSync(name, ['--version']).status !== 0);

for (const acts of [[], ['plain']]) {
  describe(`in a shell, ${acts.length === 0 ? 'in a PID namespace' : 'as a plain child'}`, {
    skip: missing.length > 0 && `not installed: ${missing.join(', ')}`,
    timeout: 60_000,
  }, () => {
    let home: LauncherHome;
    let shell: ShellOnTerminal;
    before(() => {
      home = new LauncherHome();
    });
    after(() => home.close());
    beforeEach(async () => {
      shell = new ShellOnTerminal(home.directory);
      await shell.see(/> /);
    });
    afterEach(() => shell.close());

    /** The command line that starts a program by the launcher. */
    const governed = (words: readonly [string, ...string[]], more: Partial<Plan> = {}) => {
      const file = home.plan({
        executable: realpathSync(words[0]),
        arguments: words,
        ...more,
        acts: [...acts, ...(more.acts ?? [])],
      });
      return `./writ-exec-plan ${file.slice(home.directory.length + 1)}`;
    };
    const sh = (source: string) => governed(['/bin/sh', '-c', source]);

    it('^C interrupts the program, and the shell learns of it', async () => {
      shell.type(`${sh('echo up; exec sleep 1000')}\n`);
      await shell.see(/^up$/m);
      shell.type('^C');
      await shell.see(/> /);
      shell.type('echo code $?\n');
      await shell.see(/^code 130$/m);
    });

    it('^C reaches a program that lives on', async () => {
      shell.type(`${sh('trap "echo caught" INT; echo up; while :; do sleep 0.05; done')}\n`);
      await shell.see(/^up$/m);
      for (let times = 0; times < 3; times++) {
        shell.type('^C');
        await shell.see(/caught$/m);
      }
    });

    it('^Z stops the job, fg and bg continue it, kill ends it', async () => {
      shell.type(`${governed([realpathSync('/usr/bin/python3'), '-c', saysWhenContinued])}\n`);
      await shell.see(/^up$/m);
      for (const next of ['fg', 'fg', 'bg']) {
        shell.type('^Z');
        await shell.see(/Stopped/);
        shell.type(`${next}\n`);
        await shell.see(/on again\n/);
      }
      shell.type('jobs\n');
      await shell.see(/Running/);
      shell.type('kill %1; wait %1; echo code $?\n');
      await shell.see(/^code 143$/m);
    });

    it('a stopped job still ends when its lease does', async () => {
      shell.type(
        `${governed(['/bin/sh', '-c', 'echo up; exec sleep 1000'], { acts: ['kill-after 3000'] })}\n`,
      );
      await shell.see(/^up$/m);
      shell.type('^Z');
      await shell.see(/Stopped/);
      shell.type('while jobs %1 | grep -q Stopped; do sleep 0.1; done\n');
      await shell.see(/Killed/);
    });

    it('a job in the background that reads the terminal stops', async () => {
      shell.type(`${governed(['/bin/cat'])} &\n`);
      await shell.see(/\[1\] \d+/);
      shell.type('while jobs %1 | grep -q Running; do sleep 0.1; done; jobs\n');
      await shell.see(/Stopped/);
      await shell.see(/\n> /);
      shell.type('fg\n');
      await shell.see(/fg\n.*plan-\d+\n/);
      shell.type('hello\n');
      await shell.see(/hello\nhello\n/);
      shell.type('^D');
      await shell.see(/> /);
      shell.type('echo code $?\n');
      await shell.see(/^code 0$/m);
    });

    it('a shell in it has job control of its own', async () => {
      shell.type(
        `${governed(['/bin/bash', '--norc', '-i'], { environment: ['PS1=inner> ', 'PATH=/usr/bin:/bin', 'LC_ALL=C'] })}\n`,
      );
      await shell.see(/inner> /);
      shell.type('sleep 1000\n');
      await shell.see(/sleep 1000\n/);
      while (!processGroupHasTerminal('sleep 1000')) await new Promise((next) => setTimeout(next, 10));
      shell.type('^Z');
      await shell.see(/Stopped +sleep 1000/);
      shell.type('suspend\n');
      await shell.see(/Stopped +\.\/writ-exec-plan/);
      shell.type('fg\n');
      await shell.see(/plan-\d+\n/);
      shell.type(
        'echo $((6 * 7)); kill -9 %1; while kill -0 %1; do sleep 0.05; done 2> /dev/null; echo gone\n',
      );
      await shell.see(/^42$/m);
      await shell.see(/^gone$/m);
      shell.type('exit 3\n');
      await shell.see(/exit\n> /);
      shell.type('echo code $?\n');
      await shell.see(/^code 3$/m);
    });

    it('other members of its pipeline keep the terminal', async () => {
      shell.type(`${sh('echo piped')} | (read line; read key < /dev/tty; echo "$line and $key")\n`);
      await shell.see(/key"\)\n/);
      shell.type('typed\n');
      await shell.see(/piped and typed/);
    });

    it('the program sees the size of the window, and its changes', async () => {
      shell.type(`${sh('trap "stty size" WINCH; tty; while :; do sleep 0.05; done')}\n`);
      const [terminal] = await shell.see(/\/dev\/pts\/\d+/);
      execFileSync('stty', ['-F', terminal, 'rows', '41', 'cols', '97']);
      assert.ok(await shell.see(/^41 97$/m));
    });

    it('leaves the terminal to the shell after a shell that was killed', async () => {
      shell.type(`${governed(['/bin/bash', '--norc', '-i'], { environment: ['PS1=inner> '] })}\n`);
      await shell.see(/inner> /);
      shell.type('kill -9 $$\n');
      await shell.see(/Killed\n> /);
      // What is typed before it has the terminal would not be shown.
      shell.type('(echo up; exec cat)\n');
      await shell.see(/^up$/m);
      shell.type('still here\n');
      await shell.see(/still here\nstill here\n/);
      shell.type('^D');
    });
  });
}

/** A shell would not do: in the middle of starting something it cannot be stopped. */
const saysWhenContinued = [
  'import os, signal',
  'signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"on again\\n"))',
  'os.write(1, b"up\\n")',
  'while True: signal.pause()',
].join('\n');

/** Whether the foreground group of some terminal has a process with that command line. */
function processGroupHasTerminal(command: string): boolean {
  const listed = execFileSync('ps', ['-eo', 'pgid=,tpgid=,args='], { encoding: 'utf8' });
  return listed.split('\n').some((text) => {
    const [group, foreground, ...words] = text.trim().split(/\s+/);
    return group === foreground && words.join(' ') === command;
  });
}
