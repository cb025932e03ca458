// The watchdog's protocol: exactly its lines are answered, whatever else comes ends the connection and nothing more. Runs under
// sanitizers too (sanitizers.test.ts).

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { bootTimeMs } from '../../src/kernel/boot-clock.js';
import { readProcessStat } from '../../src/kernel/process.js';
import { groupRemoved, RunningWatchdog, type WatchdogClient } from './running-watchdog.js';

const options = {
  timeout: 120_000,
  skip: process.getuid?.() === 0 ? false : 'needs root for a service of root',
};

const name = 'lines-of-a-test';
const run = 'c0ffee00'.repeat(4);

describe('the watchdog', options, () => {
  let watchdog: RunningWatchdog;
  const children: ChildProcess[] = [];
  before(async () => {
    watchdog = await RunningWatchdog.start(0);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    assert.equal(await watchdog?.stop(), 0);
    assert.equal(watchdog?.complaints, '');
  });

  const greeted = async () => {
    const client = await watchdog.connect();
    assert.match((await client.ask(`hello ${name}`)) ?? '', /^ready 1 \d+ 0 \S+ (locked|unlocked)$/);
    return client;
  };

  /** A child that sleeps, and the words that say who it is and who started it. */
  const sleeper = async () => {
    const child = spawn('sleep', ['300'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    const words = [process.pid, child.pid ?? 0].map((pid) => `${pid} ${readProcessStat(pid).startTime}`);
    return { child, died: once(child, 'exit'), words: words.join(' ') };
  };

  const soon = () => Math.ceil(bootTimeMs()) + 600_000;

  test('guards, renews and ends a process, and answers each order', options, async () => {
    const client = await greeted();
    const { died, words } = await sleeper();
    assert.match(
      (await client.ask(`guard ${run} - ${words} ${soon()}`)) ?? '',
      new RegExp(`^guarded ${run} `),
    );
    assert.equal(await client.ask(`guard ${run} - ${words} ${soon()}`), `refused ${run} repeated`);
    const deadline = soon();
    assert.equal(await client.ask(`renew ${run} ${deadline}`), `renewed ${run} ${deadline}`);
    assert.equal(await client.ask(`end ${run}`), `ended ${run} ordered`);
    await died;
    assert.equal(await client.ask(`renew ${run} ${soon()}`), `refused ${run} unknown`);
    assert.equal(await client.ask(`end ${run}`), `refused ${run} unknown`);
    client.close();
    await groupRemoved(name);
  });

  test(
    'kills at a deadline that has passed, and keeps a run whose daemon is gone to it',
    options,
    async () => {
      const client = await greeted();
      const [past, kept] = [await sleeper(), await sleeper()];
      const [first, second] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
      assert.match((await client.ask(`guard ${first} - ${past.words} 0`)) ?? '', /^guarded /);
      assert.equal(await client.next(), `ended ${first} expired`);
      await past.died;
      const deadline = Math.ceil(bootTimeMs()) + 300;
      assert.match((await client.ask(`guard ${second} - ${kept.words} ${deadline}`)) ?? '', /^guarded /);
      client.close();
      await kept.died;
      await groupRemoved(name);
    },
  );

  test('makes the group of runs again that another of the same name removed', options, async () => {
    const [first, second] = [await greeted(), await greeted()];
    const { words } = await sleeper();
    first.close();
    await groupRemoved(name);
    const guarded = await second.ask(`guard ${run} - ${words} ${soon()}`);
    assert.match(guarded ?? '', new RegExp(`^guarded ${run} \\S*/writ-${name}/run-${run}$`));
    assert.equal(await second.ask(`end ${run}`), `ended ${run} ordered`);
    second.close();
    await groupRemoved(name);
  });

  test('refuses processes that are not what the order says', options, async () => {
    const client = await greeted();
    const { child, words } = await sleeper();
    const [runner = '', start = '', pid = '', childStart = ''] = words.split(' ');
    for (const [order, reason] of [
      [`${runner} ${Number(start) + 1} ${pid} ${childStart}`, 'runner'],
      [`4194303 1 ${pid} ${childStart}`, 'runner'],
      [`${runner} ${start} ${pid} ${Number(childStart) + 1}`, 'child'],
      [`${pid} ${childStart} ${runner} ${start}`, 'child'],
      [`${runner} ${start} 4194303 1`, 'child'],
    ])
      assert.equal(await client.ask(`guard ${run} - ${order} ${soon()}`), `refused ${run} ${reason}`);
    assert.equal(child.exitCode ?? child.signalCode, null);
    client.close();
  });

  test('hangs up on whoever says anything before its name, or gives a second one', options, async () => {
    for (const line of [`end ${run}`, `renew ${run} 5`, `guard ${run} - 5 5 6 6 7`]) {
      const client = await watchdog.connect();
      assert.equal(await client.ask(line), null, line);
    }
    const client = await greeted();
    assert.equal(await client.ask('hello another'), null);
  });

  /** What comes of bytes behind a greeting: hung up, or lines that are answers. */
  const answersTo = async (client: WatchdogClient, bytes: Uint8Array) => {
    client.send(bytes);
    // Ends whatever line was left open, and is no request itself.
    client.send('\n?\n');
    for (let line = await client.next(); line !== null; line = await client.next())
      assert.match(line, /^(refused [0-9a-f]{32} (unknown|runner|child)|ready 1 .*)$/);
  };

  test('hangs up on lines that are not its own, of any length and in any pieces', options, async () => {
    const hostile = [
      `${'a'.repeat(513)}\n`,
      'a'.repeat(20_000),
      `end ${run}`.padEnd(512, ' '),
      `end  ${run}`,
      ` end ${run}`,
      `end ${run} `,
      `end ${run}\r`,
      `end ${run.toUpperCase()}`,
      `end ${run}0`,
      `renew ${run} 9007199254740992`,
      `renew ${run} 18446744073709551616`,
      `renew ${run} -1`,
      `renew ${run} 01`,
      `renew ${run} 1e3`,
      `guard ${run} * 5 5 6 6 7`,
      `guard ${run} - 1 5 6 6 7`,
      `guard ${run} - 5 5 4294967296 6 7`,
      `guard ${run} - 5 5 6 6`,
      `guard ${run} - 5 5 6 6 7 8`,
      'hello ../../escape',
      `hello ${'n'.repeat(65)}`,
      '\0',
      'end \u00e9',
    ];
    for (const line of hostile) {
      const client = await greeted();
      assert.equal(await client.ask(line), null, JSON.stringify(line));
    }
  });

  test('survives whatever is sent', options, async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'hello',
        'guard',
        'renew',
        'end',
        '-',
        '0',
        '2147483648',
        '4194303',
        '9007199254740991',
        run,
      ),
      fc.nat().map(String),
      fc.string({ maxLength: 80 }),
    );
    const line = fc.array(word, { maxLength: 10 }).map((words) => Buffer.from(words.join(' ')));
    const piece = fc.oneof(
      { weight: 4, arbitrary: line },
      fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    );
    const lines = fc
      .array(piece, { maxLength: 12 })
      .map((pieces) => Buffer.concat(pieces.flatMap((bytes) => [bytes, Buffer.from('\n')])));
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), async (bytes, greets) => {
        const client = greets ? await greeted() : await watchdog.connect();
        await answersTo(client, bytes);
      }),
      { numRuns: 400 },
    );
    // It has not stopped to listen, nor forgotten how.
    const client = await greeted();
    assert.equal(await client.ask(`end ${run}`), `refused ${run} unknown`);
    client.close();
  });

  test('lets go of a daemon that asks and never reads', options, async () => {
    const client = await greeted();
    client.pause();
    const orders = `end ${run}\n`.repeat(2000);
    // More answers than the socket and the watchdog's buffer hold.
    for (let round = 0; round < 40; round++) client.send(orders);
    await client.ended;
    (await greeted()).close();
  });
});
