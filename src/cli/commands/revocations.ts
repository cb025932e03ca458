/** `writ revocations`: what the log revoked, and with --follow each revocation as it happens. */

import { InvalidArgumentError } from 'commander';
import type { WritClient } from '../../client/client.js';
import { WritUnavailableError } from '../../client/errors.js';
import { base64Decode } from '../../format/base64.js';
import { decodeRecord } from '../../format/record.js';
import type { RevocationEvent } from '../../format/revocation-methods.js';
import { withDaemon } from '../asking.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { recordText } from '../statement-text.js';

interface Flags {
  readonly follow?: boolean;
  readonly since?: number;
}

export const define: Define = (command, act) => {
  command
    .option('--follow', 'go on with what is revoked from now on, until interrupted')
    .option('--since <index>', 'from this log index on (0 unless given)', logIndex)
    .addHelpText('after', examples('writ revocations', 'writ revocations --follow --since 1200'));
  act((context) => show(context, command.opts<Flags>()));
};

function logIndex(text: string): number {
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(text)) throw new InvalidArgumentError('A log index is expected.');
  return Number(text);
}

/** One line for each; with --json one document for each, so that what follows can be read as it comes. */
async function show(context: CliContext, { follow = false, since = 0 }: Flags): Promise<ExitCode> {
  return withDaemon(context, async (client) => {
    client.onNotification('revocations.event', (event) => {
      const record = decodeRecord(base64Decode(event.payload));
      context.output.result({ ...event, record }, () => [`${event.index}  ${record.time}  ${textOf(event)}`]);
    });
    const current = new Promise<void>((resolve) => {
      client.onNotification('revocations.current', () => resolve());
    });
    await client.subscribeRevocations({ since });
    return follow ? followOn(client) : Promise.race([current.then(() => exitCodes.ok), followOn(client)]);
  });
}

/** Ends only with the connection: whoever relies on it must hear of that. */
async function followOn(client: WritClient): Promise<never> {
  await client.closed;
  throw new WritUnavailableError(
    'lost',
    'the daemon ended the connection; follow again from the last index that was shown',
  );
}

function textOf({ payload }: RevocationEvent): string {
  const record = decodeRecord(base64Decode(payload));
  const what = record.type === 'urn:writ:revocation:v1' ? 'revoked' : 'compromised';
  return `${what} ${recordText(record)}`;
}
