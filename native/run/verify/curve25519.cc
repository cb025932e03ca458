// Is this an Ed25519 public key that one may believe? libcrypto takes any bytes for one. Keys of small or mixed order make
// signatures on which verifiers differ, so the point is decoded (RFC 8032 section 5.1.3) and multiplied by the group's
// order. Everything here is public, so nothing needs to take constant time.

#include <array>
#include <cstdint>

#include "verify/digests.h"

namespace writ::run {

namespace {

__extension__ using Wide = unsigned __int128;

// A number modulo p = 2^255 - 19, in five limbs of 51 bits. After each operation limbs are below 2^52.
using Field = std::array<std::uint64_t, 5>;

constexpr std::uint64_t limb_mask = (std::uint64_t{1} << 51) - 1;
constexpr Field zero{0, 0, 0, 0, 0};
constexpr Field one{1, 0, 0, 0, 0};

Field carried(Field a) {
  for (int round = 0; round < 2; round++) {
    for (std::size_t limb = 0; limb < 5; limb++) {
      const std::uint64_t carry = a[limb] >> 51;
      a[limb] &= limb_mask;
      a[(limb + 1) % 5] += limb == 4 ? carry * 19 : carry;
    }
  }
  return a;
}

Field add(const Field& a, const Field& b) {
  Field sum{};
  for (std::size_t limb = 0; limb < 5; limb++) sum[limb] = a[limb] + b[limb];
  return carried(sum);
}

Field subtract(const Field& a, const Field& b) {
  // Four times p, so that no limb goes below zero.
  Field difference{};
  for (std::size_t limb = 0; limb < 5; limb++) {
    const std::uint64_t multiple = 4 * (limb == 0 ? limb_mask - 18 : limb_mask);
    difference[limb] = a[limb] + multiple - b[limb];
  }
  return carried(difference);
}

Field multiply(const Field& a, const Field& b) {
  std::array<Wide, 5> sums{};
  for (std::size_t i = 0; i < 5; i++) {
    for (std::size_t j = 0; j < 5; j++) {
      const Wide product = static_cast<Wide>(a[i]) * b[j];
      sums[(i + j) % 5] += i + j >= 5 ? product * 19 : product;
    }
  }
  Field result{};
  Wide carry = 0;
  for (std::size_t limb = 0; limb < 5; limb++) {
    carry += sums[limb];
    result[limb] = static_cast<std::uint64_t>(carry) & limb_mask;
    carry >>= 51;
  }
  // At most about 2^60 is left over; times 19 it fits two limbs.
  carry = carry * 19 + result[0];
  result[0] = static_cast<std::uint64_t>(carry) & limb_mask;
  result[1] += static_cast<std::uint64_t>(carry >> 51);
  return carried(result);
}

// The 255 low bits of 32 little-endian bytes.
Field from_bytes(std::string_view bytes) {
  Field value{};
  for (std::size_t bit = 0; bit < 255; bit++) {
    const auto byte = static_cast<std::uint8_t>(bytes[bit / 8]);
    value[bit / 51] |= static_cast<std::uint64_t>(byte >> (bit % 8) & 1) << (bit % 51);
  }
  return value;
}

// The one representative below p.
Field reduced(Field a) {
  a = carried(a);
  for (int round = 0; round < 2; round++) {
    Field less{};
    std::uint64_t borrow = 0;
    for (std::size_t limb = 0; limb < 5; limb++) {
      const std::uint64_t prime = (limb == 0 ? limb_mask - 18 : limb_mask) + borrow;
      borrow = a[limb] < prime ? 1 : 0;
      less[limb] = (a[limb] - prime) & limb_mask;
    }
    if (borrow == 0) a = less;
  }
  return a;
}

bool equal(const Field& a, const Field& b) { return reduced(a) == reduced(b); }

// `exponent`: little-endian bytes.
Field power(const Field& base, const std::array<std::uint8_t, 32>& exponent) {
  Field result = one;
  for (int bit = 255; bit >= 0; bit--) {
    result = multiply(result, result);
    const auto index = static_cast<std::size_t>(bit);
    if ((exponent[index / 8] >> (index % 8) & 1) != 0) result = multiply(result, base);
  }
  return result;
}

Field from_hex(std::string_view little_endian) { return from_bytes(*hex_decode(little_endian)); }

// A point in extended coordinates: x = X/Z, y = Y/Z, T = XY/Z.
struct Point {
  Field x, y, z, t;
};

const Field& curve_d() {
  static const Field d = from_hex("a3785913ca4deb75abd841414d0a700098e879777940c78c73fe6f2bee6c0352");
  return d;
}

// RFC 8032 section 5.1.4; complete, so that it also doubles.
Point add(const Point& p, const Point& q) {
  const Field a = multiply(subtract(p.y, p.x), subtract(q.y, q.x));
  const Field b = multiply(add(p.y, p.x), add(q.y, q.x));
  const Field tt = multiply(multiply(p.t, q.t), curve_d());
  const Field zz = multiply(p.z, q.z);
  const Field c = add(tt, tt);
  const Field d = add(zz, zz);
  const Field e = subtract(b, a);
  const Field f = subtract(d, c);
  const Field g = add(d, c);
  const Field h = add(b, a);
  return {multiply(e, f), multiply(g, h), multiply(f, g), multiply(e, h)};
}

bool is_neutral(const Point& point) { return equal(point.x, zero) && equal(point.y, point.z); }

// RFC 8032 section 5.1.3. False for what is no canonical encoding of a point.
bool decode(std::string_view bytes, Point& point) {
  const Field y = from_bytes(bytes);
  if (reduced(y) != y) return false;
  const bool is_odd = (static_cast<std::uint8_t>(bytes[31]) & 0x80) != 0;
  const Field yy = multiply(y, y);
  const Field u = subtract(yy, one);
  const Field v = add(multiply(curve_d(), yy), one);
  const Field v3 = multiply(multiply(v, v), v);
  const Field v7 = multiply(multiply(v3, v3), v);
  // (p - 5) / 8 = 2^252 - 3
  std::array<std::uint8_t, 32> exponent{};
  exponent.fill(0xff);
  exponent[0] = 0xfd;
  exponent[31] = 0x0f;
  Field x = multiply(multiply(u, v3), power(multiply(u, v7), exponent));
  const Field check = multiply(v, multiply(x, x));
  if (equal(check, subtract(zero, u))) {
    x = multiply(x, from_hex("b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b"));
  } else if (!equal(check, u)) {
    return false;
  }
  x = reduced(x);
  if (x == zero && is_odd) return false;
  if ((x[0] & 1) != (is_odd ? 1u : 0u)) x = reduced(subtract(zero, x));
  point = {x, y, one, multiply(x, y)};
  return true;
}

}  // namespace

bool is_ed25519_key(std::string_view public_key) {
  Point point{};
  if (public_key.size() != 32 || !decode(public_key, point) || is_neutral(point)) return false;
  const Bytes order = *hex_decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Point product{zero, one, one, zero};
  for (int bit = 252; bit >= 0; bit--) {
    const auto index = static_cast<std::size_t>(bit);
    product = add(product, product);
    if ((static_cast<std::uint8_t>(order[index / 8]) >> (index % 8) & 1) != 0) product = add(product, point);
  }
  return is_neutral(product);
}

}  // namespace writ::run
