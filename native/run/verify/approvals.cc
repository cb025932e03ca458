// Approvals; see the header.

#include "verify/approvals.h"

#include <set>

#include "format/text.h"
#include "verify/denials.h"
#include "verify/digests.h"

namespace writ::run {

namespace {

// The namespace of approvals that OpenSSH signs.
constexpr std::string_view approval_namespace = "approval@writ";

const Json& member(const Json& object, std::string_view name) { return *object.find(name); }

const std::string& text_of(const Json& object, std::string_view name) { return *member(object, name).text(); }

Json canonical_digest(const Json& document) { return Json(hex_encode(sha3_512(canonical_json(document)))); }

// The bindings without the quotes that vouch for them, which are renewed.
Json unquoted(const Json& environment) {
  Json::List bindings;
  for (const Json& binding : *environment.list()) {
    Json::Object reduced;
    for (const char* name : {"name", "source", "value"}) reduced.emplace_back(name, member(binding, name));
    bindings.push_back(Json(std::move(reduced)));
  }
  return Json(std::move(bindings));
}

// What all approvals of the artifact have in common of the document that is signed (docs/formats.md, Approvals).
Json::Object approved_matter(const Json& predicate) {
  const Json& peer = member(member(predicate, "initiator"), "peer");
  const Json* digests = member(peer, "executable").find("digests");
  const Json& attribution = member(predicate, "attribution");
  return {
      {"bundle", member(member(predicate, "policy"), "bundle")},
      {"environment", canonical_digest(unquoted(member(predicate, "environment")))},
      {"initiator", Json(Json::Object{{"executable", digests == nullptr ? Json() : member(*digests, "sha3_512")},
                                      {"uid", member(peer, "uid")}})},
      {"log", member(attribution, "log")},
      {"parent", member(member(predicate, "lineage"), "parent")},
      {"request", member(attribution, "request")},
      {"scope", canonical_digest(member(predicate, "scope"))},
      {"type", Json("writ.approval/v1")},
  };
}

// A string of the SSH wire format (RFC 4251, section 5).
std::string ssh_string(std::string_view bytes) {
  const std::size_t size = bytes.size();
  std::string text;
  for (const int shift : {24, 16, 8, 0}) text.push_back(static_cast<char>(size >> shift & 0xff));
  return text.append(bytes);
}

// What OpenSSH signs around the hash of a message (its PROTOCOL.sshsig).
std::string ssh_message(std::string_view message) {
  return "SSHSIG" + ssh_string(approval_namespace) + ssh_string("") + ssh_string("sha512") +
         ssh_string(sha512(message));
}

bool is_signed(const Json& approval, Json::Object document) {
  document.emplace_back("pending", member(approval, "pending"));
  document.emplace_back("expires", member(approval, "expires"));
  const std::string message = canonical_json(Json(std::move(document)));
  const Bytes key = *base64_decode(text_of(approval, "key"));
  const Bytes signature = *base64_decode(text_of(approval, "signature"));
  return is_ed25519_key(key) &&
         verify_ed25519(key, text_of(approval, "form") == "sshsig" ? ssh_message(message) : message, signature);
}

bool is_repeated(const Json::List& approvals) {
  std::set<std::string> keys;
  std::set<std::string> people;
  std::set<std::string> requests;
  for (const Json& approval : approvals) {
    keys.insert(text_of(approval, "key"));
    people.insert(text_of(approval, "approver"));
    requests.insert(text_of(approval, "pending"));
  }
  return keys.size() < approvals.size() || people.size() < approvals.size() || requests.size() > 1;
}

}  // namespace

std::vector<Denial> approval_faults(const Json& predicate) {
  const Json::List& approvals = *member(member(predicate, "governance"), "approvals").list();
  if (approvals.empty()) return {};
  const Json::Object matter = approved_matter(predicate);
  const std::string& issued = text_of(member(predicate, "validity"), "notBefore");
  std::vector<Denial> denials;
  for (const Json& approval : approvals) {
    const std::string by = "the approval by " + text_of(approval, "approver");
    if (!is_signed(approval, matter)) {
      denials.push_back(denied(code_bad_signature, by + " is not for this artifact, or not by its key"));
    } else if (issued >= text_of(approval, "expires")) {
      // Instants have one spelling each, whose order is that of time.
      denials.push_back(denied(code_expired, by + " had expired when the artifact was issued"));
    }
  }
  if (is_repeated(approvals))
    denials.push_back(denied(code_bad_signature, "its approvals are not by different people for one request"));
  return denials;
}

}  // namespace writ::run
