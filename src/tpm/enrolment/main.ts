/** Entry point of a process that enrols or looks at a TPM: one request, one answer, end. Started by enrolment.ts. */

import { perform } from './operations.js';
import { parseEnrolmentRequest } from './protocol.js';

process.on('message', (message: unknown) => {
  if (process.send === undefined) throw new Error('an enrolling process is started by Writ, not by hand');
  process.send(perform(parseEnrolmentRequest(message)), () => process.disconnect());
});
