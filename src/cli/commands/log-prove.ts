/** `writ log prove`: the C2SP tlog-proof of an entry, under the newest checkpoint. */

import { showDenied, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<entry>', 'the log index of the entry, its id, or the file that holds it')
    .option('-o, --output <file>', 'write the proof to this file instead of standard output')
    .addHelpText('after', examples('writ log prove 17', 'writ log prove artifact.json -o proof.txt'));
  act((context) => prove(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function prove(context: CliContext, word: string, { output: file }: Flags): Promise<ExitCode> {
  const { indexOf } = await import('../log-lookup.js');
  const result = await withDaemon(context, async (client) =>
    client.proof({ index: await indexOf(context, client, word) }),
  );
  if (result.decision === 'deny') return showDenied(context, result);
  if (file !== undefined) {
    const { writeText } = await import('../artifact-file.js');
    await writeText(file, result.proof);
  }
  context.output.result(result, () =>
    file === undefined
      ? result.proof.replace(/\n$/, '').split('\n')
      : [`the proof of entry ${result.index} is in ${file}`],
  );
  return exitCodes.ok;
}
