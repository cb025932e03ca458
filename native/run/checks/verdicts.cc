// Not installed: answers for each line of standard input what the launcher's verifier says, so that tests can compare it with
// the one in src/verify. A line is {"trust", "artifact", "nowMs", "action"} for a verdict on an artifact, or {"trust", "receipt",
// "id", "nonce"} for one on a receipt; the answer is a list of codes, empty for "valid", or null where the trust bundle is none.
// {"json"} in base64 is answered with {"document"}, or null where it is no JSON that the launcher reads.

#include <iostream>
#include <string>

#include "format/json.h"
#include "verify/digests.h"
#include "verify/judge.h"

namespace {

using namespace writ::run;

Json codes_of(const std::vector<Denial>& denials) {
  Json::List codes;
  for (const Denial& reason : denials) codes.push_back(Json(reason.code));
  return codes;
}

const std::string& text_of(const Json& question, const char* name) { return *question.find(name)->text(); }

Json answer(const Json& question) {
  if (question.find("json") != nullptr) {
    Read<Json> document = parse_json(*base64_decode(text_of(question, "json")));
    return document ? Json(Json::Object{{"document", std::move(*document)}}) : Json();
  }
  const Read<Trust> trust = parse_trust(*question.find("trust"));
  if (!trust) return {};
  if (const Json* receipt = question.find("receipt")) {
    const Authentication authentic = authenticate(*receipt, *trust);
    const MaybeDenial fault =
        authentic.denial ? authentic.denial
                         : receipt_fault(*authentic.payload, text_of(question, "id"),
                                         *base64_decode(text_of(question, "nonce")));
    return codes_of(fault ? std::vector<Denial>{*fault} : std::vector<Denial>{});
  }
  const auto now = static_cast<std::int64_t>(*question.find("nowMs")->number());
  const Situation situation{now, *question.find("action")};
  return codes_of(verdict_on(authenticate(*question.find("artifact"), *trust), situation));
}

}  // namespace

int main() {
  prepare_crypto();
  std::string line;
  while (std::getline(std::cin, line)) {
    const Read<Json> question = parse_json(line);
    std::cout << (question ? canonical_json(answer(*question)) : "\"unreadable\"") << std::endl;
  }
  return 0;
}
