/** `writ trust export`: the daemon's public keys as a trust bundle, to be pinned by whoever verifies. */

import type { TrustDocument } from '../../format/trust.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';

interface Flags {
  readonly output?: string;
}

export const define: Define = (command, act) => {
  command
    .option('-o, --output <file>', 'write the bundle to this file instead of standard output')
    .addHelpText('after', examples('writ trust export -o trust.json', 'writ trust export | sha256sum'));
  act((context) => exportTrust(context, command.opts<Flags>()));
};

async function exportTrust(context: CliContext, { output: file }: Flags): Promise<ExitCode> {
  const { log, artifactKey } = await withDaemon(context, (client) => client.status());
  const trust: TrustDocument = {
    type: 'urn:writ:trust:v1',
    logs: [{ origin: log.origin, vkey: log.vkey, retired: null }],
    artifactKeys: [artifactKey],
  };
  if (file !== undefined) {
    const { writeText } = await import('../artifact-file.js');
    await writeText(file, `${JSON.stringify(trust, null, 2)}\n`);
  }
  context.output.result(trust, () => [
    ...(file === undefined ? JSON.stringify(trust, null, 2).split('\n') : [`the trust bundle is in ${file}`]),
  ]);
  context.output.note(
    "These keys are the daemon's word. Whoever pins them must get this file over a path that they trust.",
  );
  return exitCodes.ok;
}
