/** `writ policy explain`: why a decision came out as it did, or would: which policies, which conditions, which facts. */

import { readFile } from 'node:fs/promises';
import { PolicyBundleError } from '../../policy/bundle-error.js';
import { type Explanation, explain } from '../../policy/explanation.js';
import { pastBundle } from '../../policy/past-bundle.js';
import { parseRequest } from '../../policy/test-file.js';
import { fileProblem, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { explanationLines } from '../explanation-text.js';
import { addClaimOptions, type ClaimFlags, claimsOf } from '../option-values.js';
import { bundleFilesOf, bundleWords } from '../policy-bundle.js';
import { commandInput, type PolicyQuestion, pastQuestions } from '../policy-question.js';

interface Flags extends ClaimFlags {
  readonly bundle?: string;
  readonly request?: string;
  readonly all?: boolean;
}

/** What is explained. `denials`: everything that an entry of the log was denied for; empty for what was not asked yet. */
interface Asked {
  readonly questions: readonly PolicyQuestion[];
  readonly denials: readonly { readonly code: string; readonly message: string }[];
}

export const define: Define = (command, act) => {
  addClaimOptions(command.argument('[words...]', 'the id or index of a decision, or a command behind --'))
    .option(
      '--request <file>',
      'a request as docs/policy-tools.md describes it, instead of one that was made',
    )
    .option('--bundle <bundle>', `the bundle to ask: ${bundleWords}`)
    .option('--all', 'show every policy for the action')
    .addHelpText(
      'after',
      examples(
        'writ policy explain sha3-512:5d2c…',
        'writ policy explain 1234 --bundle new/policies',
        'writ policy explain -- git push',
        'writ policy explain --request request.toml --bundle policies',
      ),
    );
  act((context) => explainAll(context, command.args, command.opts<Flags>()));
};

async function explainAll(context: CliContext, words: readonly string[], flags: Flags): Promise<ExitCode> {
  const { questions, denials } = await askedBy(context, words, flags);
  const explanations = questions.map(({ files, input }) => explained(files, input));
  context.output.result({ denials, explanations }, (paint) => [
    ...denials.map(({ code, message }) => `${paint('bad', code)} ${message}`),
    ...(explanations.length === 0 ? ['no policy was asked about this'] : []),
    ...explanations.flatMap((explanation) => explanationLines(explanation, flags.all === true, paint)),
  ]);
  return exitCodes.ok;
}

async function askedBy(context: CliContext, words: readonly string[], flags: Flags): Promise<Asked> {
  const files = flags.bundle === undefined ? null : await bundleFilesOf(context, flags.bundle);
  if (flags.request !== undefined) {
    if (words.length > 0) throw new UsageError('--request stands for itself: no id and no command beside it');
    const input = await requestIn(flags.request);
    return { questions: [{ files: files ?? (await bundleFilesOf(context, 'active')), input }], denials: [] };
  }
  const [first, ...others] = words;
  if (first === undefined)
    throw new UsageError('name a decision by its id or index, a --request, or a command behind --');
  if (others.length === 0 && /^(?:\d+|sha3-512:.*)$/.test(first)) {
    const { entry, questions } = await pastQuestions(context, first);
    const denials = 'denials' in entry ? entry.denials : [];
    return {
      questions: files === null ? questions : questions.map(({ input }) => ({ files, input })),
      denials,
    };
  }
  const input = await commandInput(context, words, claimsOf(flags));
  return { questions: [{ files: files ?? (await bundleFilesOf(context, 'active')), input }], denials: [] };
}

async function requestIn(file: string): Promise<PolicyQuestion['input']> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(fileProblem(file, cause), { cause });
  }
  return usable(() => parseRequest(file, text));
}

function explained(files: PolicyQuestion['files'], input: PolicyQuestion['input']): Explanation {
  return usable(() => explain(pastBundle('the bundle', files), input));
}

function usable<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof PolicyBundleError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
