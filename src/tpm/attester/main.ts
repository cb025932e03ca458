/** Entry point of an attester process: the one place where the daemon's TPM is talked to. Started by the daemon. */

import { faultOf, tpmName } from '../faults.js';
import { AttestingService } from './attesting-service.js';
import {
  type AttesterAnswer,
  type AttesterStart,
  type FromAttester,
  faultExitStatus,
  parseToAttester,
} from './protocol.js';

let service: AttestingService | null = null;

// A signal to the whole process group is for the daemon, which ends this process once it needs no more of the TPM.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

process.on('disconnect', () => end(0));
process.on('message', (message: unknown) => {
  const request = parseToAttester(message);
  switch (request.type) {
    case 'start':
      start(request.start);
      return;
    case 'close':
      end(0);
      return;
    case 'quote':
    case 'read-counter':
    case 'increment-counter':
      if (service === null) throw new Error('asked for something before the start');
      reply(service.answer(request));
  }
});

function start(config: AttesterStart): void {
  try {
    service = new AttestingService(config);
    send({ type: 'ready' });
  } catch (cause) {
    send({ type: 'failed', fault: faultOf(cause, tpmName(config.tcti)) }, () => end(faultExitStatus));
  }
}

function reply(answer: AttesterAnswer): void {
  const ends = answer.type === 'unavailable' && answer.process === 'ends';
  send(answer, ends ? () => end(faultExitStatus) : undefined);
}

function send(message: FromAttester, sent?: () => void): void {
  if (process.send === undefined)
    throw new Error('an attester process is started by the daemon, not by hand');
  process.send(message, undefined, undefined, sent);
}

function end(status: number): void {
  try {
    service?.close();
  } finally {
    process.exit(status);
  }
}
