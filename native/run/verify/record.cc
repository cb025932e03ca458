// Log records; see the header.

#include "verify/record.h"

#include <algorithm>

#include "verify/statement_parts.h"

namespace writ::run {

namespace {

constexpr std::size_t max_cgroup_path = 4096;
constexpr std::int64_t max_pid = 4'194'304;
constexpr std::size_t max_decisions = 64;
constexpr std::string_view type_start = "urn:writ:";
constexpr std::string_view type_end = ":v1";

// Kinds of records of which a run needs to know only that they are not what it asked for.
constexpr std::string_view other_kinds[] = {"revocation", "policy", "key",    "start",    "stop",   "decision",
                                            "snapshot",   "quote",  "anchor", "recovery", "status", "approval"};

// What policies said. Only the daemon decides by it; here it need only be well-formed.
void check_decisions(Fields& fields) {
  if (fields.optional("policy") == nullptr) return;
  for (const Json& decision : fields.list("policy", max_decisions)) read_policy(decision, "policy", fields.faults());
}

Redemption read_redemption(Fields& fields) {
  Redemption redemption{fields.id("artifact"), fields.hex("redeemerNonceDigest", 64)};
  fields.whole("artifactIndex", 0, max_whole);
  Fields redeemer(fields.any("redeemer"), "redeemer", fields.faults());
  redeemer.whole("uid", 0, max_id32);
  redeemer.whole("gid", 0, max_id32);
  check_decisions(fields);
  return redemption;
}

void check_cgroup(Fields& fields, bool nullable) {
  const std::optional<std::string> path = nullable
                                              ? fields.nullable_text("cgroup", 1, max_cgroup_path)
                                              : std::optional(fields.text("cgroup", 1, max_cgroup_path));
  if (path && path->substr(0, 1) != "/") fields.fault("cgroup", "must be an absolute path");
}

bool is_inode_number(const std::string& text) {
  return !text.empty() && text.size() <= 20 && text.front() != '0' &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

std::string read_confinement(const Json& value, Faults& faults) {
  Fields fields(value, "confinement", faults);
  const std::string kind = fields.one_of("kind", {"cgroup", "pid-namespace", "best-effort"});
  check_cgroup(fields, kind != "cgroup");
  if (kind == "pid-namespace" && !is_inode_number(fields.text("namespace", 1, 20)))
    fields.fault("namespace", "must be an inode number");
  return kind;
}

Lease read_lease(Fields& fields) {
  Lease lease{};
  lease.is_renewal = fields.one_of("event", {"open", "renew"}) == "renew";
  lease.artifact = fields.id("artifact");
  lease.redemption = fields.id("redemption");
  lease.lease = fields.nullable_id("lease");
  for (const std::string_view name : {"artifactIndex", "redemptionIndex"}) fields.whole(name, 0, max_whole);
  fields.nullable_whole("leaseIndex", 0, max_whole);
  lease.until_ms = fields.instant("until");
  {
    Fields deadline(fields.any("deadline"), "deadline", fields.faults());
    deadline.text("boot", 1, 256);
    lease.deadline_ms = deadline.whole("bootTimeMs", 0, max_whole);
  }
  lease.confinement = read_confinement(fields.any("confinement"), fields.faults());
  {
    Fields process(fields.any("process"), "process", fields.faults());
    lease.pid = process.whole("pid", 1, max_pid);
    lease.start_time = process.whole("startTime", 0, max_whole);
  }
  lease.descend_enforced = fields.one_of("descend", {"enforced", "not-enforced"}) == "enforced";
  check_decisions(fields);
  return lease;
}

End read_end(Fields& fields) {
  End end{fields.id("lease")};
  fields.whole("leaseIndex", 0, max_whole);
  fields.id("artifact");
  fields.whole("artifactIndex", 0, max_whole);
  // The causes are the daemon's to name; nothing here depends on one.
  fields.text("cause", 1, 64);
  check_decisions(fields);
  const Json& status = fields.any("status");
  if (status.is_null()) return end;
  Fields ending(status, "status", fields.faults());
  if (status.find("exit") != nullptr) ending.whole("exit", 0, 255);
  else ending.whole("signal", 1, 64);
  return end;
}

std::string kind_of(const Json& document) {
  const Json* type = document.find("type");
  if (type == nullptr || type->text() == nullptr) return {};
  const std::string_view text = *type->text();
  if (text.size() < type_start.size() + type_end.size() || text.substr(0, type_start.size()) != type_start ||
      text.substr(text.size() - type_end.size()) != type_end)
    return {};
  return std::string(text.substr(type_start.size(), text.size() - type_start.size() - type_end.size()));
}

}  // namespace

Read<Record> parse_record(std::string_view payload) {
  const Read<Json> document = parse_json(payload);
  if (!document) return Unreadable{document.why()};
  Record record{};
  record.kind = kind_of(*document);
  Faults faults;
  {
    Fields fields(*document, "", faults);
    fields.any("type");
    fields.instant("time");
    record.log = fields.text("log", 1, 256);
    fields.base64("nonce", 16);
    if (record.kind == "redemption") record.redemption = read_redemption(fields);
    else if (record.kind == "lease") record.lease = read_lease(fields);
    else if (record.kind == "end") record.end = read_end(fields);
    else if (std::find(std::begin(other_kinds), std::end(other_kinds), record.kind) == std::end(other_kinds))
      fields.fault("type", "is no kind of record");
    else fields.ignore_rest();
  }
  if (!faults.none()) return Unreadable{"not a record of ours: " + faults.first()};
  return record;
}

}  // namespace writ::run
