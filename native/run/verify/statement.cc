// Statements; see the header.

#include "verify/statement.h"

#include <algorithm>

#include "verify/statement_parts.h"

namespace writ::run {

namespace {

// In a statement, the arguments of a tool lie in four objects.
constexpr std::size_t max_arguments_depth = max_json_depth - 4;
constexpr std::size_t max_listed_programs = 32;
constexpr std::size_t max_approvals = 16;

constexpr std::string_view evidence_codes[] = {
    "NO_AUTHORIZATION",   "BAD_SIGNATURE",   "POLICY_DENIED",        "POLICY_MISMATCH",  "REPLAYED",
    "IDENTITY_MISMATCH",  "BAD_CREDENTIALS", "ENVIRONMENT_MISMATCH", "LINEAGE_BROKEN",   "REVOKED",
    "EXPIRED",            "NOT_YET_VALID",   "SCOPE_MISMATCH",       "STATE_UNVERIFIABLE", "APPROVAL_REQUIRED",
    "CLOCK_UNTRUSTED",    "TPM_UNAVAILABLE"};

std::size_t depth_of(const Json& value) {
  std::size_t deepest = 0;
  if (value.list() != nullptr) {
    for (const Json& item : *value.list()) deepest = std::max(deepest, depth_of(item));
  } else if (value.object() != nullptr) {
    for (const Json::Member& member : *value.object()) deepest = std::max(deepest, depth_of(member.second));
  } else {
    return 0;
  }
  return deepest + 1;
}

void check_action(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  const std::string type = fields.one_of("type", {"execute", "tool", "sign"});
  if (type == "execute") {
    fields.exact_text("executable");
    fields.exact_text("cwd");
    fields.hex("environmentDigest", 64);
    const Json::List& argv = fields.list("argv");
    if (argv.empty()) fields.fault("argv", "must hold one word at least");
    for (const Json& word : argv) {
      Json::Object wrapped{{"word", word}};
      const Json holder(std::move(wrapped));
      Fields(holder, fields.path_of("argv"), faults).exact_text("word");
    }
  } else if (type == "tool") {
    fields.text("tool", 1, 256);
    const Json& arguments = fields.any("arguments");
    if (arguments.object() == nullptr || depth_of(arguments) > max_arguments_depth)
      fields.fault("arguments", "must be an object that is not nested too deeply");
    return;
  } else {
    fields.text("name", 1, 4096);
    fields.whole("sizeBytes", 0, max_whole);
  }
  read_digests(fields.any("digests"), fields.path_of("digests"), faults);
}

void check_bind(const Json& value, const std::string& path, Faults& faults) {
  if (const std::string* word = value.text()) {
    if (*word != "uid" && *word != "executable" && *word != "process") faults.note(path, "is no such binding");
    return;
  }
  Fields(value, path, faults).base64("key", 32);
}

void check_descend(const Json& value, const std::string& path, Faults& faults) {
  if (const std::string* word = value.text()) {
    if (*word != "none" && *word != "any") faults.note(path, "is neither none, any nor a list");
    return;
  }
  Fields fields(value, path, faults);
  const Json::List& listed = fields.list("listed", max_listed_programs);
  if (listed.empty()) fields.fault("listed", "must name one program at least");
  for (const Json& item : listed) {
    Fields program(item, fields.path_of("listed"), faults);
    program.exact_text("path");
    read_digests(program.any("digests"), program.path_of("digests"), faults);
  }
}

void check_execution(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  check_id_list(fields.list("groups", 65'536), fields.path_of("groups"), faults);
  fields.one_of("confine", {"tree", "best-effort"});
  if (fields.any("undigested") != Json(Json::List{Json("loaded-libraries"), Json("imported-modules")}))
    fields.fault("undigested", "must name what no digest covers");
  Fields limits(fields.any("limits"), fields.path_of("limits"), faults);
  for (const std::string_view name : {"cpuSeconds", "memoryBytes", "processes", "openFiles", "fileBytes"})
    limits.nullable_whole(name, 0, max_whole);
}

void read_scope(const Json& value, const std::string& path, Faults& faults, Grant& grant) {
  Fields fields(value, path, faults);
  grant.action = fields.any("action");
  check_action(grant.action, fields.path_of("action"), faults);
  grant.uid = fields.whole("uid", 0, max_id32);
  grant.gid = fields.whole("gid", 0, max_id32);
  grant.audience = fields.nullable_text("audience", 1, 256);
  grant.bind = fields.any("bind");
  check_bind(grant.bind, fields.path_of("bind"), faults);
  grant.descend = fields.any("descend");
  check_descend(grant.descend, fields.path_of("descend"), faults);
  grant.execution = fields.any("execution");
  if (!grant.execution.is_null()) check_execution(grant.execution, fields.path_of("execution"), faults);
  const Json* type = grant.action.find("type");
  const bool executes = type != nullptr && *type == Json("execute");
  if (executes == grant.execution.is_null())
    fields.fault("execution", "only what executes a program says how");
}

Validity read_validity(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  Validity validity{};
  validity.not_before = fields.text("notBefore", 0, SIZE_MAX);
  validity.not_before_ms = fields.instant("notBefore");
  validity.not_after = fields.text("notAfter", 0, SIZE_MAX);
  validity.not_after_ms = fields.instant("notAfter");
  fields.base64("nonce", 16);
  validity.is_lease = fields.one_of("use", {"single", "lease"}) == "lease";
  if (!validity.is_lease) return validity;
  validity.renew_seconds = fields.whole("renewSeconds", 1, max_whole);
  validity.until_ms = fields.instant("until");
  return validity;
}

void read_lineage(const Json& value, const std::string& path, Faults& faults, Grant& grant) {
  Fields fields(value, path, faults);
  grant.parent = fields.nullable_id("parent");
  grant.root = fields.nullable_id("root");
  grant.depth = fields.whole("depth", 0, 1000);
  grant.basis = fields.one_of("basis", {"none", "named", "observed"});
}

// Whether it names approvals.
bool check_governance(const Json& value, const std::string& path, Faults& faults) {
  Fields fields(value, path, faults);
  fields.nullable_text("authority", 1, 256);
  fields.nullable_text("purpose", 0, 1024);
  fields.nullable_text("ticket", 0, 1024);
  const Json::List& approvals = fields.list("approvals", max_approvals);
  for (const Json& item : approvals) {
    Fields approval(item, fields.path_of("approvals"), faults);
    approval.text("approver", 1, 256);
    approval.base64("key", 32);
    approval.one_of("form", {"ed25519", "sshsig"});
    approval.base64("pending", 16);
    approval.instant("expires");
    approval.base64("signature", 64);
  }
  return !approvals.empty();
}

Grant read_grant(const Json& value, Faults& faults, Statement& statement) {
  Fields fields(value, "predicate", faults);
  Grant grant{};
  read_scope(fields.any("scope"), fields.path_of("scope"), faults, grant);
  check_initiator(fields.any("initiator"), fields.path_of("initiator"), faults);
  grant.decision = read_policy(fields.any("policy"), fields.path_of("policy"), faults);
  grant.environment = read_bindings(fields.list("environment"), fields.path_of("environment"), faults);
  grant.validity = read_validity(fields.any("validity"), fields.path_of("validity"), faults);
  read_lineage(fields.any("lineage"), fields.path_of("lineage"), faults, grant);
  if (check_governance(fields.any("governance"), fields.path_of("governance"), faults)) grant.approved = value;
  read_attribution(fields.any("attribution"), fields.path_of("attribution"), faults, statement);
  return grant;
}

Refusal read_refusal(const Json& value, Faults& faults, Statement& statement) {
  Fields fields(value, "predicate", faults);
  Refusal refusal{fields.text("method", 1, 256), fields.any("denials"), {}};
  const Json::List& denials = fields.list("denials");
  if (denials.empty()) fields.fault("denials", "must give one reason at least");
  for (const Json& item : denials) {
    Fields denial(item, fields.path_of("denials"), faults);
    refusal.codes.push_back(denial.text("code", 1, 64));
    if (std::find(std::begin(evidence_codes), std::end(evidence_codes), refusal.codes.back()) ==
        std::end(evidence_codes))
      denial.fault("code", "is no code of evidence");
    denial.text("message", 1, 1000);
    denial.text("remedy", 1, 1000);
  }
  check_initiator(fields.any("initiator"), fields.path_of("initiator"), faults);
  const Json& policy = fields.any("policy");
  if (!policy.is_null()) read_policy(policy, fields.path_of("policy"), faults);
  read_bindings(fields.list("environment"), fields.path_of("environment"), faults);
  fields.instant("time");
  fields.base64("nonce", 16);
  read_attribution(fields.any("attribution"), fields.path_of("attribution"), faults, statement);
  return refusal;
}

void check_subject(Fields& statement, Faults& faults) {
  const Json::List& subjects = statement.list("subject");
  if (subjects.size() != 1) return statement.fault("subject", "must be one");
  Fields subject(subjects.front(), "subject", faults);
  subject.text("name", 0, 16'384);
  read_digests(subject.any("digest"), "subject.digest", faults);
}

}  // namespace

Read<Statement> parse_statement(std::string_view payload) {
  const Read<Json> document = parse_json(payload);
  if (!document) return Unreadable{document.why()};
  Statement statement{};
  Faults faults;
  {
    Fields fields(*document, "", faults);
    fields.literal("_type", "https://in-toto.io/Statement/v1");
    check_subject(fields, faults);
    const std::string type = fields.one_of(
        "predicateType", {"urn:writ:authorization:v1", "urn:writ:signature:v1", "urn:writ:denial:v1"});
    const Json& predicate = fields.any("predicate");
    if (type == "urn:writ:denial:v1") {
      statement.kind = "denial";
      statement.refusal = read_refusal(predicate, faults, statement);
    } else {
      statement.kind = type == "urn:writ:signature:v1" ? "signature" : "authorization";
      statement.grant = read_grant(predicate, faults, statement);
    }
  }
  if (!faults.none()) return Unreadable{"not a statement of ours: " + faults.first()};
  return statement;
}

}  // namespace writ::run
