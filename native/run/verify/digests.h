// The digests that evidence is made of, and Ed25519, from OpenSSL's libcrypto. Whatever libcrypto cannot do ends the process:
// a digest that could not be taken must never look like one.

#pragma once

#include <string>
#include <string_view>

#include "format/text.h"

namespace writ::run {

// To be called before anything else of libcrypto: neither configuration files nor the environment may add code to it.
void prepare_crypto();

// FIPS 202, 64 bytes.
Bytes sha3_512(std::string_view message);
// RFC 7693 without a key, 64 bytes.
Bytes blake2b_512(std::string_view message);
// FIPS 180-4, 32 bytes.
Bytes sha256(std::string_view message);
// FIPS 180-4, 64 bytes.
Bytes sha512(std::string_view message);

// Random bytes from the kernel.
Bytes random_bytes(std::size_t count);

// Verification under the rule of src/verify/ed25519.ts: canonical S, the equation without the cofactor, no small-order R.
// False too for a signature that is not 64 bytes long. The key must be one that `is_ed25519_key` accepts.
bool verify_ed25519(std::string_view public_key, std::string_view message, std::string_view signature);

// Whether 32 bytes are the canonical encoding of a point of the prime order, other than the neutral one.
bool is_ed25519_key(std::string_view public_key);

}  // namespace writ::run
