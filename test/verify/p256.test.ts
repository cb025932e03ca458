import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '../../src/format/bytes.js';
import { hexDecode } from '../../src/format/hex.js';
import { utf8Encode } from '../../src/format/utf8.js';
import { p256Key, portableBackend } from '../../src/verify/p256.js';
import { affineX, combine, curvePoint, generator, groupOrder, inverse } from '../../src/verify/p256-curve.js';

const backends = [
  ['the platform', undefined],
  ['JavaScript', portableBackend],
] as const;

const fieldPrime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

/** RFC 6979, A.2.5: the key, and its signatures over "sample" and "test" with SHA-256. */
const rfcKey = {
  x: '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6',
  y: '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
};
const rfcSignatures = [
  [
    'sample',
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716',
    'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ],
  [
    'test',
    'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367',
    '019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  ],
] as const;

function encode(scalar: bigint): Uint8Array {
  return hexDecode(scalar.toString(16).padStart(64, '0'));
}

function decode(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const coordinate = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
  return {
    x: coordinate(x),
    y: coordinate(y),
    sign: (message: Uint8Array) =>
      new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}

for (const [name, backend] of backends) {
  describe(`ECDSA on P-256 by ${name}`, () => {
    const key = p256Key(hexDecode(rfcKey.x), hexDecode(rfcKey.y), backend);

    for (const [message, r, s] of rfcSignatures) {
      test(`RFC 6979, A.2.5, "${message}"`, () => {
        assert.equal(key.verify(utf8Encode(message), hexDecode(r + s)), true);
        assert.equal(key.verify(utf8Encode(`${message}.`), hexDecode(r + s)), false);
        assert.equal(key.verify(utf8Encode(message), hexDecode(s + r)), false);
      });
    }

    test('accepts both of the two signatures that follow from each other', () => {
      const [message, r, s] = rfcSignatures[0];
      const other = encode(groupOrder - decode(hexDecode(s)));
      assert.equal(key.verify(utf8Encode(message), concatBytes(hexDecode(r), other)), true);
    });

    test('refuses scalars out of range, whatever they are congruent to', () => {
      const [message, r, s] = rfcSignatures[1];
      const [rValue, sValue] = [decode(hexDecode(r)), decode(hexDecode(s))];
      const wrong: readonly (readonly [bigint, bigint])[] = [
        [0n, sValue],
        [rValue, 0n],
        [0n, 0n],
        [1n, 0n],
        [0n, 1n],
        [groupOrder, sValue],
        [rValue, groupOrder],
        [groupOrder, groupOrder],
        [rValue, sValue + groupOrder],
        [fieldPrime, sValue],
        [2n ** 256n - 1n, 2n ** 256n - 1n],
        [1n, 1n],
        [groupOrder - 1n, 1n],
      ];
      for (const [badR, badS] of wrong) {
        const bytes = concatBytes(encode(badR % 2n ** 256n), encode(badS % 2n ** 256n));
        assert.equal(key.verify(utf8Encode(message), bytes), false, `${badR} ${badS}`);
      }
      for (const length of [0, 1, 63, 65, 128])
        assert.equal(key.verify(utf8Encode(message), new Uint8Array(length).fill(1)), false);
    });

    test('a signature whose equation ends at infinity is refused', () => {
      // With r = -digest / d the sum [digest/s]G + [r/s]Q is the point at infinity; the key is d = 1, so Q = G.
      const [x, y] = generator;
      const message = utf8Encode('nowhere');
      const digest = decode(new Uint8Array(createHash('sha256').update(message).digest()));
      const r = (groupOrder - (digest % groupOrder)) % groupOrder;
      const keyOne = p256Key(encode(x), encode(y), backend);
      assert.equal(keyOne.verify(message, concatBytes(encode(r), encode(7n))), false);
    });

    test('r stands for an x that is larger than the order, too', () => {
      // The x of a point lies between the order and the prime for about one point in 2^32; small ones are known to exist, and
      // for such a point R any message has a key: Q = (s R - e G) / r.
      let x = groupOrder + 1n;
      let point = null;
      for (; point === null; x++) point = curvePoint(x, squareRoot(x));
      const r = (point[0] as bigint) - groupOrder;
      const message = utf8Encode('large x');
      const digest = decode(new Uint8Array(createHash('sha256').update(message).digest()));
      const s = 5n;
      const scale = inverse(r, groupOrder);
      const q = combine(
        (s * scale) % groupOrder,
        point,
        ((groupOrder - (digest % groupOrder)) * scale) % groupOrder,
        generator,
      );
      const zInverse = inverse(q[2], fieldPrime);
      const keyOf = p256Key(
        encode((q[0] * zInverse) % fieldPrime),
        encode((q[1] * zInverse) % fieldPrime),
        backend,
      );
      assert.equal(keyOf.verify(message, concatBytes(encode(r), encode(s))), true);
      assert.equal(keyOf.verify(message, concatBytes(encode(r + 1n), encode(s))), false);
    });

    test('refuses coordinates that are no point of the curve', () => {
      const bad: readonly (readonly [bigint, bigint])[] = [
        [0n, 0n],
        [1n, 1n],
        [decode(hexDecode(rfcKey.x)), decode(hexDecode(rfcKey.y)) ^ 1n],
        [fieldPrime, decode(hexDecode(rfcKey.y))],
        [5n, squareRoot(5n) + fieldPrime],
      ];
      for (const [x, y] of bad) {
        const encoded = [encode(x % 2n ** 256n), encode(y % 2n ** 256n)] as const;
        assert.throws(() => p256Key(...encoded, backend), RangeError);
      }
      // Of y and y + prime only the one in range is an encoding of the point.
      const y = squareRoot(5n);
      assert.equal(curvePoint(5n, y + fieldPrime), null);
      assert.notEqual(curvePoint(5n, y), null);
    });
  });
}

/** A y for this x, where there is one: the prime is 3 modulo 4. */
function squareRoot(x: bigint): bigint {
  const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
  let base = (((x ** 3n - 3n * x + b) % fieldPrime) + fieldPrime) % fieldPrime;
  let result = 1n;
  for (let exponent = (fieldPrime + 1n) / 4n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % fieldPrime;
    base = (base * base) % fieldPrime;
  }
  return result;
}

test('both backends say the same of right and of damaged signatures', () => {
  const key = newKey();
  const [native, portable] = backends.map(([, backend]) => p256Key(key.x, key.y, backend));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.option(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 255 })), { nil: null }),
      (message, damage) => {
        const signature = key.sign(message);
        if (damage !== null) signature[damage[0]] = (signature[damage[0]] ?? 0) ^ damage[1];
        const answers = [native, portable].map((verifier) => verifier?.verify(message, signature));
        assert.deepEqual(answers, [damage === null, damage === null]);
      },
    ),
    { numRuns: 60 },
  );
});

test('the arithmetic agrees with the group: [n]G is infinity, [n-1]G is -G, G + G is [2]G', () => {
  assert.equal(affineX(combine(groupOrder, generator, 0n, generator)), null);
  assert.equal(affineX(combine(groupOrder - 1n, generator, 0n, generator)), generator[0]);
  assert.equal(
    affineX(combine(1n, generator, 1n, generator)),
    affineX(combine(2n, generator, 0n, generator)),
  );
  assert.equal(affineX(combine(groupOrder - 1n, generator, 1n, generator)), null);
  assert.equal(affineX(combine(0n, generator, 0n, generator)), null);
});
