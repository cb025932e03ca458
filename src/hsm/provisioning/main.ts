/** Entry point of a provisioning process: one request, one answer, end. Started by token.ts. */

import { hardenProcess } from '../../kernel/process-hardening.js';
import { perform } from './operations.js';
import { parseProvisioningRequest } from './protocol.js';

// Most requests need a PIN.
hardenProcess();

process.on('message', (message: unknown) => {
  if (process.send === undefined) throw new Error('a provisioning process is started by Writ, not by hand');
  process.send(perform(parseProvisioningRequest(message)), () => process.disconnect());
});
