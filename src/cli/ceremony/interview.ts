/** The guided ceremony: asks for what a plan says, one question at a time, with an answer for whoever just presses Enter. */

import { join, resolve } from 'node:path';
import type { Interface } from 'node:readline/promises';
import type { PinSource } from '../../hsm/pin-source.js';
import { findSofthsmModule } from '../../hsm/softhsm.js';
import { checkedPlan, type Plan, type TokenPlan, usualPinLength } from './plan.js';
import { type TpmPlan, usualTpmPlan } from './tpm-plan.js';

/** Asks and answers; `say` shows a line. */
export interface Interviewer {
  readonly ask: (question: string) => Promise<string>;
  readonly say: (line: string) => void;
}

/** An interviewer on a terminal. */
export function onTerminal(terminal: Interface, say: (line: string) => void): Interviewer {
  return { ask: (question) => terminal.question(question), say };
}

export interface Surroundings {
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of the TPM that may be enrolled; null where there is none, or none is wanted. */
  readonly tpmDevice: string | null;
}

/** Asks for a whole plan. Nothing is made meanwhile. */
export async function interview(at: Interviewer, surroundings: Surroundings): Promise<Plan> {
  at.say('Nothing is made before all questions are answered and you have seen what will happen.');
  const by = await optional(at, 'Your name, for the transcript (a claim; empty for none): ');
  const origin = await optional(at, 'Name of the log, such as writ.example/main (empty: a random one): ');
  const token = await askToken(at, surroundings, 'the daemon', 'writ');
  const tpm = await askTpm(at, surroundings.tpmDevice);
  const authority = await choice(
    at,
    'A key of the policy authority, which vouches for this set-up?',
    ['own-token', 'same-token', 'none'],
    'same-token',
  );
  return checkedPlan({
    origin,
    by,
    token,
    adoptKeys:
      token.action === 'adopt' && (await yes(at, 'Take over keys that bear the labels of Writ already?')),
    authority:
      authority === 'none'
        ? null
        : authority === 'same-token'
          ? token
          : await askToken(at, surroundings, 'the policy authority', 'writ authority'),
    tpm,
  });
}

async function askToken(
  at: Interviewer,
  { stateDirectory, environment }: Surroundings,
  whose: string,
  usualLabel: string,
): Promise<TokenPlan> {
  const module = await withDefault(at, `PKCS#11 module of ${whose}`, usualModule(environment));
  const label = await withDefault(at, `Label of the token of ${whose}`, usualLabel);
  const action = await choice(
    at,
    'Is it blank (initialize), or in use already (adopt)?',
    ['initialize', 'adopt'],
    'initialize',
  );
  const directory = join(stateDirectory, 'provisioning');
  const name = usualLabel.replaceAll(' ', '-');
  const pin = await askFile(at, 'File of the user PIN', join(directory, `${name}-user.pin`));
  const soPin =
    action === 'adopt'
      ? null
      : await askFile(at, "File of the security officer's PIN", join(directory, `${name}-so.pin`));
  const generatePins =
    action === 'initialize' && (await yes(at, 'Make random PINs where these files are missing?'));
  return {
    module,
    softhsmConf: environment.SOFTHSM2_CONF ?? null,
    label,
    serial: action === 'adopt' ? await optional(at, 'Its serial (empty: the label names one token): ') : null,
    action,
    pin,
    soPin,
    generatePins,
    pinLength: usualPinLength,
  };
}

async function askTpm(at: Interviewer, device: string | null): Promise<TpmPlan | null> {
  if (device === null) return null;
  const enrol = await choice(
    at,
    `Enrol this machine's TPM (${device}), so that it vouches for the machine and anchors the log?`,
    ['make', 'adopt', 'none'],
    'make',
  );
  if (enrol === 'none') return null;
  const reference = await yes(
    at,
    'Shall verifiers demand the PCR values that it shows now (only if this boot is a good one)?',
  );
  return { ...usualTpmPlan(device), action: enrol, reference };
}

async function askFile(at: Interviewer, question: string, usual: string): Promise<PinSource> {
  return { type: 'file', path: resolve(await withDefault(at, question, usual)) };
}

/** Whether the person agrees; anything but yes is no. */
export async function yes(at: Interviewer, question: string): Promise<boolean> {
  const answer = (await at.ask(`${question} [y/N] `)).trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}

async function optional(at: Interviewer, question: string): Promise<string | null> {
  const answer = (await at.ask(question)).trim();
  return answer === '' ? null : answer;
}

async function withDefault(at: Interviewer, question: string, usual: string | null): Promise<string> {
  const prompt = usual === null ? `${question}: ` : `${question} [${usual}]: `;
  for (;;) {
    const answer = (await at.ask(prompt)).trim();
    if (answer !== '') return answer;
    if (usual !== null) return usual;
    at.say('There is no usual answer to this.');
  }
}

async function choice<Choice extends string>(
  at: Interviewer,
  question: string,
  choices: readonly Choice[],
  usual: Choice,
): Promise<Choice> {
  for (;;) {
    const answer = (await at.ask(`${question} (${choices.join(', ')}) [${usual}]: `)).trim();
    const chosen = answer === '' ? usual : choices.find((each) => each === answer);
    if (chosen !== undefined) return chosen;
    at.say(`Answer with one of: ${choices.join(', ')}.`);
  }
}

function usualModule(environment: Surroundings['environment']): string | null {
  try {
    return findSofthsmModule(environment);
  } catch {
    // Only a suggestion: the question has no usual answer then.
    return null;
  }
}
