// Shared parts of statements; see the header.

#include "verify/statement_parts.h"

namespace writ::run {

namespace {

void check_executable_fact(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  if (fields.one_of("source", {"kernel", "reported", "unavailable"}) == "unavailable") {
    fields.text("reason", 0, 1024);
    return;
  }
  fields.exact_text("path");
  read_digests(fields.any("digests"), fields.path_of("digests"), faults);
}

void check_peer(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  for (const std::string_view name : {"pid", "uid", "gid"}) fields.whole(name, 0, max_id32);
  fields.whole("startTime", 0, max_whole);
  check_id_list(fields.list("groups", 65'536), fields.path_of("groups"), faults);
  check_executable_fact(fields.any("executable"), fields.path_of("executable"), faults);
  fields.nullable_text("cgroup", 0, SIZE_MAX);
  fields.nullable_text("label", 0, SIZE_MAX);
}

// 44 characters of base64 that end in one padding; the bits behind the last byte are nobody's business here.
bool looks_like_root(const Json& value) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string* text = value.text();
  return text != nullptr && text->size() == 44 && text->find_first_not_of(letters) == 43 && text->back() == '=';
}

}  // namespace

DigestSet read_digests(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  return {fields.hex("sha3_512", 64), fields.hex("blake2b", 64), fields.hex("sha256", 32)};
}

void check_id_list(const Json::List& items, const std::string& path, Faults& faults) {
  for (const Json& item : items) {
    if (!is_whole(item, 0, max_id32)) faults.note(path, "must hold ids of 32 bits");
  }
}

void check_initiator(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  check_peer(fields.any("peer"), fields.path_of("peer"), faults);
  Fields claimed(fields.any("claimed"), fields.path_of("claimed"), faults);
  claimed.nullable_text("agent", 1, 256);
  claimed.nullable_text("user", 1, 256);
}

std::string read_policy(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  fields.hex("bundle", 64);
  fields.whole("version", 1, max_whole);
  for (const Json& id : fields.list("determining")) {
    if (id.text() == nullptr || id.text()->empty() || utf16_length(*id.text()) > 256)
      fields.fault("determining", "must hold ids of policies");
  }
  fields.text("engine", 1, 256);
  fields.hex("input", 64);
  return fields.one_of("decision", {"allow", "deny"});
}

std::vector<Binding> read_bindings(const Json::List& items, const std::string& path, Faults& faults) {
  std::vector<Binding> bindings;
  for (std::size_t position = 0; position < items.size(); position++) {
    Fields fields(items[position], path + "." + std::to_string(position), faults);
    Binding binding{fields.text("name", 1, 256), fields.text("value", 0, 4096),
                    fields.one_of("source", {"kernel", "reported", "tpm"})};
    if (binding.source == "tpm") fields.id("quote");
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

void read_attribution(const Json& value, const std::string& path, Faults& faults, Statement& statement) {
  Fields fields(value, path, faults);
  statement.log = fields.text("log", 1, 256);
  fields.text("daemon", 1, 256);
  fields.text("host", 1, 256);
  statement.request = fields.hex("request", 64);
  const Json& checkpoint = fields.any("previousCheckpoint");
  if (checkpoint.is_null()) return;
  Fields head(checkpoint, fields.path_of("previousCheckpoint"), faults);
  head.whole("size", 0, max_whole);
  if (!looks_like_root(head.any("root"))) head.fault("root", "must be base64 of 32 bytes");
}

}  // namespace writ::run
