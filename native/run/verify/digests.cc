// Digests and Ed25519 by libcrypto; see the header.

#include "verify/digests.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace writ::run {

namespace {

[[noreturn]] void give_up() { __builtin_trap(); }

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Bytes digest(const EVP_MD* algorithm, std::string_view message) {
  unsigned char value[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(message.data(), message.size(), value, &size, algorithm, nullptr) != 1) give_up();
  return Bytes(reinterpret_cast<const char*>(value), size);
}

// The canonical encodings of the eight points whose order divides the cofactor, in hexadecimal.
constexpr std::string_view small_order_points[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

// The order of the group, from its highest byte down.
constexpr unsigned char group_order[32] = {0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                                           0,    0,    0,    0,    0,    0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7,
                                           0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed};

// `scalar` is little-endian.
bool is_below_group_order(std::string_view scalar) {
  const unsigned char* bytes = data_of(scalar);
  return std::lexicographical_compare(std::make_reverse_iterator(bytes + 32), std::make_reverse_iterator(bytes),
                                      std::begin(group_order), std::end(group_order));
}

bool is_small_order(std::string_view point) {
  const std::string hex = hex_encode(point);
  return std::find(std::begin(small_order_points), std::end(small_order_points), hex) !=
         std::end(small_order_points);
}

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

void prepare_crypto() {
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr) != 1) give_up();
}

Bytes sha3_512(std::string_view message) { return digest(EVP_sha3_512(), message); }
Bytes blake2b_512(std::string_view message) { return digest(EVP_blake2b512(), message); }
Bytes sha256(std::string_view message) { return digest(EVP_sha256(), message); }
Bytes sha512(std::string_view message) { return digest(EVP_sha512(), message); }

Bytes random_bytes(std::size_t count) {
  Bytes bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    const ssize_t got = ::getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) give_up();
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != 32 || signature.size() != 64) return false;
  if (!is_below_group_order(signature.substr(32)) || is_small_order(signature.substr(0, 32))) return false;
  const std::unique_ptr<EVP_PKEY, KeyDeleter> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(public_key), public_key.size()));
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  if (!key || !context) give_up();
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) give_up();
  // OpenSSL compares encodings, so the cofactor plays no part and R must be canonical.
  return EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message),
                          message.size()) == 1;
}

}  // namespace writ::run
