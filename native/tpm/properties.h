// What the TPM tells about itself: maker, firmware, lockout, clock; and random bytes from it.

#pragma once

#include <string>

#include "bytes.h"
#include "connection.h"

namespace writ::tpm {

struct Properties {
  std::string manufacturer;        // four characters of the TCG's vendor registry, without padding
  std::string vendor;              // up to sixteen characters of the vendor's own
  std::uint64_t firmware_version;  // TPM2_PT_FIRMWARE_VERSION_1 above _2, as in TPMS_ATTEST.firmwareVersion
  std::uint32_t lockout_counter;
  std::uint32_t max_auth_fail;
  bool in_lockout;
  bool owner_auth_set;
  bool has_sha256_pcrs;        // all 24 PCRs are in the SHA-256 bank
  std::uint32_t loaded_count;  // transient objects and sessions in the TPM now; a resource manager shows only ours
};

Result<Properties> read_properties(Connection& connection);

// TPMS_TIME_INFO: `clock_ms` counts while the TPM has power; `reset_count` and `restart_count` change with each boot;
// `safe` says that the clock was not set back by a loss of power (Part 1, section 36).
struct Clock {
  std::uint64_t clock_ms;
  std::uint32_t reset_count;
  std::uint32_t restart_count;
  bool safe;
};

Result<Clock> read_clock(Connection& connection);

// `size` random bytes, 1 to 1024. Whoever listens on the bus knows them too.
Result<Bytes> random_bytes(Connection& connection, std::size_t size);

}  // namespace writ::tpm
