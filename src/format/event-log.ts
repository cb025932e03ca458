/**
 * Reads the log in which firmware and boot loader wrote down what they measured: the crypto-agile form of the TCG PC Client
 * Platform Firmware Profile (1.06, section 10). Only its SHA-256 digests count. The log itself is unsigned: what it says is
 * worth something only once its replay ends at the values that a TPM quoted (event-log-replay.ts).
 */

import { sha256 } from '../hash/sha256.js';
import { ByteReader } from './byte-reader.js';
import { equalBytes } from './bytes.js';
import { digestsItsData, eventTypeName, noAction } from './event-types.js';
import { hexEncode } from './hex.js';
import { tpmAlgorithms } from './tpm-algorithm.js';
import { utf8Encode } from './utf8.js';

export interface MeasuredEvent {
  /** Position in the log, from 0. */
  readonly number: number;
  readonly pcr: number;
  readonly type: number;
  /** As the profile names the type; the number in hex where it does not. */
  readonly typeName: string;
  /** What the PCR was extended with (SHA-256, hex), or null for an event that is only a remark. */
  readonly digest: string | null;
  readonly data: Uint8Array;
  /** Whether the digest is that of the data, for types where it must be; null for the others. */
  readonly isDigestOfData: boolean | null;
}

export interface EventLog {
  readonly events: readonly MeasuredEvent[];
  /** The locality that started the TPM: the value that PCR 0 began with. */
  readonly startupLocality: number;
}

/** Far more than any firmware writes. */
export const maxEventLogBytes = 4 << 20;
const maxAlgorithms = 16;
const maxDigestBytes = 64;
const highestPcr = 23;

const specId = utf8Encode('Spec ID Event03\0');
const startupLocalityId = utf8Encode('StartupLocality\0');

/**
 * Throws SyntaxError for anything but one whole log with SHA-256 digests; a log of the older form, which has only SHA-1, is
 * refused by that name.
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > maxEventLogBytes)
    throw new SyntaxError(`the event log is larger than ${maxEventLogBytes} bytes`);
  const reader = new ByteReader(bytes, 'little-endian', 'the event log');
  const { header, digestSizes } = readHeader(reader);
  const events = [header];
  let startupLocality = 0;
  let isFirstOfPcr0 = true;
  while (!reader.isAtEnd) {
    const event = readEvent(reader, events.length, digestSizes);
    const locality = localityOf(event, reader);
    if (locality !== null && !isFirstOfPcr0)
      throw reader.fault('tells the startup locality after PCR 0 was extended, or twice');
    startupLocality = locality ?? startupLocality;
    if (locality !== null || (event.pcr === 0 && event.digest !== null)) isFirstOfPcr0 = false;
    events.push(event);
  }
  return { events, startupLocality };
}

/** TCG_PCR_EVENT with a TCG_EfiSpecIdEvent in it: which digests each of the events that follow has, and how long they are. */
function readHeader(reader: ByteReader): { header: MeasuredEvent; digestSizes: ReadonlyMap<number, number> } {
  const pcr = reader.u32();
  const type = reader.u32();
  reader.bytes(20);
  const data = reader.bytes(reader.u32());
  if (type !== noAction || !startsWith(data, specId))
    throw new SyntaxError(
      'the event log has no "Spec ID Event03" header: it is of the older form, which has only SHA-1 digests, or no event log',
    );
  const spec = new ByteReader(data.subarray(specId.length), 'little-endian', 'the header of the event log');
  // Platform class, version, errata and the size of UINTN: nothing that follows depends on them.
  spec.bytes(8);
  const algorithms = spec.u32();
  if (algorithms === 0 || algorithms > maxAlgorithms)
    throw spec.fault('names no number of algorithms that can be');
  const digestSizes = new Map<number, number>();
  for (let at = 0; at < algorithms; at++) {
    const [algorithm, sizeBytes] = [spec.u16(), spec.u16()];
    if (digestSizes.has(algorithm)) throw spec.fault('names an algorithm twice');
    if (sizeBytes === 0 || sizeBytes > maxDigestBytes)
      throw spec.fault('names a digest of impossible length');
    digestSizes.set(algorithm, sizeBytes);
  }
  spec.bytes(spec.u8());
  spec.end();
  if (digestSizes.get(tpmAlgorithms.sha256) !== 32)
    throw new SyntaxError('the event log has no SHA-256 digests: the firmware did not extend that bank');
  const header = {
    number: 0,
    pcr,
    type,
    typeName: eventTypeName(type),
    digest: null,
    data,
    isDigestOfData: null,
  };
  return { header, digestSizes };
}

/** TCG_PCR_EVENT2. */
function readEvent(reader: ByteReader, number: number, sizes: ReadonlyMap<number, number>): MeasuredEvent {
  const pcr = reader.u32();
  const type = reader.u32();
  const digest = readSha256(reader, sizes);
  const data = reader.bytes(reader.u32());
  const typeName = eventTypeName(type);
  if (type === noAction) return { number, pcr, type, typeName, digest: null, data, isDigestOfData: null };
  if (pcr > highestPcr) throw reader.fault(`extends PCR ${pcr}, which no TPM has, in event ${number}`);
  const isDigestOfData = digestsItsData(type) ? equalBytes(sha256(data), digest) : null;
  return { number, pcr, type, typeName, digest: hexEncode(digest), data, isDigestOfData };
}

/** TPML_DIGEST_VALUES: one digest for each algorithm of the header at most, SHA-256 among them. */
function readSha256(reader: ByteReader, sizes: ReadonlyMap<number, number>): Uint8Array {
  const count = reader.u32();
  if (count > sizes.size) throw reader.fault('has an event with more digests than its header announces');
  const digests = new Map<number, Uint8Array>();
  for (let at = 0; at < count; at++) {
    const algorithm = reader.u16();
    const sizeBytes = sizes.get(algorithm);
    if (sizeBytes === undefined || digests.has(algorithm))
      throw reader.fault('has an event with a digest that its header does not announce, or twice the same');
    digests.set(algorithm, reader.bytes(sizeBytes));
  }
  const digest = digests.get(tpmAlgorithms.sha256);
  if (digest === undefined) throw reader.fault('has an event without a SHA-256 digest');
  return digest;
}

/** The locality that an event tells, or null for every other event. */
function localityOf({ type, pcr, data }: MeasuredEvent, reader: ByteReader): number | null {
  if (type !== noAction || pcr !== 0 || !startsWith(data, startupLocalityId)) return null;
  const locality = data[startupLocalityId.length];
  if (data.length !== startupLocalityId.length + 1 || locality === undefined || locality > 4)
    throw reader.fault('tells a startup locality that there is not');
  return locality;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix);
}
