/** A process that quotes without end on the TPM whose TCTI is its argument, and tells its parent how that ended. */

import { openTpm } from '../../src/tpm/addon.js';
import { TpmAddonError } from '../../src/tpm/addon-error.js';

const [, , tcti = ''] = process.argv;
const handle = 0x8101_0002;

function report(text: string): Promise<void> {
  return new Promise((resolve) => process.send?.(text, () => resolve()));
}

const tpm = openTpm(tcti);
tpm.createAttestationKey(handle);
await report('quoting');
try {
  for (;;) tpm.quote(handle, [0, 1, 2], Buffer.alloc(32));
} catch (cause) {
  await report(`failed ${cause instanceof TpmAddonError ? cause.code : String(cause)}`);
}
tpm.close();
process.disconnect();
