// Waiting for approvals; see the header.

#include "ask/awaiting_approval.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include <optional>
#include <utility>
#include <vector>

namespace writ::run {

namespace {

constexpr timespec poll_period{1, 0};

// A request that waits, as an answer names it: its id, and what to say of it.
struct Pending {
  std::string id;
  std::string expires;
  std::vector<std::string> demands;
};

const std::string* text_of(const Json& object, const char* name) {
  const Json* member = object.find(name);
  return member == nullptr ? nullptr : member->text();
}

// `alice, bob`. Empty where the member is no list of texts.
std::optional<std::string> joined(const Json& object, const char* name) {
  const Json* member = object.find(name);
  if (member == nullptr || member->list() == nullptr) return std::nullopt;
  std::string names;
  for (const Json& person : *member->list()) {
    if (person.text() == nullptr) return std::nullopt;
    names += (names.empty() ? "" : ", ") + *person.text();
  }
  return names;
}

// `2 of release-managers (alice, bob): approved by alice`.
std::optional<std::string> demand_text(const Json& demand) {
  const std::string* group = text_of(demand, "group");
  const Json* approvals = demand.find("approvals");
  const std::optional<std::string> members = joined(demand, "members");
  const std::optional<std::string> given = joined(demand, "given");
  if (group == nullptr || approvals == nullptr || !members || !given) return std::nullopt;
  const std::string approved = given->empty() ? "nobody has approved" : "approved by " + *given;
  return canonical_json(*approvals) + " of " + *group + " (" + *members + "): " + approved;
}

std::optional<Pending> pending_of(const Json& named) {
  const std::string* id = text_of(named, "id");
  const std::string* expires = text_of(named, "expires");
  const Json* demands = named.find("demands");
  if (id == nullptr || expires == nullptr || demands == nullptr || demands->list() == nullptr) return std::nullopt;
  Pending pending{*id, *expires, {}};
  for (const Json& demand : *demands->list()) {
    std::optional<std::string> text = demand_text(demand);
    if (!text) return std::nullopt;
    pending.demands.push_back(std::move(*text));
  }
  return pending;
}

// Waits may be long, so Ctrl-Z stops them as it stops a program: the launcher keeps that signal back otherwise.
void pause_interruptibly() {
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  ::sigdelset(&mask, SIGTSTP);
  ::ppoll(nullptr, 0, &poll_period, &mask);
}

// What became of a request that waits.
enum class State { waiting, approved, gone };

Step<State> state_of(Session& session, const std::string& id) {
  const std::string method = "pending.get";
  Answer answer = session.connection().call(method, Json(Json::Object{{"id", Json(id)}}));
  if (Refused* refused = std::get_if<Refused>(&answer)) return std::move(*refused);
  const Json& result = *std::get_if<Json>(&answer);
  const std::string* decision = text_of(result, "decision");
  if (decision != nullptr && *decision == "deny") return State::gone;
  const Json* pending = result.find("pending");
  const std::string* state = pending == nullptr ? nullptr : text_of(*pending, "state");
  if (decision == nullptr || *decision != "allow" || state == nullptr)
    return foreign_answer(method, "it shows no request that waits");
  return *state == "approved" ? State::approved : State::waiting;
}

}  // namespace

Step<Sealed> ask_once_approved(Session& session, const Messages& messages, const std::string& method,
                               const Json& params) {
  Step<Sealed> answer = session.ask(method, params);
  const Refused* refused = std::get_if<Refused>(&answer);
  const Json* denied = refused == nullptr ? nullptr : std::get_if<Json>(refused);
  const Json* named = denied == nullptr ? nullptr : denied->find("pending");
  if (named == nullptr) return answer;
  const std::optional<Pending> pending = pending_of(*named);
  if (!pending) return foreign_answer(method, "it does not say what waits for approval");
  messages.note("waiting until " + pending->expires + " for approvals: writ approve " + pending->id);
  for (const std::string& demand : pending->demands) messages.note("  " + demand);
  for (;;) {
    pause_interruptibly();
    Step<State> state = state_of(session, pending->id);
    if (Refused* lost = std::get_if<Refused>(&state)) return std::move(*lost);
    switch (*std::get_if<State>(&state)) {
      case State::waiting:
        break;
      case State::approved:
        return session.ask(method, params);
      case State::gone:
        messages.note("the request waits no longer");
        return answer;
    }
  }
}

}  // namespace writ::run
