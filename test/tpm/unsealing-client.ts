/**
 * A process that unseals a secret and keeps it until it is told to wipe it: `unsealing-client.js <tcti> <file>`, where the
 * file holds what `sealForClient` wrote. It never sees the secret itself.
 */

import { readFileSync } from 'node:fs';
import { hexDecode } from '../../src/format/hex.js';
import { nativeAddon } from '../../src/kernel/addon.js';
import { openTpm } from '../../src/tpm/addon.js';

export interface SealedForClient {
  readonly publicArea: string;
  readonly privateArea: string;
  readonly parentName: string;
  readonly pcrDigest: string;
}

const [, , tcti = '', file = ''] = process.argv;
const { publicArea, privateArea, parentName, pcrDigest }: SealedForClient = JSON.parse(
  readFileSync(file, 'utf8'),
);
const tpm = openTpm(tcti);
const secret = tpm.unsealUnderPcrs(
  { publicArea: hexDecode(publicArea), privateArea: hexDecode(privateArea), parentName },
  { pcrs: [0], pcrDigest: hexDecode(pcrDigest) },
);
// Still connected: the buffers of the connection are looked through as well.
process.send?.('unsealed');
process.on('message', () => {
  nativeAddon().wipeSecret(secret);
  process.send?.('wiped');
  tpm.close();
});
