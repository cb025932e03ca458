/** A process that holds hardware for one question: started, asked, answered, ended. */

import { endOf, startHardwareProcess } from './hardware-process.js';

/** `silent`: there was no answer; `how` it ended follows "the process". */
export type OneAnswer<Answer> =
  | { readonly outcome: 'answered'; readonly answer: Answer }
  | { readonly outcome: 'silent'; readonly how: string };

/**
 * Settles when the process has ended; never rejects. The process is killed after `timeoutMs`.
 * @param parse reads a message; null when it is no answer
 */
export async function askOnce<Answer>(
  entry: URL,
  settings: Readonly<Record<string, string>>,
  request: object,
  parse: (message: unknown) => Answer | null,
  timeoutMs: number,
): Promise<OneAnswer<Answer>> {
  const child = startHardwareProcess(entry, settings);
  let how = 'ended without an answer';
  const deadline = setTimeout(() => {
    how = `did not answer within ${timeoutMs} ms and was stopped`;
    child.kill('SIGKILL');
  }, timeoutMs);
  const answers: (Answer | null)[] = [];
  child.on('message', (message) => answers.push(parse(message)));
  child.send(request, (error) => {
    if (error !== null) child.kill('SIGKILL');
  });
  await endOf(child);
  clearTimeout(deadline);
  const [answer = null] = answers;
  return answer === null ? { outcome: 'silent', how } : { outcome: 'answered', answer };
}
