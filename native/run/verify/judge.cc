// Judgement; see the header.

#include "verify/judge.h"

#include <algorithm>

#include "verify/approvals.h"
#include "verify/digests.h"

namespace writ::run {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

// Names of the fields in which two actions differ, sorted; `type` alone when they are of different types.
std::vector<std::string> differing_fields(const Json& authorized, const Json& presented) {
  const Json absent;
  const auto field = [&](const Json& action, const std::string& name) -> const Json& {
    const Json* value = action.find(name);
    return value == nullptr ? absent : *value;
  };
  if (field(authorized, "type") != field(presented, "type")) return {"type"};
  std::vector<std::string> differing;
  for (const Json* action : {&authorized, &presented}) {
    for (const Json::Member& member : *action->object()) {
      if (member.first == "digests" && presented.find("digests") == nullptr) continue;
      if (field(authorized, member.first) != field(presented, member.first)) differing.push_back(member.first);
    }
  }
  std::sort(differing.begin(), differing.end());
  differing.erase(std::unique(differing.begin(), differing.end()), differing.end());
  return differing;
}

void judge_grant(const Grant& grant, const Situation& situation, std::vector<Denial>& denials) {
  const Validity& validity = grant.validity;
  if (situation.now_ms < validity.not_before_ms) {
    denials.push_back(denied(code_not_yet_valid, "the artifact is valid only from " + validity.not_before));
  } else if (situation.now_ms >= validity.not_after_ms) {
    denials.push_back(denied(code_expired, "the artifact was valid until " + validity.not_after));
  }
  if (grant.decision != "allow")
    denials.push_back(denied(code_policy_denied, "the recorded policy decision is not an allow"));
  const std::vector<std::string> differing = differing_fields(grant.action, situation.action);
  if (!differing.empty())
    denials.push_back(
        denied(code_scope_mismatch, "the action differs from the one authorized in: " + joined(differing)));
  if (!grant.approved.is_null())
    for (Denial& reason : approval_faults(grant.approved)) denials.push_back(std::move(reason));
  if (!grant.parent && (grant.root || grant.depth != 0 || grant.basis != "none"))
    denials.push_back(
        denied(code_lineage_broken, "an artifact without a parent has neither a root nor a depth"));
}

// The first member of `asked` that `granted` does not have alike.
std::optional<std::string> differing_limit(const Json& asked, const Json* granted) {
  for (const Json::Member& limit : *asked.object()) {
    const Json* value = granted == nullptr ? nullptr : granted->find(limit.first);
    if (value == nullptr || *value != limit.second) return limit.first;
  }
  return std::nullopt;
}

// A list of programs as it is asked for: their paths alone.
Json requested_descend(const Json& descend) {
  const Json* listed = descend.find("listed");
  if (listed == nullptr) return descend;
  Json::List paths;
  for (const Json& program : *listed->list()) paths.push_back(*program.find("path"));
  return Json::Object{{"listed", Json(std::move(paths))}};
}

std::optional<std::string> differing_option(const Grant& grant, const Json& params) {
  const auto differs = [&](const char* name, const Json& granted) {
    const Json* asked = params.find(name);
    return asked != nullptr && *asked != granted;
  };
  if (differs("audience", grant.audience ? Json(*grant.audience) : Json())) return "it is for another audience";
  if (differs("bind", grant.bind)) return "it is bound otherwise than asked";
  if (differs("descend", requested_descend(grant.descend))) return "it permits other descendants";
  if (differs("use", grant.validity.is_lease ? "lease" : "single")) return "it is for another use";
  if (differs("parent", grant.parent ? Json(*grant.parent) : Json())) return "it has another parent";
  const Json* confine = grant.execution.find("confine");
  if (differs("confine", confine == nullptr ? Json() : *confine)) return "it is confined otherwise";
  if (const Json* limits = params.find("limits")) {
    const std::optional<std::string> name = differing_limit(*limits, grant.execution.find("limits"));
    if (name) return "it has another limit: " + *name;
  }
  return std::nullopt;
}

bool outlasts(const Json* asked_seconds, std::int64_t from_ms, std::int64_t to_ms) {
  return asked_seconds != nullptr &&
         to_ms - from_ms > static_cast<std::int64_t>(*asked_seconds->number()) * 1000;
}

}  // namespace

std::vector<Denial> judge(const Statement& statement, const Situation& situation) {
  std::vector<Denial> denials;
  if (statement.grant) {
    judge_grant(*statement.grant, situation, denials);
  } else {
    denials.push_back({code_no_authorization,
                       "this is evidence of a denial (" + joined(statement.refusal->codes) +
                           "), which permits nothing",
                       "Mend what the denial names, then ask again."});
  }
  return denials;
}

std::vector<Denial> verdict_on(const Authentication& artifact, const Situation& situation) {
  std::vector<Denial> denials;
  if (artifact.denial) denials.push_back(*artifact.denial);
  if (artifact.payload && artifact.payload->statement) {
    for (Denial& reason : judge(*artifact.payload->statement, situation)) denials.push_back(std::move(reason));
  } else if (!artifact.denial) {
    denials.push_back(denied(code_no_authorization, "this is a log record of kind " + artifact.payload->record->kind +
                                                        ", which permits nothing by itself"));
  }
  return denials;
}

std::optional<std::string> foreignness(const Statement& statement, const std::string& request_digest,
                                       const Json& params) {
  if (statement.kind != "authorization") return "it is not an artifact of type urn:writ:authorization:v1";
  if (statement.request != request_digest) return "it is about another request";
  const Validity& validity = statement.grant->validity;
  if (outlasts(params.find("ttlSeconds"), validity.not_before_ms, validity.not_after_ms))
    return "it is valid for longer than asked";
  if (validity.is_lease && outlasts(params.find("runSeconds"), validity.not_before_ms, validity.until_ms))
    return "its run may last longer than asked";
  return differing_option(*statement.grant, params);
}

MaybeDenial receipt_fault(const LoggedPayload& payload, const std::string& artifact, const Bytes& nonce) {
  const std::optional<Record>& record = payload.record;
  if (!record || !record->redemption) {
    const std::string& kind = record ? record->kind : payload.statement->kind;
    return Denial{code_no_authorization, "this is a " + kind + ", not the receipt of a redemption",
                  "Present the receipt that the redemption returned."};
  }
  if (record->redemption->artifact != artifact || record->redemption->nonce_digest != hex_encode(sha3_512(nonce)))
    return Denial{code_replayed, "the receipt is of another redemption",
                  "Present the receipt of the redemption that was asked for with this nonce."};
  return std::nullopt;
}

}  // namespace writ::run
