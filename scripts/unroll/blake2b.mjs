// Writes wasm/unrolled/blake2b.ts: the compression function F of BLAKE2b (RFC 7693, section 3.2) for one
// block and for the blocks of three messages at once. It is written by a program because mixing sets four
// words at a time and AssemblyScript has neither macros nor functions that return several values.
//
// For one block all twelve rounds are written out, so that each message word has a fixed address. For
// three, one round is a loop's body: the messages wait for each other's arithmetic, not for addresses,
// and the rounds written out would be ten times the code for a tenth of the time.

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

const WORDS = Array.from({ length: 16 }, (_, word) => word);
const STATE_WORDS = WORDS.slice(0, 8);

/** What word 8 to 15 of the work vector begins with: a constant; counter and end mark join two of them. */
const initialWord = (word) =>
  `load<u64>(INITIAL, ${8 * (word - 8)})${word === 12 ? ' ^ counter' : ''}${word === 14 ? ' ^ end' : ''}`;

/** The work vector lies in locals, in the hope of registers. */
function compressSolo() {
  const mix = (words, x, y) => {
    const [a, b, c, d] = words.map((word) => `v${word}`);
    const message = (word) => `load<u64>(block, ${8 * word})`;
    return [
      `${a} += ${b} + ${message(x)}; ${d} = rotr<u64>(${d} ^ ${a}, 32); ${c} += ${d}; ${b} = rotr<u64>(${b} ^ ${c}, 24);`,
      `${a} += ${b} + ${message(y)}; ${d} = rotr<u64>(${d} ^ ${a}, 16); ${c} += ${d}; ${b} = rotr<u64>(${b} ^ ${c}, 63);`,
    ];
  };
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const order = SIGMA[round % SIGMA.length];
    return MIXED.flatMap((words, i) => mix(words, order[2 * i], order[2 * i + 1]));
  });
  return [
    'export function compressSolo(block: usize, counter: u64, end: u64): void {',
    ...STATE_WORDS.map((word) => `  let v${word} = load<u64>(SOLO_STATE, ${8 * word});`),
    ...STATE_WORDS.map((word) => `  let v${word + 8} = ${initialWord(word + 8)};`),
    ...rounds.flat().map((line) => `  ${line}`),
    ...STATE_WORDS.map(
      (word) =>
        `  store<u64>(SOLO_STATE, load<u64>(SOLO_STATE, ${8 * word}) ^ v${word} ^ v${word + 8}, ${8 * word});`,
    ),
    '}',
  ];
}

/**
 * The work vectors lie in memory but for their second row, b, which a mixing needs first and sets last:
 * the way through memory costs time only there.
 */
function compressTrio() {
  const isLocal = (word) => word >= 4 && word < 8;
  const set = (word, pair, solo) =>
    isLocal(word)
      ? `let pair${word} = ${pair}, solo${word} = ${solo};`
      : `v128.store(PAIR_WORK, ${pair}, ${16 * word}); store<u64>(SOLO_WORK, ${solo}, ${8 * word});`;
  const initialPair = (word) => {
    const constant = `v128.load64_splat(INITIAL, ${8 * (word - 8)})`;
    if (word === 12) return `v128.xor(${constant}, pairCounter)`;
    return word === 14 ? `v128.xor(${constant}, pairEnd)` : constant;
  };
  const pairWord = (word) => (isLocal(word) ? `pair${word}` : `v128.load(PAIR_WORK, ${16 * word})`);
  const soloWord = (word) => (isLocal(word) ? `solo${word}` : `load<u64>(SOLO_WORK, ${8 * word})`);
  const mix = ([a, b, c, d], i) => [
    `x = load<u8>(order, ${2 * i}); y = load<u8>(order, ${2 * i + 1});`,
    `pair${b} = mixPair(${16 * a}, pair${b}, ${16 * c}, ${16 * d}, v128.load(x << 1, PAIR_BLOCK), v128.load(y << 1, PAIR_BLOCK));`,
    `solo${b} = mixSolo(${8 * a}, solo${b}, ${8 * c}, ${8 * d}, load<u64>(x, SOLO_BLOCK), load<u64>(y, SOLO_BLOCK));`,
  ];
  return [
    'export function compressTrio(counter: u64, end: u64, pairCounter: v128, pairEnd: v128): void {',
    '  let x: usize, y: usize;',
    ...STATE_WORDS.map(
      (word) => `  ${set(word, `v128.load(PAIR_STATE, ${16 * word})`, `load<u64>(SOLO_STATE, ${8 * word})`)}`,
    ),
    ...STATE_WORDS.map((word) => `  ${set(word + 8, initialPair(word + 8), initialWord(word + 8))}`),
    `  for (let order: usize = ORDER; order < ORDER + ${16 * ROUNDS}; order += 16) {`,
    ...MIXED.flatMap(mix).map((line) => `    ${line}`),
    '  }',
    ...STATE_WORDS.flatMap((word) => [
      `  v128.store(PAIR_STATE, v128.xor(v128.load(PAIR_STATE, ${16 * word}), v128.xor(${pairWord(word)}, ${pairWord(word + 8)})), ${16 * word});`,
      `  store<u64>(SOLO_STATE, load<u64>(SOLO_STATE, ${8 * word}) ^ ${soloWord(word)} ^ ${soloWord(word + 8)}, ${8 * word});`,
    ]),
    '}',
  ];
}

/** Mixing (RFC 7693, section 3.1) on words in memory; offsets in bytes, `b` comes and goes as a value. */
const MIXING = `
// @ts-ignore: decorator
@inline function mixSolo(a: usize, b: u64, c: usize, d: usize, x: u64, y: u64): u64 {
  let va = load<u64>(a, SOLO_WORK) + b + x;
  let vd = rotr<u64>(load<u64>(d, SOLO_WORK) ^ va, 32);
  let vc = load<u64>(c, SOLO_WORK) + vd;
  b = rotr<u64>(b ^ vc, 24);
  va += b + y;
  vd = rotr<u64>(vd ^ va, 16);
  vc += vd;
  store<u64>(a, va, SOLO_WORK);
  store<u64>(c, vc, SOLO_WORK);
  store<u64>(d, vd, SOLO_WORK);
  return rotr<u64>(b ^ vc, 63);
}

// @ts-ignore: decorator
@inline function mixPair(a: usize, b: v128, c: usize, d: usize, x: v128, y: v128): v128 {
  let va = i64x2.add(i64x2.add(v128.load(a, PAIR_WORK), b), x);
  let vd = rotatePair32(v128.xor(v128.load(d, PAIR_WORK), va));
  let vc = i64x2.add(v128.load(c, PAIR_WORK), vd);
  b = rotatePair24(v128.xor(b, vc));
  va = i64x2.add(i64x2.add(va, b), y);
  vd = rotatePair16(v128.xor(vd, va));
  vc = i64x2.add(vc, vd);
  v128.store(a, va, PAIR_WORK);
  v128.store(c, vc, PAIR_WORK);
  v128.store(d, vd, PAIR_WORK);
  return rotatePair63(v128.xor(b, vc));
}

// Rotations by whole bytes are one byte shuffle each.
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
    `export const INITIAL: usize = memory.data<u64>([${INITIAL.join(', ')}]);`,
    '',
    `const ORDER: usize = memory.data<u8>([${orderTable().flat().join(', ')}]);`,
    MIXING,
    '/** F on the solo state and the block at an address. `end`: all ones for the last block, else zero. */',
    ...compressSolo(),
    '',
    '/** F on the solo state and both halves of the pair state, and the blocks that lie where the layout says. */',
    ...compressTrio(),
    '',
  ].join('\n');
}
