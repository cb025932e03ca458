// The first half of verification: is this envelope's payload really in a trusted log, under its own kind? As
// src/verify/authenticate.ts decides it. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/json.h"
#include "verify/denials.h"
#include "verify/note.h"
#include "verify/record.h"
#include "verify/statement.h"
#include "verify/trust.h"

namespace writ::run {

// The payload of anything logged: one of both.
struct LoggedPayload {
  std::optional<Statement> statement;
  std::optional<Record> record;
};

// Where there is a `denial`, nothing vouches for the payload, which is then what the envelope claims, if it could be read.
struct Authentication {
  MaybeDenial denial;
  std::optional<LoggedPayload> payload;
  // `sha3-512:` and the digest of the payload's PAE.
  std::string id;
  std::uint64_t index = 0;
  Checkpoint checkpoint;
};

// The id of an artifact that nobody verified.
Read<std::string> artifact_id_of(const Json& envelope);

// Denies NO_AUTHORIZATION for nothing at all, MALFORMED for what is no envelope of ours, BAD_SIGNATURE for whatever the logs of
// the trust bundle do not prove, REVOKED for what a compromised log key sealed.
Authentication authenticate(const Json& envelope, const Trust& trust);

}  // namespace writ::run
