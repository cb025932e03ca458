/** A process that appends to a log until it is killed: `node snapshot-child.js DIRECTORY`, the signer's key in WRIT_TEST_KEY. */

import { SoftwareSigner } from '../log/software-log.js';
import { fill, openSnapshotLog } from './snapshot-log.js';

const [, , directory = ''] = process.argv;
const { log } = await openSnapshotLog(directory, new SoftwareSigner(process.env.WRIT_TEST_KEY ?? ''));
await fill(log, Number.POSITIVE_INFINITY);
