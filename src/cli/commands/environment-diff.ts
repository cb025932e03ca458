/**
 * `writ environment diff`: what changed since an artifact was issued, since a saved `writ environment show --json`, or since
 * the machine was accepted. Compares as the daemon does at redemption, but asks no policy.
 */

import type { EnvironmentResult } from '../../format/protocol.js';
import type { ComparedBinding } from '../../verify/bindings.js';
import { withDaemon } from '../asking.js';
import { type BindingChange, changeLines } from '../binding-change.js';
import { MissingError, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

/** What the machine is compared with. */
interface Past {
  readonly title: string;
  readonly bindings: readonly ComparedBinding[];
}

/** Only the file that an authorization is of has interpreters: they are measured when it is redeemed. */
const measuredWithAction = /^interpreter\.\d+$/;

export const define: Define = (command, act) => {
  command
    .argument(
      '[artifact]',
      'an artifact by id or file, or a file that `environment show --json` wrote; otherwise what was accepted',
    )
    .addHelpText(
      'after',
      examples(
        'writ environment diff artifact.json',
        'writ environment diff before.json',
        'writ environment diff',
      ),
    );
  act((context) => diff(context, command.args[0]));
};

async function diff(context: CliContext, word: string | undefined): Promise<ExitCode> {
  const { bindingChanges } = await import('../binding-change.js');
  const now = await withDaemon(context, (client) => client.environment());
  const past = word === undefined ? acceptedPast(now) : await pastOf(context, word);
  const names = past.bindings.map(({ name }) => name);
  const changes = bindingChanges(
    past.bindings,
    now.bindings,
    names.filter((name) => !measuredWithAction.test(name)),
  );
  const uncompared = names.filter((name) => measuredWithAction.test(name));
  context.output.result({ changes, uncompared }, (paint) => [
    changes.length === 0
      ? paint('good', `nothing changed since ${past.title}`)
      : paint('bad', `changed since ${past.title}: ${namesOf(changes)}`),
    ...changeLines(changes, paint),
    ...(uncompared.length === 0
      ? []
      : [
          paint('faint', `${uncompared.join(', ')}: compared when the artifact is redeemed, with the script`),
        ]),
  ]);
  return changes.length === 0 ? exitCodes.ok : exitCodes.denied;
}

function namesOf(changes: readonly BindingChange[]): string {
  return changes.map(({ name }) => name).join(', ');
}

function acceptedPast({ accepted }: EnvironmentResult): Past {
  if (accepted === null)
    throw new MissingError(
      'nothing of this machine was accepted: run writ environment accept, or name an artifact',
    );
  return { title: `it was accepted at ${accepted.acceptedAt}`, bindings: accepted.bindings };
}

/** Throws UsageError for what is neither an artifact nor what `environment show` wrote. */
async function pastOf(context: CliContext, word: string): Promise<Past> {
  const { idItself, readArtifact, readJsonFile } = await import('../artifact-file.js');
  const id = idItself(word);
  if (id !== null) {
    const { loggedPayload } = await import('../log-lookup.js');
    return artifactPast(await withDaemon(context, (client) => loggedPayload(client, id)), word);
  }
  const { resultSchemas } = await import('../../client/result-schemas.js');
  const shown = resultSchemas.environment.safeParse(await readJsonFile(word));
  if (shown.success) {
    const bindings = shown.data.bindings.filter(({ bound }) => bound);
    return { title: `${word} was written`, bindings };
  }
  return artifactPast((await readArtifact(word)).payload, word);
}

function artifactPast(payload: import('../../verify/payload.js').LoggedPayload, word: string): Past {
  if (payload.content !== 'statement')
    throw new UsageError(`${word} is a record of the log, which binds no environment`);
  return { title: 'the artifact was issued', bindings: payload.statement.predicate.environment };
}
