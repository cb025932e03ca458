/** Entry point of a signer process: the one place where a vendor's module lives beside a login. Started by the daemon. */

import { hardenProcess } from '../../kernel/process-hardening.js';
import { faultOf, isPinFault } from '../faults.js';
import { tokenName } from '../token-access.js';
import {
  type FromSigner,
  faultExitStatus,
  parseToSigner,
  pinExitStatus,
  type SignerStart,
  type SigningAnswer,
} from './protocol.js';
import { SigningService } from './signing-service.js';

// Before anything else is done here, and long before there is a PIN; where it cannot be done, there is no signer.
hardenProcess();

let service: SigningService | null = null;

// A signal to the whole process group is for the daemon, which ends this process once it needs no more signatures.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

process.on('disconnect', () => end(0));
process.on('message', (message: unknown) => {
  const request = parseToSigner(message);
  switch (request.type) {
    case 'start':
      start(request.start);
      return;
    case 'close':
      end(0);
      return;
    case 'checkpoint':
    case 'statement':
      if (service === null) throw new Error('asked to sign before the start');
      reply(service.answer(request));
  }
});

function start(config: SignerStart): void {
  try {
    service = new SigningService(config);
    send({ type: 'ready', warnings: service.warnings });
  } catch (cause) {
    const fault = faultOf(cause, tokenName(config.access.token));
    send({ type: 'failed', fault }, () => end(isPinFault(fault) ? pinExitStatus : faultExitStatus));
  }
}

function reply(answer: SigningAnswer): void {
  const ends = answer.type === 'unavailable' && answer.process === 'ends';
  send(answer, ends ? () => end(faultExitStatus) : undefined);
}

function send(message: FromSigner, sent?: () => void): void {
  if (process.send === undefined) throw new Error('a signer process is started by the daemon, not by hand');
  process.send(message, undefined, undefined, sent);
}

function end(status: number): void {
  try {
    service?.close();
  } finally {
    process.exit(status);
  }
}
