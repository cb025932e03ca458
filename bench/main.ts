/** `npm run bench [-- [--quick] [--out DIR] [--entries N] [NAME...]]`: runs the named benchmarks, or all of them, and reports. */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Benchmark, catalogue, type Effort } from './catalogue.js';
import { describeMachine, machineLine } from './machine.js';
import { watchOtherLoad } from './other-load.js';
import { writeReport } from './report/files.js';
import type { Section } from './report/model.js';
import { sectionLines } from './report/table.js';
import { closeAllScopes } from './scope.js';

const usageExitCode = 2;
/** As shells say it for a program that SIGINT ended. */
const interruptedExitCode = 130;
const defaultEntries = 10_000_000;
const defaultDirectory = fileURLToPath(new URL('../../bench/results', import.meta.url));

const help = `npm run bench -- [--quick] [--out DIR] [--entries N] [NAME...]

Runs the benchmarks named, or all that are not marked (* never, + not with --quick), and prints a table: each figure is
the median of its rounds with the smallest and the largest in brackets, and below it the ratios to its baselines in the same
run. A goal that is missed is printed as such; the exit status is 1 only when something failed: an answer that was no
grant, a sample that does not verify, a log that is not whole or lacks something acknowledged.

  --quick    few and short rounds: all of it in less than a minute
  --out DIR  where latest.json and latest.html go (otherwise bench/results)
  --entries  how many entries the log of log-size has (otherwise ${defaultEntries.toLocaleString('en')})

${Object.entries(catalogue)
  .map(
    ([name, { about, when }]) =>
      `  ${`${name}${{ always: '', full: ' +', named: ' *' }[when]}`.padEnd(14)} ${about}`,
  )
  .join('\n')}

What the end-to-end benchmarks measure, for whoever wants to measure the same with a client of their own: a real writd
with the starter policy on a fresh SoftHSM2 token, in a state directory below the system's temporary directory (set
TMPDIR to choose its file system). Requests are authorize with the action execute, /usr/bin/echo, one argument, cwd /,
bind uid; over Unix sockets, written without waiting for answers as far as "in flight" says. A closed loop's rate is
the number of whole answer lines within the round's time, after a warm-up, divided by that time. Processor time is read
from /proc before and after each round and divided by all grants of the round. Afterwards the daemon is stopped, its
log is checked as "writ log check" does, and every id that was acknowledged must be in it, at the index that its answer
named. One answer in 512, by chance, is verified in full against the trust bundle and its own request.
`;

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        out: { type: 'string', default: defaultDirectory },
        entries: { type: 'string', default: String(defaultEntries) },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause));
  }
}

function refuse(problem: string): never {
  console.error(problem);
  process.exit(usageExitCode);
}

async function main(): Promise<void> {
  const { values, positionals: names } = readArguments();
  if (values.help) {
    console.log(help);
    return;
  }
  const unknown = names.filter((name) => !Object.hasOwn(catalogue, name));
  if (unknown.length > 0)
    refuse(`there is no benchmark ${unknown.join(', ')}, only ${Object.keys(catalogue).join(', ')}`);
  const effort = { quick: values.quick, entries: Number(values.entries) };
  if (!Number.isSafeInteger(effort.entries) || effort.entries < 1)
    refuse(`--entries takes a number, not ${values.entries}`);
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  console.log(machineLine(machine));
  const sections: Section[] = [];
  for (const [name, benchmark] of Object.entries(catalogue)) {
    if (names.length === 0 ? !isDue(benchmark, effort) : !names.includes(name)) continue;
    const section = await runOne(name, benchmark, effort);
    console.log(sectionLines(section).join('\n'));
    sections.push(section);
  }
  const files = writeReport({ startedAt, quick: values.quick, machine, sections }, values.out);
  console.log(`\nreport: ${files.join(', ')}`);
  if (sections.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

/** Whether a run without names includes it. */
function isDue({ when }: Benchmark, { quick }: Effort): boolean {
  return when === 'always' || (when === 'full' && !quick);
}

/** A benchmark that fails must not take the others' results along. */
async function runOne(name: string, { about, run }: Benchmark, effort: Effort): Promise<Section> {
  const startMs = performance.now();
  const otherLoad = watchOtherLoad();
  try {
    const section = await run(effort);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
    const percent = (otherLoad() * 100).toFixed(0);
    const remark = `took ${seconds} s; other programs had ${percent} % of the processors meanwhile`;
    return { ...section, remarks: [...section.remarks, remark] };
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    return { name, title: about, method: [], rows: [], plots: [], remarks: [], faults: [reason] };
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void closeAllScopes().finally(() => process.exit(interruptedExitCode));
  });
}
await main();
