// Plans; see the header.

#include "ask/plan_of.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "format/exact_text.h"
#include "verify/denials.h"

namespace writ::run {

namespace {

constexpr std::string_view interpreter_name = "interpreter.";
constexpr std::string_view digest_name = "sha3-512:";
constexpr std::string_view encoded_path = "base64:";

// The schemas have looked at each of these texts, so that reading one cannot fail here.
template <std::size_t Size>
Digest<Size> digest_of(std::string_view hex) {
  const Read<Bytes> bytes = hex_decode(hex);
  Digest<Size> digest{};
  if (bytes->size() != Size) __builtin_trap();
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

const std::string& text_of(const Json& object, const char* name) { return *object.find(name)->text(); }

Digests digests_of(const Json& digests) {
  return {digest_of<64>(text_of(digests, "sha3_512")), digest_of<64>(text_of(digests, "blake2b")),
          digest_of<32>(text_of(digests, "sha256"))};
}

// `sha3-512:` and digits, a space, and a path or its base64. Empty for anything else.
std::optional<Interpreter> interpreter_of(const std::string& value) {
  const std::size_t path_start = digest_name.size() + 128 + 1;
  if (value.size() <= path_start || value[path_start - 1] != ' ') return std::nullopt;
  const std::string_view digest = std::string_view(value).substr(digest_name.size(), 128);
  if (value.substr(0, digest_name.size()) != digest_name || !is_hex(digest, 64)) return std::nullopt;
  std::string path = value.substr(path_start);
  if (path.substr(0, encoded_path.size()) == encoded_path) {
    const Read<Bytes> decoded = base64_decode(std::string_view(path).substr(encoded_path.size()));
    if (!decoded) return std::nullopt;
    path = *decoded;
  }
  return Interpreter{path, digest_of<64>(digest)};
}

// The bindings interpreter.1, interpreter.2 and so on, in that order and without a gap.
std::optional<std::vector<Interpreter>> interpreters_of(const std::vector<Binding>& bindings) {
  const auto is_interpreter = [](const Binding& binding) {
    return binding.name.substr(0, interpreter_name.size()) == interpreter_name;
  };
  const auto count = static_cast<std::size_t>(std::count_if(bindings.begin(), bindings.end(), is_interpreter));
  std::vector<Interpreter> interpreters;
  while (interpreters.size() < count) {
    const std::string name = std::string(interpreter_name) + std::to_string(interpreters.size() + 1);
    const auto binding = std::find_if(bindings.begin(), bindings.end(),
                                      [&](const Binding& candidate) { return candidate.name == name; });
    std::optional<Interpreter> interpreter;
    if (binding != bindings.end()) interpreter = interpreter_of(binding->value);
    if (!interpreter) return std::nullopt;
    interpreters.push_back(std::move(*interpreter));
  }
  return interpreters;
}

Descend descend_of(const Json& descend) {
  if (descend == Json("none")) return {DescendKind::none, {}};
  if (descend == Json("any")) return {DescendKind::any, {}};
  Descend listed{DescendKind::listed, {}};
  for (const Json& program : *descend.find("listed")->list())
    listed.listed.push_back({*exact_bytes(*program.find("path")), digests_of(*program.find("digests"))});
  return listed;
}

std::optional<std::uint64_t> limit_of(const Json& limits, const char* name) {
  const double* number = limits.find(name)->number();
  return number == nullptr ? std::nullopt : std::optional(static_cast<std::uint64_t>(*number));
}

}  // namespace

Step<Plan> plan_of(const Grant& grant, std::vector<std::string> environment) {
  const Json& action = grant.action;
  const Json& execution = grant.execution;
  std::optional<std::vector<Interpreter>> interpreters = interpreters_of(grant.environment);
  if (!interpreters)
    return Refused(denied(code_environment_mismatch, "the artifact names interpreters in a form that is not known here"));
  Plan plan{};
  plan.executable = {*exact_bytes(*action.find("executable")), digests_of(*action.find("digests"))};
  for (const Json& word : *action.find("argv")->list()) plan.arguments.push_back(*exact_bytes(word));
  plan.working_directory = *exact_bytes(*action.find("cwd"));
  plan.environment = std::move(environment);
  plan.interpreters = std::move(*interpreters);
  plan.uid = static_cast<uid_t>(grant.uid);
  plan.gid = static_cast<gid_t>(grant.gid);
  for (const Json& group : *execution.find("groups")->list())
    plan.groups.push_back(static_cast<gid_t>(*group.number()));
  plan.descend = descend_of(grant.descend);
  const Json& limits = *execution.find("limits");
  plan.limits = {limit_of(limits, "cpuSeconds"), limit_of(limits, "memoryBytes"), limit_of(limits, "processes"),
                 limit_of(limits, "openFiles"), limit_of(limits, "fileBytes")};
  plan.confine = text_of(execution, "confine") == "tree" ? Confine::tree : Confine::best_effort;
  return plan;
}

}  // namespace writ::run
