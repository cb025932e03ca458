// In-toto Statement v1 with a predicate of ours: what an artifact says. Read by the closed schemas of src/format/predicate.ts;
// whatever they refuse is refused here.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/fields.h"
#include "format/json.h"

namespace writ::run {

inline constexpr std::string_view statement_payload_type = "application/vnd.in-toto+json";

// The digests that name a file, in lower-case hexadecimal.
struct DigestSet {
  std::string sha3_512;
  std::string blake2b;
  std::string sha256;
};

// A fact about where the action may run. `quote` is the id of the one that vouches for it, where a TPM does.
struct Binding {
  std::string name;
  std::string value;
  std::string source;
};

// How an authorization may be used. `renew_seconds` and `until_ms` are those of a lease.
struct Validity {
  std::int64_t not_before_ms;
  std::int64_t not_after_ms;
  std::string not_before;
  std::string not_after;
  bool is_lease;
  std::int64_t renew_seconds;
  std::int64_t until_ms;
};

// An authorization, or the signature of a blob. The parts whose form is their meaning are kept as they were written.
struct Grant {
  Json action;
  std::int64_t uid;
  std::int64_t gid;
  std::optional<std::string> audience;
  Json bind;
  Json descend;
  // Null where nothing is executed.
  Json execution;
  std::string decision;
  std::vector<Binding> environment;
  Validity validity;
  std::optional<std::string> parent;
  std::optional<std::string> root;
  std::int64_t depth;
  std::string basis;
  // The whole predicate where it names approvals, which are over most of it; else null.
  Json approved;
};

// The evidence of a denial.
struct Refusal {
  std::string method;
  Json denials;
  std::vector<std::string> codes;
};

struct Statement {
  // `authorization`, `signature` or `denial`: the third part of its predicateType, and the kind it is logged under.
  std::string kind;
  // Of the log that the statement says it was logged in.
  std::string log;
  // SHA3-512 of the request, in hexadecimal.
  std::string request;
  // One of both.
  std::optional<Grant> grant;
  std::optional<Refusal> refusal;
};

// Reads the payload bytes of a statement.
Read<Statement> parse_statement(std::string_view payload);

}  // namespace writ::run
