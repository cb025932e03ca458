/** `writ provision`: the ceremony that sets up token, keys and trust. Guided on a terminal, or by a plan. */

import type { Ceremony, Forecast } from '../ceremony/ceremony.js';
import type { Plan } from '../ceremony/plan.js';
import { UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly plan?: string;
  readonly dryRun?: boolean;
  readonly by?: string;
  /** False: --no-tpm. */
  readonly tpm: boolean;
}

export const define: Define = (command, act) => {
  command
    .enablePositionalOptions()
    .option(
      '--plan <file>',
      'the plan of the ceremony (TOML); without it, questions are asked on the terminal',
    )
    .option('--dry-run', 'say what would be made, and make nothing')
    .option('--by <name>', 'who runs the ceremony, for the transcript (a claim)')
    .option('--no-tpm', 'leave the TPM out, whatever the plan says')
    .addHelpText(
      'after',
      examples(
        'writ provision',
        'writ provision --plan plan.toml --dry-run',
        'writ provision --plan plan.toml --by "Jane Doe"',
        'writ provision verify transcript.json --trust trust.json',
      ),
    );
  act((context) => provision(context, command.opts<Flags>()));
};

async function provision(context: CliContext, flags: Flags): Promise<ExitCode> {
  const { dryRun, perform, unfinishedPlan } = await import('../ceremony/ceremony.js');
  const { stateDirectory } = context.locations;
  const unfinished = unfinishedPlan(stateDirectory);
  const given = flags.plan === undefined ? null : await readPlan(flags.plan, flags, context);
  if (given === null && unfinished !== null && unfinished.tpm !== null && !flags.tpm)
    throw new UsageError('the ceremony that goes on here enrols a TPM: --no-tpm comes too late for it');
  const terminal = process.stdin.isTTY && given === null;
  const plan = given ?? unfinished ?? (terminal ? await ask(context, flags) : null);
  if (plan === null)
    throw new UsageError('name a plan (--plan FILE): there is no terminal to ask questions on');
  const ceremony = await dryRun(stateDirectory, plan);
  if (flags.dryRun === true) {
    context.output.result({ outcome: 'dry-run', steps: ceremony.forecast }, (paint) =>
      forecastLines(ceremony, paint),
    );
    return exitCodes.ok;
  }
  if (terminal && !(await confirm(context, ceremony))) throw new UsageError('nothing was made');
  const software = await softwareName();
  const { transcript, steps } = await perform(stateDirectory, ceremony.plan, software, ({ step, outcome }) =>
    context.output.note(`${step}: ${outcome}`),
  );
  context.output.result({ outcome: 'done', transcript, steps }, (paint) => [
    paint('good', 'the ceremony is done'),
    ...columns(steps.map(({ step, outcome, detail }) => [step, `${outcome}: ${detail}`] as const)),
    `the signed transcript is ${transcript}; writ provision verify checks it`,
  ]);
  return exitCodes.ok;
}

async function readPlan(
  path: string,
  { by, tpm }: Flags,
  { environment, locations }: CliContext,
): Promise<Plan> {
  const { readSmallFile } = await import('../artifact-file.js');
  const { parsePlan } = await import('../ceremony/plan.js');
  const text = new TextDecoder().decode(await readSmallFile(path));
  const plan = parsePlan(text, path, {
    stateDirectory: locations.stateDirectory,
    softhsmConf: environment.SOFTHSM2_CONF ?? null,
    tpm: tpm ? 'as-planned' : 'none',
    tpmDevice: await shownTpm(),
  });
  return by === undefined ? plan : { ...plan, by };
}

async function ask({ locations, environment }: CliContext, { tpm }: Flags): Promise<Plan> {
  const { interview, onTerminal } = await import('../ceremony/interview.js');
  const tpmDevice = tpm ? await shownTpm() : null;
  return onConversation((terminal, say) =>
    interview(onTerminal(terminal, say), {
      stateDirectory: locations.stateDirectory,
      environment,
      tpmDevice,
    }),
  );
}

/** The TPM that this machine shows; null for none. */
async function shownTpm(): Promise<string | null> {
  const { existsSync } = await import('node:fs');
  const { usualTpmDevice } = await import('../ceremony/tpm-plan.js');
  return existsSync(usualTpmDevice) ? usualTpmDevice : null;
}

async function confirm({ output }: CliContext, ceremony: Ceremony): Promise<boolean> {
  const { onTerminal, yes } = await import('../ceremony/interview.js');
  for (const line of forecastLines(ceremony, (_style, text) => text)) output.note(line);
  return onConversation((terminal, say) => yes(onTerminal(terminal, say), 'Go ahead?'));
}

/** Asks at the terminal; `say` shows a line there. */
async function onConversation<Result>(
  talk: (
    terminal: import('node:readline/promises').Interface,
    say: (line: string) => void,
  ) => Promise<Result>,
): Promise<Result> {
  const { converse } = await import('../confirm.js');
  return converse((terminal) => talk(terminal, (line) => process.stderr.write(`${line}\n`)));
}

function forecastLines({ forecast, resumes }: Ceremony, paint: Paint): string[] {
  return [
    resumes
      ? paint('strong', 'an interrupted ceremony goes on; what is left, and what is there:')
      : paint('strong', 'this would happen, and nothing has happened yet:'),
    ...columns(
      forecast.map(({ step, outcome, detail }) => [step, `${forecastWord(outcome)}: ${detail}`] as const),
    ),
  ];
}

function forecastWord(outcome: Forecast['outcome']): string {
  switch (outcome) {
    case 'made':
    case 'pending':
      return 'make';
    case 'adopted':
      return 'adopt';
    case 'kept':
      return 'is there';
    case 'skipped':
      return 'leave out';
  }
}

async function softwareName(): Promise<string> {
  const { readVersion } = await import('../../state/version.js');
  return `writ ${readVersion()}, node ${process.version}`;
}
