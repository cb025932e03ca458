/**
 * The arithmetic of NIST P-256 (FIPS 186-5, SP 800-186) that it takes to check a signature where the platform has no
 * synchronous ECDSA. It sees public values only, so it need not run in constant time, and must never see a secret. The
 * addition is complete (Renes, Costello, Batina, 2016, for a = -3): no pair of points is an exception that could be forgotten.
 */

/** X, Y, Z with x = X/Z and y = Y/Z; Z is zero for the point at infinity alone. */
export type CurvePoint = readonly [bigint, bigint, bigint];

const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const coefficient = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
export const groupOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const infinity: CurvePoint = [0n, 1n, 0n];
export const generator: CurvePoint = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  1n,
];

/** The point with these coordinates, or null where they are out of range or not on the curve. The group is of prime order. */
export function curvePoint(x: bigint, y: bigint): CurvePoint | null {
  const isInRange = x >= 0n && x < prime && y >= 0n && y < prime;
  return isInRange && modulo(y * y - (x * x * x - 3n * x + coefficient), prime) === 0n ? [x, y, 1n] : null;
}

/** [left]P + [right]Q, both scalars below 2^256. */
export function combine(left: bigint, p: CurvePoint, right: bigint, q: CurvePoint): CurvePoint {
  const both = add(p, q);
  let sum = infinity;
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = add(sum, sum);
    const takesLeft = ((left >> bit) & 1n) === 1n;
    const takesRight = ((right >> bit) & 1n) === 1n;
    if (takesLeft && takesRight) sum = add(sum, both);
    else if (takesLeft) sum = add(sum, p);
    else if (takesRight) sum = add(sum, q);
  }
  return sum;
}

/** x of a point, or null for the point at infinity. */
export function affineX([x, , z]: CurvePoint): bigint | null {
  return z === 0n ? null : modulo(x * inverse(z, prime), prime);
}

/** The inverse of a value that is not zero modulo a prime. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, modulo(value, modulus)];
  let [previousFactor, factor] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  return modulo(previousFactor, modulus);
}

function add([x1, y1, z1]: CurvePoint, [x2, y2, z2]: CurvePoint): CurvePoint {
  const xx = modulo(x1 * x2, prime);
  const yy = modulo(y1 * y2, prime);
  const zz = modulo(z1 * z2, prime);
  const xy = modulo(x1 * y2 + x2 * y1, prime);
  const yz = modulo(y1 * z2 + y2 * z1, prime);
  const xz = modulo(x1 * z2 + x2 * z1, prime);
  const shift = 3n * (xz - coefficient * zz);
  const above = modulo(yy + shift, prime);
  const below = modulo(yy - shift, prime);
  const mixed = modulo(3n * (coefficient * xz - 3n * zz - xx), prime);
  const slope = 3n * (xx - zz);
  return [
    modulo(xy * above - yz * mixed, prime),
    modulo(above * below + slope * mixed, prime),
    modulo(yz * below + xy * slope, prime),
  ];
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}
