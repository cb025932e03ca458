/** `writ log prove`: the C2SP tlog-proof of an entry under the newest checkpoint, alone or in an envelope with its payload. */

import type { Envelope } from '../../format/dsse.js';
import { showDenied, withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly output?: string;
  readonly envelope?: boolean;
}

export const define: Define = (command, act) => {
  command
    .argument('<entry>', 'the log index of the entry, its id, or the file that holds it')
    .option('--envelope', 'put the proof and the payload into an envelope, as writ verify takes it')
    .option('-o, --output <file>', 'write the proof to this file instead of standard output')
    .addHelpText(
      'after',
      examples(
        'writ log prove 17',
        'writ log prove artifact.json -o proof.txt',
        'writ log prove 12 --envelope -o quote.json',
      ),
    );
  act((context) => prove(context, command.args[0] ?? '', command.opts<Flags>()));
};

async function prove(context: CliContext, word: string, flags: Flags): Promise<ExitCode> {
  const { indexOf, envelopeOf } = await import('../log-lookup.js');
  const { output: file } = flags;
  const { result, envelope } = await withDaemon(context, async (client) => {
    const proof = await client.proof({ index: await indexOf(context, client, word) });
    const isWanted = proof.decision === 'allow' && flags.envelope === true;
    return { result: proof, envelope: isWanted ? await envelopeOf(client, proof) : null };
  });
  if (result.decision === 'deny') return showDenied(context, result);
  if (envelope !== null) return showEnvelope(context, envelope, file);
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

async function showEnvelope(
  context: CliContext,
  envelope: Envelope,
  file: string | undefined,
): Promise<ExitCode> {
  const { writeArtifact } = await import('../artifact-file.js');
  if (file !== undefined) await writeArtifact(file, envelope);
  context.output.result(envelope, () => [
    file === undefined ? JSON.stringify(envelope) : `the entry with its proof is in ${file}`,
  ]);
  return exitCodes.ok;
}
