// Makes the development token by the command that a person would use. PINs are random, made and kept
// by that command in files of mode 0600; they never pass through here.

import { WRIT_MAIN } from './checkout.mjs';
import { runCommand } from './command.mjs';

/**
 * @param {string} home the state directory, absolute
 * @throws {SetupFailure} when the token cannot be made
 */
export function provideDevelopmentToken(home) {
  runCommand(process.execPath, [WRIT_MAIN, 'token', 'init', '--development'], {
    env: { ...process.env, WRIT_HOME: home },
    name: 'writ token init --development',
    advice: 'Correct what it names and start again.',
  });
}
