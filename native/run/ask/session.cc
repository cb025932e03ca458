// Conversations; see the header.

#include "ask/session.h"

#include "format/fields.h"
#include "verify/digests.h"

namespace writ::run {

namespace {

// The parts of something sealed, and what the trust bundle says of it.
struct SealedParts {
  const std::string* id = nullptr;
  const Json* index = nullptr;
  const Json* artifact = nullptr;
};

SealedParts parts_of(const Json& sealed) {
  SealedParts parts;
  if (const Json* id = sealed.find("id")) parts.id = id->text();
  parts.index = sealed.find("index");
  parts.artifact = sealed.find("artifact");
  if (parts.index != nullptr && !is_whole(*parts.index, 0, max_whole)) parts.index = nullptr;
  return parts;
}

std::string cannot_be_used(const std::string& method, const std::string& why) {
  return "the answer to " + method + " cannot be used: " + why;
}

Step<Sealed> prove(const std::string& method, const Json& sealed, const Trust& trust) {
  const SealedParts parts = parts_of(sealed);
  if (parts.id == nullptr || parts.index == nullptr || parts.artifact == nullptr)
    return foreign_answer(method, "it holds nothing that was sealed");
  Authentication authentic = authenticate(*parts.artifact, trust);
  if (authentic.denial) {
    Denial denial = *authentic.denial;
    denial.message = cannot_be_used(
        method, "it does not verify under the pinned trust bundle: " + denial.message);
    return Refused(std::move(denial));
  }
  if (authentic.id != *parts.id) return foreign_answer(method, "its id is not the digest of its content");
  if (static_cast<double>(authentic.index) != *parts.index->number())
    return foreign_answer(method, "its proof is of another log index");
  return Sealed{std::move(authentic.id), std::move(*authentic.payload), sealed};
}

bool is_list_of_denials(const Json* denials) {
  if (denials == nullptr || denials->list() == nullptr || denials->list()->empty()) return false;
  for (const Json& reason : *denials->list()) {
    for (const char* name : {"code", "message", "remedy"}) {
      const Json* text = reason.find(name);
      if (text == nullptr || text->text() == nullptr) return false;
    }
  }
  return true;
}

// Evidence must be of this denial of this request, and say what the answer says. The reason why it is not; empty if it is.
std::optional<Refused> evidence_fault(const std::string& method, const Json& params, const Json& denied,
                                      const Trust& trust) {
  const Json* evidence = denied.find("evidence");
  if (evidence == nullptr) return foreign_answer(method, "it does not say whether there is evidence");
  if (evidence->is_null()) return std::nullopt;
  Step<Sealed> sealed = prove(method, *evidence, trust);
  if (Refused* refused = std::get_if<Refused>(&sealed)) return std::move(*refused);
  const std::optional<Statement>& statement = std::get_if<Sealed>(&sealed)->payload.statement;
  if (!statement || !statement->refusal) return foreign_answer(method, "its evidence is not that of a denial");
  if (statement->refusal->method != method)
    return foreign_answer(method, "its evidence is of the denial of another method");
  if (statement->request != request_digest(method, params))
    return foreign_answer(method, "its evidence is about another request");
  if (statement->refusal->denials != *denied.find("denials"))
    return foreign_answer(method, "its evidence gives other reasons than the answer");
  return std::nullopt;
}

}  // namespace

std::string request_digest(const std::string& method, const Json& params) {
  return hex_encode(sha3_512(canonical_json(Json::Object{{"method", Json(method)}, {"params", params}})));
}

Step<Sealed> Session::ask(const std::string& method, const Json& params) {
  Answer answer = connection_.call(method, params);
  if (Refused* refused = std::get_if<1>(&answer)) return std::move(*refused);
  return verify(method, params, *std::get_if<0>(&answer));
}

Step<Sealed> Session::verify(const std::string& method, const Json& params, const Json& result) const {
  const Json* decision = result.find("decision");
  if (decision != nullptr && *decision == Json("allow")) return prove(method, result, trust_);
  if (decision == nullptr || *decision != Json("deny") || !is_list_of_denials(result.find("denials")))
    return foreign_answer(method, "it is neither a grant nor a denial");
  std::optional<Refused> fault = evidence_fault(method, params, result, trust_);
  if (fault) return std::move(*fault);
  return Refused(result);
}

}  // namespace writ::run
