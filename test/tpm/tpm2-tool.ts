/** The programs of tpm2-tools: a foreign opinion on our TPMs, keys and quotes. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexDecode } from '../../src/format/hex.js';
import type { PcrValue } from '../../src/format/quote.js';
import type { AttestationKey, Quote } from '../../src/tpm/attester.js';
import { plainEnvironment } from './plain-environment.js';
import type { Swtpm } from './swtpm-home.js';
import { attestationKeyPem } from './tpm-key.js';

/** TPM_ALG_SHA256. */
const sha256Algorithm = 0x000b;

/** Runs `tpm2_<name>` on a TPM that nobody else is connected to; returns its output. Throws when it fails. */
export function tpm2Tool(machine: Swtpm, name: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = run(name, ['-T', machine.tcti, ...args]);
  if (status !== 0) throw new Error(`tpm2_${name} failed: ${stdout}${stderr}`);
  return stdout;
}

/** What `tpm2_checkquote` says about a quote, without any TPM: signature, qualifying data and PCR digest. */
export function tpm2CheckQuote(
  machine: Swtpm,
  key: AttestationKey,
  quote: Quote,
  qualifyingData: Uint8Array,
): 'accepted' | 'refused' {
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(machine.directory, name);
    writeFileSync(path, content);
    return path;
  };
  const { status, stderr } = run('checkquote', [
    ...['-u', file('ak.pem', attestationKeyPem(key))],
    ...['-m', file('quote.attest', quote.attest)],
    ...['-s', file('quote.signature', quote.signature)],
    ...['-f', file('quote.pcrs', serializedPcrs(quote.pcrs))],
    ...['-g', 'sha256', '-q', Buffer.from(qualifyingData).toString('hex')],
  ]);
  if (status === 0) return 'accepted';
  if (/qualif|digest|signature|nonce/i.test(stderr)) return 'refused';
  throw new Error(`tpm2_checkquote failed: ${stderr}`);
}

/**
 * The values as tpm2-tools keep them: TPML_PCR_SELECTION, the number of lists, and lists of up to eight digests
 * (TPML_DIGEST), each structure as it lies in the memory of a little-endian machine. (The plainer format fails in tpm2-tools
 * 5.4 for eight values and more.)
 */
function serializedPcrs(pcrs: readonly PcrValue[]): Buffer {
  const selection = Buffer.alloc(4 + 16 * 8);
  selection.writeUInt32LE(1, 0);
  selection.writeUInt16LE(sha256Algorithm, 4);
  selection[6] = 3;
  for (const { index } of pcrs) {
    const octet = 7 + Math.floor(index / 8);
    selection[octet] = (selection[octet] ?? 0) | (1 << (index % 8));
  }
  const lists = Array.from({ length: Math.ceil(pcrs.length / 8) }, (_, list) => {
    const digests = pcrs.slice(list * 8, list * 8 + 8);
    const bytes = Buffer.alloc(4 + 8 * 66);
    bytes.writeUInt32LE(digests.length, 0);
    digests.forEach(({ value }, position) => {
      bytes.writeUInt16LE(32, 4 + position * 66);
      bytes.set(hexDecode(value), 6 + position * 66);
    });
    return bytes;
  });
  const count = Buffer.alloc(4);
  count.writeUInt32LE(lists.length);
  return Buffer.concat([selection, count, ...lists]);
}

function run(name: string, args: readonly string[]) {
  return spawnSync(`tpm2_${name}`, args, { encoding: 'utf8', timeout: 30_000, env: plainEnvironment });
}
