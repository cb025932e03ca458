/**
 * Run as a process of its own: JavaScript is deoptimised while a WebAssembly function that it calls, and that returns a
 * reference, has not yet returned. Prints `survived`; V8 ends the process where it inlined that call.
 */

import { createCedar } from '../../src/policy/cedar.js';

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly a: { readonly b: () => void } },
  ) => { readonly exports: { readonly g: () => null } };
};

/** (import "a" "b" (func $b)) (func (export "g") (result externref) call $b ref.null extern) */
const callThenNull = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x08, 0x02, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x6f],
  ...[0x02, 0x07, 0x01, 0x01, 0x61, 0x01, 0x62, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x01],
  ...[0x07, 0x05, 0x01, 0x01, 0x67, 0x00, 0x01],
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x10, 0x00, 0xd0, 0x6f, 0x0b],
);

createCedar();

let during: () => void = () => undefined;
const { g } = new WebAssembly.Instance(new WebAssembly.Module(callThenNull), {
  a: { b: () => during() },
}).exports;

class Dependency {
  value(): number {
    return 1;
  }
}

let sum = 0;
function caller(dependency: Dependency): null {
  const answer = g();
  sum += dependency.value();
  return answer;
}

const dependency = new Dependency();
for (let call = 0; call < 200_000; call++) caller(dependency);
// What the optimised code relied on changes, so it can no longer be returned to.
during = () => {
  Dependency.prototype.value = () => 2;
};
caller(dependency);
console.log(sum === 200_002 ? 'survived' : `wrong sum ${sum}`);
