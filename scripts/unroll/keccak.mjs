// Writes wasm/unrolled/keccak.ts: the permutation Keccak-f[1600] (FIPS 202, section 3) for one message
// and for three at once. It is written by a program because a round sets 25 lanes and AssemblyScript
// has neither macros nor functions that return several values.
//
// A round reads all lanes from one buffer and writes them to the other; two rounds are one turn of the
// loop. Each round also gathers the column parities that the next one begins with.

const LANES = 25;
const ROUNDS = 24;

/** Bits by which step rho rotates lane x + 5y (FIPS 202, table 2). */
const ROTATION = [
  0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
];

/** Lanes that the states keep inverted, so that step chi needs one NOT a row, not five. */
const INVERTED_LANES = [1, 2, 8, 12, 17, 20];

/** The lane that steps rho and pi bring to column x of row y. */
const sourceLane = (x, y) => ((x + 3 * y) % 5) + 5 * x;

/** The constants of step iota, from the shift register of FIPS 202, algorithm 5. */
function roundConstants() {
  let register = 1;
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n;
    for (let j = 0; j <= 6; j += 1) {
      if (register & 1) constant |= 1n << BigInt((1 << j) - 1);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return `0x${constant.toString(16)}`;
  });
}

/** The scalar machine: one message, `u64` lanes. */
const solo = {
  name: 'solo',
  type: 'u64',
  buffers: ['SOLO_STATE', 'SOLO_TURN'],
  load: (buffer, lane) => `load<u64>(${buffer}, ${8 * lane})`,
  store: (buffer, lane, value) => `store<u64>(${buffer}, ${value}, ${8 * lane});`,
  constant: (index) => `load<u64>(constants, ${8 * index})`,
  zero: '0',
  not: (a) => `~${a}`,
  and: (a, b) => `(${a} & ${b})`,
  or: (a, b) => `(${a} | ${b})`,
  xor: (a, b) => `(${a} ^ ${b})`,
  rotate: (a, bits) => (bits === 0 ? a : `rotl<u64>(${a}, ${bits})`),
};

/** The vector machine: two messages, one in each half of a `v128` lane. */
const pair = {
  name: 'pair',
  type: 'v128',
  buffers: ['PAIR_STATE', 'PAIR_TURN'],
  load: (buffer, lane) => `v128.load(${buffer}, ${16 * lane})`,
  store: (buffer, lane, value) => `v128.store(${buffer}, ${value}, ${16 * lane});`,
  constant: (index) => `v128.load64_splat(constants, ${8 * index})`,
  zero: 'i64x2.splat(0)',
  not: (a) => `v128.not(${a})`,
  and: (a, b) => `v128.and(${a}, ${b})`,
  or: (a, b) => `v128.or(${a}, ${b})`,
  xor: (a, b) => `v128.xor(${a}, ${b})`,
  rotate: (a, bits) => (bits === 0 ? a : `rotatePair(${a}, ${bits})`),
};

/**
 * Step chi, a ^ (~b & c), where each of a, b, c may be inverted and the result must be inverted if lane
 * x + 5y is: De Morgan's laws move the inversions until at most one is left.
 */
function chi({ not, and, or, xor }, x, y, [a, b, c]) {
  const [invertedA, invertedB, invertedC] = [x, x + 1, x + 2].map((column) => arrivesInverted(column % 5, y));
  const isTurned = invertedA !== INVERTED_LANES.includes(x + 5 * y);
  if (invertedB && !invertedC) return xor(isTurned ? not(a) : a, and(b, c));
  if (!invertedB && invertedC) return xor(isTurned ? a : not(a), or(b, c));
  if (invertedB) return xor(a, isTurned ? or(not(b), c) : and(b, not(c)));
  return xor(a, isTurned ? or(b, not(c)) : and(not(b), c));
}

/** Whether column x of row y is inverted after steps theta, rho and pi: theta mixes in two whole columns. */
function arrivesInverted(x, y) {
  const lane = sourceLane(x, y);
  const inColumn = (column) => INVERTED_LANES.filter((inverted) => inverted % 5 === (column + 5) % 5).length;
  const mixedIn = inColumn((lane % 5) - 1) + inColumn((lane % 5) + 1);
  return ((INVERTED_LANES.includes(lane) ? 1 : 0) + mixedIn) % 2 === 1;
}

/** One round of one machine as six passages of text: theta, then each row. */
function round(machine, from, to, index) {
  const { name, xor, rotate } = machine;
  const theta = columns((x) => {
    const mixed = xor(`${name}C${(x + 4) % 5}`, rotate(`${name}C${(x + 1) % 5}`, 1));
    return `${name}D${x} = ${mixed};`;
  });
  const row = (y) => [
    ...columns((x) => {
      const lane = sourceLane(x, y);
      const mixed = xor(machine.load(from, lane), `${name}D${lane % 5}`);
      return `${name}B${x} = ${rotate(mixed, ROTATION[lane])};`;
    }),
    ...columns((x) => {
      const operands = [x, x + 1, x + 2].map((column) => `${name}B${column % 5}`);
      const value = chi(machine, x, y, operands);
      const parity = `${name}C${x}`;
      return [
        `${name}E = ${x + y === 0 ? xor(value, machine.constant(index)) : value};`,
        machine.store(to, x + 5 * y, `${name}E`),
        `${parity} = ${y === 0 ? `${name}E` : xor(parity, `${name}E`)};`,
      ].join(' ');
    }),
  ];
  return [theta, ...columns(row)];
}

/** The locals of one machine; C, the column parities, as they are before the first round. */
function declarations(machine) {
  const { name, type, zero, xor, load, buffers } = machine;
  const parity = (x) =>
    [1, 2, 3, 4].reduce((sum, y) => xor(sum, load(buffers[0], x + 5 * y)), load(buffers[0], x));
  return [
    ...columns((x) => `let ${name}C${x}: ${type} = ${parity(x)};`),
    ...columns((x) => `let ${name}B${x}: ${type} = ${zero}, ${name}D${x}: ${type} = ${zero};`),
    `let ${name}E: ${type} = ${zero};`,
  ];
}

/** A permutation of all given machines' states, their passages taking turns so that they overlap. */
function permutation(functionName, machines) {
  const rounds = [0, 1].flatMap((index) => {
    const passages = machines.map((machine) =>
      round(machine, machine.buffers[index], machine.buffers[1 - index], index),
    );
    return passages[0].flatMap((_, step) => passages.flatMap((passage) => passage[step]));
  });
  return [
    `export function ${functionName}(): void {`,
    ...indent(machines.flatMap(declarations)),
    `  for (let constants: usize = CONSTANTS; constants < CONSTANTS + ${8 * ROUNDS}; constants += 16) {`,
    ...indent(indent(rounds)),
    '  }',
    '}',
  ];
}

/** The start of a message: lanes zero, or all ones where inverted. Only one half of a pair starts. */
function beginnings() {
  const lanes = Array.from({ length: LANES }, (_, lane) => lane);
  const isInverted = (lane) => INVERTED_LANES.includes(lane);
  const half = (lane) => {
    const kept = pair.load('PAIR_STATE', lane);
    return pair.store('PAIR_STATE', lane, isInverted(lane) ? pair.or(kept, 'own') : pair.and(kept, 'other'));
  };
  return [
    '/** Begins a message in the solo state. */',
    'export function beginSolo(): void {',
    ...indent(lanes.map((lane) => solo.store('SOLO_STATE', lane, isInverted(lane) ? '-1' : '0'))),
    '}',
    '',
    '/**',
    ' * Begins a message in one half of the pair state: `own` is all ones in that half, zero in the other, and',
    ' * `other` the reverse. Whole vectors are written, for what is stored in halves is slow to load whole.',
    ' */',
    'export function beginHalf(own: v128, other: v128): void {',
    ...indent(lanes.map(half)),
    '}',
  ];
}

/** Absorption of whole blocks, and the digests; straight-line, for these are a small message's main cost beside Keccak-f. */
function edges() {
  const rate = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const digest = rate.slice(0, 8);
  const plain = (lane, value) => (INVERTED_LANES.includes(lane) ? solo.not(value) : value);
  return [
    'export function absorbSolo(block: usize): void {',
    ...indent(
      rate.map((lane) =>
        solo.store('SOLO_STATE', lane, solo.xor(solo.load('SOLO_STATE', lane), solo.load('block', lane))),
      ),
    ),
    '}',
    '',
    'export function absorbPair(first: usize, second: usize): void {',
    ...indent(
      rate.map((lane) => {
        const words = `v128.load64_lane(second, v128.load64_zero(first, ${8 * lane}), 1, ${8 * lane})`;
        return pair.store('PAIR_STATE', lane, pair.xor(pair.load('PAIR_STATE', lane), words));
      }),
    ),
    '}',
    '',
    'export function squeezeSolo(digest: usize): void {',
    ...indent(digest.map((lane) => solo.store('digest', lane, plain(lane, solo.load('SOLO_STATE', lane))))),
    '}',
    '',
    '/** `half`: 0 or 8, the offset of a half in its vector. */',
    'export function squeezeHalf(half: usize, digest: usize): void {',
    ...indent(
      digest.map((lane) =>
        solo.store('digest', lane, plain(lane, `load<u64>(half, PAIR_STATE + ${16 * lane})`)),
      ),
    ),
    '}',
  ];
}

const columns = (text) => [0, 1, 2, 3, 4].map(text);
const indent = (lines) => lines.map((line) => `  ${line}`);

/** The text of wasm/unrolled/keccak.ts. */
export function keccakSource() {
  return [
    '// Written by scripts/unroll/keccak.mjs; change it there.',
    '',
    "import { PAIR_STATE, PAIR_TURN, SOLO_STATE, SOLO_TURN } from '../layout';",
    '',
    `const CONSTANTS: usize = memory.data<u64>([${roundConstants().join(', ')}]);`,
    '',
    '// @ts-ignore: decorator',
    '@inline function rotatePair(x: v128, bits: i32): v128 {',
    '  return v128.or(i64x2.shl(x, bits), i64x2.shr_u(x, 64 - bits));',
    '}',
    '',
    `// Of the ${LANES} lanes of a state, ${INVERTED_LANES.join(', ')} are kept inverted.`,
    '',
    ...beginnings(),
    '',
    ...edges(),
    '',
    '/** Keccak-f on the solo state. */',
    ...permutation('permuteSolo', [solo]),
    '',
    '/** Keccak-f on both halves of the pair state. */',
    ...permutation('permutePair', [pair]),
    '',
    '/** Keccak-f on the solo state and on both halves of the pair state. */',
    ...permutation('permuteTrio', [pair, solo]),
    '',
  ].join('\n');
}
