// Writes wasm/unrolled/blake2b.ts: the compression function F of BLAKE2b (RFC 7693, section 3.2) for one
// block and for the blocks of three messages at once. It is written by a program because mixing sets four
// words at a time and AssemblyScript has neither macros nor functions that return several values.
//
// For one block all twelve rounds are written out, so that each message word has a fixed address. For
// three, one round is a loop's body: written out, they are more than a processor's cache of decoded
// instructions holds beside their caller, and run at half the speed.

/** The order of the message words in each round (RFC 7693, section 2.7). */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];
const ROUNDS = 12;

/** The initialisation vector (RFC 7693, section 2.6), which is SHA-512's. */
const INITIAL = [
  '0x6a09e667f3bcc908',
  '0xbb67ae8584caa73b',
  '0x3c6ef372fe94f82b',
  '0xa54ff53a5f1d36f1',
  '0x510e527fade682d1',
  '0x9b05688c2b3e6c1f',
  '0x1f83d9abfb41bd6b',
  '0x5be0cd19137e2179',
];

/** The words of the work vector that each of a round's eight mixings sets: columns, then diagonals. */
const MIXED = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

const STATE_WORDS = [0, 1, 2, 3, 4, 5, 6, 7];

/** The scalar machine: one message, `u64` words. */
const solo = {
  name: 'solo',
  type: 'u64',
  load: (address, word) => `load<u64>(${address}, ${8 * word})`,
  store: (address, word, value) => `store<u64>(${address}, ${value}, ${8 * word});`,
  state: 'SOLO_STATE',
  work: 'SOLO_WORK',
  constant: (word) => `load<u64>(INITIAL, ${8 * word})`,
  parameters: 'PARAMETERS',
  counter: 'counter',
  end: 'end',
  add: (a, b) => `(${a} + ${b})`,
  xor: (a, b) => `(${a} ^ ${b})`,
  rotate: (a, bits) => `rotr<u64>(${a}, ${bits})`,
};

/** The vector machine: two messages, one in each half of a `v128` word. */
const pair = {
  name: 'pair',
  type: 'v128',
  load: (address, word) => `v128.load(${address}, ${16 * word})`,
  store: (address, word, value) => `v128.store(${address}, ${value}, ${16 * word});`,
  state: 'PAIR_STATE',
  work: 'PAIR_WORK',
  constant: (word) => `v128.load64_splat(INITIAL, ${8 * word})`,
  parameters: 'i64x2.splat(PARAMETERS)',
  counter: 'pairCounter',
  end: 'pairEnd',
  add: (a, b) => `i64x2.add(${a}, ${b})`,
  xor: (a, b) => `v128.xor(${a}, ${b})`,
  rotate: (a, bits) => `rotatePair${bits}(${a})`,
};

/**
 * Where the words of the work vector are kept between mixings: all in locals, or rows a and c (words 0 to
 * 3 and 8 to 11) in memory, for then the compiler has no more locals to carry round the loop than it
 * handles well. Rows b and d are what mixings wait for; the way through memory would take too long.
 */
const inLocals = ({ name, type }) => ({
  get: (word) => `${name}${word}`,
  declare: (word, value) => `let ${name}${word}: ${type} = ${value};`,
  set: (word, value) => `${name}${word} = ${value};`,
});
function inMemory(machine) {
  const locals = inLocals(machine);
  const isStored = (word) => word % 8 < 4;
  const store = (word, value) => machine.store(machine.work, word, value);
  return {
    get: (word) => (isStored(word) ? machine.load(machine.work, word) : locals.get(word)),
    declare: (word, value) => (isStored(word) ? store(word, value) : locals.declare(word, value)),
    set: (word, value) => (isStored(word) ? store(word, value) : locals.set(word, value)),
  };
}

/** The work vector before the first round: the state, then constants, of which two take counter and end mark. */
function start({ load, state, constant, counter, end, xor }, work) {
  const joined = { 12: counter, 14: end };
  return STATE_WORDS.concat(STATE_WORDS.map((word) => word + 8)).map((word) => {
    if (word < 8) return work.declare(word, load(state, word));
    const value = constant(word - 8);
    return work.declare(word, joined[word] ? xor(value, joined[word]) : value);
  });
}

/**
 * Mixing (RFC 7693, section 3.1) as a block with names of its own. The message word goes to `a` first: `b`
 * is the word that the previous mixing set last, so whatever can be done without it need not wait for it.
 */
function mix({ add, xor, rotate }, work, words, x, y) {
  const [a, b, c, d] = words.map(work.get);
  return [
    `{ let a = ${add(add(a, x), b)};`,
    `  let d = ${rotate(xor(d, 'a'), 32)};`,
    `  let c = ${add(c, 'd')};`,
    `  let b = ${rotate(xor(b, 'c'), 24)};`,
    `  a = ${add(add('a', y), 'b')}; ${work.set(words[0], 'a')}`,
    `  d = ${rotate(xor('d', 'a'), 16)}; ${work.set(words[3], 'd')}`,
    `  c = ${add('c', 'd')}; ${work.set(words[2], 'c')}`,
    `  ${work.set(words[1], rotate(xor('b', 'c'), 63))} }`,
  ];
}

function finish({ load, store, state, xor }, work) {
  return STATE_WORDS.map((word) =>
    store(state, word, xor(load(state, word), xor(work.get(word), work.get(word + 8)))),
  );
}

function compressSolo() {
  const work = inLocals(solo);
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const [order, message] = [SIGMA[round % SIGMA.length], (word) => solo.load('block', word)];
    return MIXED.flatMap((words, i) =>
      mix(solo, work, words, message(order[2 * i]), message(order[2 * i + 1])),
    );
  });
  return [
    'export function compressSolo(block: usize, counter: u64, end: u64): void {',
    ...indent([...start(solo, work), ...rounds.flat(), ...finish(solo, work)]),
    '}',
  ];
}

/** What one mixing of each machine takes from memory: the message words at the offsets x and y. */
const pairWords = ['v128.load(x << 1, PAIR_BLOCK)', 'v128.load(y << 1, PAIR_BLOCK)'];
const soloWords = ['load<u64>(x, SOLO_BLOCK)', 'load<u64>(y, SOLO_BLOCK)'];

/** The rounds as a loop, on the states of all given machines, whose mixings take turns so that they overlap. */
function compressTogether(signature, machines) {
  const works = machines.map(([machine]) => inMemory(machine));
  const each = (passage) => machines.flatMap(([machine, words], i) => passage(machine, works[i], words));
  const round = MIXED.flatMap((words, i) => [
    `x = load<u8>(order, ${2 * i}); y = load<u8>(order, ${2 * i + 1});`,
    ...each((machine, work, [x, y]) => mix(machine, work, words, x, y)),
  ]);
  return [
    `export function ${signature}: void {`,
    '  let x: usize, y: usize;',
    ...indent(each(start)),
    `  for (let order: usize = ORDER; order < ORDER + ${16 * ROUNDS}; order += 16) {`,
    ...indent(indent(round)),
    '  }',
    ...indent(each(finish)),
    '}',
  ];
}

/**
 * The start of a message, the initialisation vector with the parameter block, and the digests; straight-line,
 * for these are what a small message costs beside its compressions.
 */
function edges() {
  const first = (machine, word) =>
    word === 0 ? machine.xor(machine.constant(0), machine.parameters) : machine.constant(word);
  const half = (word) =>
    pair.store(pair.state, word, `v128.bitselect(${first(pair, word)}, ${pair.load(pair.state, word)}, own)`);
  return [
    '/** Begins a message in the solo state. */',
    'export function beginSolo(): void {',
    ...indent(STATE_WORDS.map((word) => solo.store(solo.state, word, first(solo, word)))),
    '}',
    '',
    '/** Begins a message in one half of the pair state: `own` is all ones in that half, zero in the other. */',
    'export function beginHalf(own: v128): void {',
    ...indent(STATE_WORDS.map(half)),
    '}',
    '',
    'export function squeezeSolo(digest: usize): void {',
    ...indent(STATE_WORDS.map((word) => solo.store('digest', word, solo.load(solo.state, word)))),
    '}',
    '',
    '/** `half`: 0 or 8, the offset of a half in its vector. */',
    'export function squeezeHalf(half: usize, digest: usize): void {',
    ...indent(
      STATE_WORDS.map((word) => solo.store('digest', word, `load<u64>(half, PAIR_STATE + ${16 * word})`)),
    ),
    '}',
  ];
}

const indent = (lines) => lines.map((line) => `  ${line}`);

/** Rotations of both halves; those by whole bytes are one byte shuffle each. */
const ROTATIONS = `
// @ts-ignore: decorator
@inline function rotatePair32(x: v128): v128 { return v128.swizzle(x, i8x16(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)); }
// @ts-ignore: decorator
@inline function rotatePair24(x: v128): v128 { return v128.swizzle(x, i8x16(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10)); }
// @ts-ignore: decorator
@inline function rotatePair16(x: v128): v128 { return v128.swizzle(x, i8x16(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9)); }
// @ts-ignore: decorator
@inline function rotatePair63(x: v128): v128 { return v128.or(i64x2.add(x, x), i64x2.shr_u(x, 63)); }
`;

/** Offsets of u64 words in a block, for all twelve rounds. */
function orderTable() {
  return Array.from({ length: ROUNDS }, (_, round) => SIGMA[round % SIGMA.length].map((word) => 8 * word));
}

/** The text of wasm/unrolled/blake2b.ts. */
export function blake2bSource() {
  return [
    '// Written by scripts/unroll/blake2b.mjs; change it there.',
    '',
    'import {',
    '  PAIR_BLOCK, PAIR_STATE, PAIR_WORK, SOLO_BLOCK, SOLO_STATE, SOLO_WORK,',
    "} from '../layout';",
    '',
    '/** The initialisation vector (RFC 7693, section 2.6). */',
    `const INITIAL: usize = memory.data<u64>([${INITIAL.join(', ')}]);`,
    '',
    `const ORDER: usize = memory.data<u8>([${orderTable().flat().join(', ')}]);`,
    '/** Digest of 64 bytes, no key, fan-out and depth one: all of the parameter block that is not zero. */',
    'const PARAMETERS: u64 = 0x01010040;',
    ROTATIONS,
    ...edges(),
    '',
    '/** F on the solo state and the block at an address. `end`: all ones for the last block, else zero. */',
    ...compressSolo(),
    '',
    '/** F on both halves of the pair state, and the blocks that lie where the layout says. */',
    ...compressTogether('compressPair(pairCounter: v128, pairEnd: v128)', [[pair, pairWords]]),
    '',
    '/** F on the solo state and both halves of the pair state, and the blocks that lie where the layout says. */',
    ...compressTogether('compressTrio(counter: u64, end: u64, pairCounter: v128, pairEnd: v128)', [
      [pair, pairWords],
      [solo, soloWords],
    ]),
    '',
  ].join('\n');
}
