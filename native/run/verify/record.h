// Log records that a run rests on: the receipt of a redemption, and the lease. Read by the closed schemas of
// src/format/record.ts and src/format/lease.ts.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format/fields.h"

namespace writ::run {

inline constexpr std::string_view record_payload_type = "application/vnd.writ.record+json";

// The receipt that turns an artifact into permission, once.
struct Redemption {
  std::string artifact;
  // SHA3-512 of the redeemer's nonce, in hexadecimal.
  std::string nonce_digest;
};

// A run may go on until then.
struct Lease {
  bool is_renewal;
  std::string artifact;
  std::string redemption;
  // Id of the record that opened the run; empty in that record itself.
  std::optional<std::string> lease;
  std::int64_t until_ms;
  // Of CLOCK_BOOTTIME.
  std::int64_t deadline_ms;
  // `cgroup`, `pid-namespace` or `best-effort`.
  std::string confinement;
  std::int64_t pid;
  std::int64_t start_time;
  bool descend_enforced;
};

// How a run ended.
struct End {
  std::string lease;
};

struct Record {
  // The third part of its type, and the kind it is logged under.
  std::string kind;
  std::string log;
  // At most one of these. Records of other kinds, which permit nothing, are read no further than their head.
  std::optional<Redemption> redemption;
  std::optional<Lease> lease;
  std::optional<End> end;
};

// Reads the payload bytes of a record.
Read<Record> parse_record(std::string_view payload);

}  // namespace writ::run
