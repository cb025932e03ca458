/**
 * `writ environment events`: what firmware and boot loader wrote down of the boot, replayed, and compared with the PCRs that
 * the TPM quoted: which event differs. The log is unsigned; only the comparison makes it worth something.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MeasuredEvent } from '../../format/event-log.js';
import type { ChangedEvents, PcrComparison, ReplayedLog } from '../../format/event-log-replay.js';
import type { QuoteRecord } from '../../format/quote.js';
import type { LoggedPayload } from '../../verify/payload.js';
import { withDaemon } from '../asking.js';
import { fileProblem, MissingError, UsageError } from '../cli-error.js';
import { type Define, examples } from '../command.js';
import type { CliContext } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { columns, type Paint } from '../output.js';

interface Flags {
  readonly quote?: string;
  readonly before?: string;
}

/** Where Linux shows the log of the first TPM, to root. */
const kernelsLog = '/sys/kernel/security/tpm0/binary_bios_measurements';

export const define: Define = (command, act) => {
  command
    .argument('[file]', `a TCG event log; otherwise ${kernelsLog}`)
    .option('--quote <file>', "a quote's log entry to compare with; otherwise the newest of the daemon's log")
    .option('--before <file>', 'an older event log: show what is measured otherwise now')
    .addHelpText(
      'after',
      examples(
        'writ environment events',
        'writ environment events boot.bin --before old-boot.bin',
        'writ environment events --json',
      ),
    );
  act((context) => events(context, command.args[0], command.opts<Flags>()));
};

async function events(context: CliContext, file: string | undefined, flags: Flags): Promise<ExitCode> {
  const { compareEventLogs, compareWithQuote } = await import('../../format/event-log-replay.js');
  const log = await replay(file ?? null);
  const before = flags.before === undefined ? null : await replay(flags.before);
  const quote = flags.quote === undefined ? await newestQuote(context) : await quoteIn(flags.quote);
  const compared = quote === null ? null : compareWithQuote(log, quote.pcrs);
  const changed = before === null ? null : compareEventLogs(before, log);
  const document = {
    events: log.events.map(eventDocument),
    pcrs: log.pcrs,
    compared,
    changed: changed?.map(({ pcr, before: old, now }) => ({
      pcr,
      before: old.map(eventDocument),
      now: now.map(eventDocument),
    })),
  };
  context.output.result(document, (paint) => [
    ...columns(log.events.map((event) => [eventName(event), digestText(event, paint)])),
    ...(changed === null ? [] : changedLines(changed, paint)),
    ...(compared === null
      ? columns(log.pcrs.map(({ index, value }) => [`PCR ${index}`, value]))
      : compared.flatMap((pcr) => comparisonLines(log, pcr, paint))),
  ]);
  if (quote === null)
    context.output.note('compared with no quote: the event log is unsigned, and proves nothing by itself');
  const differs = compared?.some(({ outcome }) => outcome === 'different') ?? false;
  return differs || (changed?.length ?? 0) > 0 ? exitCodes.denied : exitCodes.ok;
}

/** Throws MissingError where this machine has no log, UsageError for a file that is none. */
async function replay(file: string | null): Promise<ReplayedLog> {
  const { replayEventLog } = await import('../../format/event-log-replay.js');
  const path = file ?? kernelsLog;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (file === null && (cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new MissingError(
        `the kernel shows no measured boot (${kernelsLog}): this machine has no TPM, or its firmware kept no log`,
        { cause },
      );
    throw new UsageError(fileProblem(path, cause), { cause });
  }
  try {
    return replayEventLog(bytes);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`${path} cannot be replayed: ${cause.message}`, { cause });
  }
}

async function quoteIn(file: string): Promise<QuoteRecord> {
  const { readArtifact } = await import('../artifact-file.js');
  const quote = quoteOf((await readArtifact(file)).payload);
  if (quote === null) throw new UsageError(`${file} is no quote of a TPM`);
  return quote;
}

/** The newest quote in the published log, as the daemon shows it; null where there is none, or nobody to ask. */
async function newestQuote(context: CliContext): Promise<QuoteRecord | null> {
  const { newestEntries } = await import('../log-lookup.js');
  const { base64Decode } = await import('../../format/base64.js');
  const { decodePayload } = await import('../../verify/payload.js');
  const { WritUnavailableError } = await import('../../client/errors.js');
  try {
    const [newest] = await newestEntries(join(context.locations.stateDirectory, 'log'), 1, 'quote');
    if (newest === undefined) return null;
    const entry = await withDaemon(context, (client) => client.entry({ index: newest.index }));
    if (entry.decision === 'deny' || entry.payload === null) return null;
    return quoteOf(decodePayload(entry.payloadType, base64Decode(entry.payload)));
  } catch (cause) {
    if (!(cause instanceof WritUnavailableError) && !(cause instanceof MissingError)) throw cause;
    context.output.note(`no quote could be had: ${cause.message}`);
    return null;
  }
}

function quoteOf(payload: LoggedPayload): QuoteRecord | null {
  return payload.content === 'record' && payload.record.type === 'urn:writ:quote:v1' ? payload.record : null;
}

function eventDocument({ number, pcr, typeName, digest, isDigestOfData }: MeasuredEvent) {
  return { number, pcr, type: typeName, digest, isDigestOfData };
}

function eventName({ number, pcr, typeName }: MeasuredEvent): string {
  return `${String(number).padStart(4)}  PCR ${String(pcr).padStart(2)}  ${typeName}`;
}

function digestText({ digest, isDigestOfData }: MeasuredEvent, paint: Paint): string {
  if (digest === null) return paint('faint', 'a remark, not measured');
  return isDigestOfData === false ? `${digest}  ${paint('bad', "is not its data's digest")}` : digest;
}

function changedLines(changed: readonly ChangedEvents[], paint: Paint): string[] {
  if (changed.length === 0) return [paint('good', 'everything is measured as before')];
  return changed.flatMap(({ pcr, before, now }) => [
    paint('strong', `PCR ${pcr} is measured otherwise`),
    ...before.map((event) => `  ${paint('bad', `- ${eventName(event)}  ${event.digest}`)}`),
    ...now.map((event) => `  ${paint('good', `+ ${eventName(event)}  ${event.digest}`)}`),
  ]);
}

function comparisonLines({ events: all }: ReplayedLog, pcr: PcrComparison, paint: Paint): string[] {
  if (pcr.outcome === 'same') return [`  PCR ${pcr.index}  ${pcr.value}  ${paint('good', 'as quoted')}`];
  return [
    `  PCR ${pcr.index}  ${paint('bad', differenceText(pcr.difference, all))}`,
    `    ${paint('faint', `replayed ${pcr.replayed}`)}`,
    `    ${paint('faint', `quoted   ${pcr.quoted}`)}`,
  ];
}

type Different = Extract<PcrComparison, { outcome: 'different' }>['difference'];

function differenceText(difference: Different, all: readonly MeasuredEvent[]): string {
  if (difference.why === 'unexplained') return 'something was measured that the log does not hold';
  const event = all[difference.event];
  const named =
    event === undefined ? `event ${difference.event}` : `event ${difference.event} (${event.typeName})`;
  switch (difference.why) {
    case 'ends-before':
      return `neither ${named} nor what follows it was measured`;
    case 'not-measured':
      return `${named} was not measured`;
    case 'out-of-order':
      return `${named} was measured after the one that follows it`;
    case 'other-digest':
      return `of ${named} another digest was measured than the log tells`;
  }
}
