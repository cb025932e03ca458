/** `writ export`: the artifact with a plain DSSE signature beside its proof, for tools that know only DSSE. */

import { showDenied, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns } from '../output.js';

interface Flags {
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<artifact>', 'the id of the artifact, or the file that holds it')
    .option('-o, --output <file>', 'write the envelope alone to this file')
    .addHelpText(
      'after',
      examples('writ export artifact.json -o export.json', 'writ export sha3-512:... --json'),
    );
  act((context) => exportArtifact(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function exportArtifact(context: CliContext, word: string, flags: Flags): Promise<ExitCode> {
  const { artifactIdFrom, writeArtifact } = await import('../artifact-file.js');
  const id = await artifactIdFrom(word);
  const result = await withDaemon(context, (client) => client.export({ id }));
  if (result.decision === 'deny') return showDenied(context, result);
  if (flags.output !== undefined) await writeArtifact(flags.output, result.artifact);
  context.output.result(result, (paint) =>
    flags.output === undefined
      ? [JSON.stringify(result.artifact)]
      : [
          paint('good', 'exported'),
          ...columns([
            ['id', result.id],
            ['artifact key', result.publicKey],
            ['written to', flags.output],
          ]),
        ],
  );
  return exitCodes.ok;
}
