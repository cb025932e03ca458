// The trust bundle; see the header.

#include "verify/trust.h"

#include "format/fields.h"

namespace writ::run {

namespace {

std::optional<RetiredLog> read_retired(const Json& value, const std::string& path, Faults& faults) {
  if (value.is_null()) return std::nullopt;
  Fields fields(value, path, faults);
  RetiredLog retired{};
  retired.size = static_cast<std::uint64_t>(fields.whole("size", 0, max_whole));
  const std::string root = fields.base64("root", 32);
  if (faults.none()) retired.root = *base64_decode(root);
  if (const Json* from = fields.optional("compromisedFrom")) {
    if (!is_whole(*from, 0, max_whole)) fields.fault("compromisedFrom", "must be a log index");
    else retired.compromised_from = static_cast<std::uint64_t>(*from->number());
  }
  return retired;
}

void read_log(const Json& value, const std::string& path, Faults& faults, Trust& trust) {
  Fields fields(value, path, faults);
  const std::string origin = fields.text("origin", 1, 256);
  Read<VerifierKey> key = parse_verifier_key(fields.text("vkey", 1, 1024));
  const std::optional<RetiredLog> retired = read_retired(fields.any("retired"), fields.path_of("retired"), faults);
  if (!key) return fields.fault("vkey", key.why());
  trust.logs.push_back({origin, std::move(*key), retired});
}

void check_keys(const Json& value, const std::string& path, Faults& faults) {
  if (value.list() == nullptr) return faults.note(path, "must be a list");
  for (const Json& item : *value.list()) {
    const Read<Bytes> key = item.text() == nullptr ? Unreadable{"no text"} : base64_decode(*item.text());
    if (!key || key->size() != 32) faults.note(path, "must be base64 of 32 bytes");
  }
}

}  // namespace

Read<Trust> parse_trust(const Json& document) {
  Trust trust;
  Faults faults;
  {
    Fields fields(document, "", faults);
    fields.literal("type", "urn:writ:trust:v1");
    const Json::List& logs = fields.list("logs");
    if (logs.empty()) fields.fault("logs", "must name one log at least");
    for (std::size_t position = 0; position < logs.size(); position++)
      read_log(logs[position], "logs." + std::to_string(position), faults, trust);
    check_keys(fields.any("artifactKeys"), "artifactKeys", faults);
    if (const Json* authorities = fields.optional("policyAuthorities"))
      check_keys(*authorities, "policyAuthorities", faults);
    // Of quotes, which nobody presents to a run. Whoever verifies the artifact later reads it.
    fields.optional("attestation");
  }
  if (!faults.none()) return Unreadable{"not a trust bundle: " + faults.first()};
  return trust;
}

}  // namespace writ::run
