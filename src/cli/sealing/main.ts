/** Entry point of a sealing process, where a PIN meets the TPM: one request, one answer, end. Started by sealed-pins.ts. */

import { hardenProcess } from '../../kernel/process-hardening.js';
import { perform } from './operations.js';
import { parseSealingRequest } from './protocol.js';

hardenProcess();

process.on('message', (message: unknown) => {
  if (process.send === undefined) throw new Error('a sealing process is started by Writ, not by hand');
  process.send(perform(parseSealingRequest(message)), () => process.disconnect());
});
