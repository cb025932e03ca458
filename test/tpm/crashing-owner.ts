/** A process that starts the development TPM of a state directory and dies without a chance to end it. */

import { startDevelopmentTpm } from '../../src/tpm/development-tpm.js';

const [, , stateDirectory = ''] = process.argv;
await startDevelopmentTpm(stateDirectory);
process.kill(process.pid, 'SIGKILL');
