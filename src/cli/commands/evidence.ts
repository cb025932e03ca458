/** `writ evidence`: packs what the log says about one decision into one file that can be checked without the daemon. */

import { showDenied, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly output: string;
}

export const define: Define = (command, act) => {
  command
    .argument('<decision>', 'the id of an authorization, signature or denial, or the file that holds it')
    .requiredOption('-o, --output <file>', 'the file to write')
    .addHelpText(
      'after',
      examples('writ evidence sha3-512:... -o case.writ', 'writ verify case.writ --trust trust.json'),
    );
  act((context) => evidence(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function evidence(context: CliContext, word: string, { output: file }: Flags): Promise<ExitCode> {
  const { artifactIdFrom, requireWritable, writeText } = await import('../artifact-file.js');
  const { gatherEvidence } = await import('../evidence/gather.js');
  await requireWritable(file);
  const id = await artifactIdFrom(word);
  const gathered = await withDaemon(context, (client) => gatherEvidence(client, id));
  if (gathered.decision === 'deny') return showDenied(context, gathered);
  const { pack, missing } = gathered;
  await writeText(file, `${JSON.stringify(pack)}\n`);
  for (const sentence of missing) context.output.note(`not in the file: ${sentence}`);
  const document = { file, entries: pack.entries.length, bundles: pack.bundles.length, missing };
  context.output.result(document, () => [
    `${pack.entries.length} entries of the log with their proofs are in ${file}; writ verify ${file} checks and tells them`,
  ]);
  return exitCodes.ok;
}
