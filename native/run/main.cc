// `writ`: starts what a command line asks for under a sealed authorization, or hands the command line on to the full program.
// Its order is the promise of the whole: ask, verify, redeem, verify, hold the bytes, hold the process, open a lease on it,
// verify that, and only then let it execute.

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ask/awaiting_approval.h"
#include "ask/lease_keeper.h"
#include "ask/locations.h"
#include "ask/messages.h"
#include "ask/options.h"
#include "ask/own_process.h"
#include "ask/plan_of.h"
#include "ask/session.h"
#include "ask/small_file.h"
#include "ask/stages.h"
#include "format/fields.h"
#include "format/instant.h"
#include "front.h"
#include "governed_child.h"
#include "verify/digests.h"
#include "verify/judge.h"

namespace writ::run {

namespace {

// Becomes the command line program, which knows every command, every help page and every mistake.
[[noreturn]] void hand_on(const std::string& root, char** arguments, int count) {
  const std::string main = root + "/dist/src/cli/main.js";
  std::string node = "node";
  std::vector<char*> words{node.data(), const_cast<char*>(main.c_str())};
  for (int word = 1; word < count; word++) words.push_back(arguments[word]);
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  const std::string reason = std::strerror(errno);
  std::exit(Messages(false).refuse(usage_error("node, which this command needs, cannot be started: " + reason)));
}

Step<Trust> load_trust(const Options& options, const Locations& locations) {
  const std::string path = options.trust.value_or(locations.state + "/trust.json");
  if (!options.trust && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
    return usage_error("no trust bundle: " + path +
                       " does not exist. Name one with --trust FILE, or make one with writ trust export and pin it");
  const Read<Json> document = read_json_file(path);
  if (!document) return usage_error(document.why());
  Read<Trust> trust = parse_trust(*document);
  if (!trust) return usage_error(path + " cannot be used: " + trust.why());
  return std::move(*trust);
}

// The id that a word is, or that of the artifact in the file of that name.
Step<std::string> artifact_id_from(const std::string& word) {
  if (is_artifact_id(word)) return word;
  if (word.substr(0, 9) == "sha3-512:")
    return usage_error(word + " is no id: sha3-512: and 128 lower-case hexadecimal digits are expected");
  const Read<Json> document = read_json_file(word);
  if (!document) return usage_error(document.why());
  Read<std::string> id = artifact_id_of(*document);
  if (!id) return usage_error(word + " is not an artifact: " + id.why());
  return std::move(*id);
}

// The parameters of `authorize`. Whatever is not asked for is the daemon's to say.
Step<Json> authorize_params(const Options& options, const Json& action) {
  Json::Object params = options.asked;
  params.emplace_back("action", action);
  params.emplace_back("use", Json("lease"));
  if (options.fresh_quote) params.emplace_back("attest", Json("fresh"));
  if (options.parent) {
    Step<std::string> parent = artifact_id_from(*options.parent);
    if (Refused* refused = std::get_if<Refused>(&parent)) return std::move(*refused);
    params.emplace_back("parent", Json(*std::get_if<std::string>(&parent)));
  }
  return Json(std::move(params));
}

// An authorization of exactly this action, on exactly these terms; if asked to, once people have approved it.
Step<Sealed> authorize(Session& session, const Options& options, const Messages& messages, const Json& params,
                       const Json& action) {
  Step<Sealed> authorization = options.wait_approval ? ask_once_approved(session, messages, "authorize", params)
                                                     : session.ask("authorize", params);
  const Sealed* sealed = std::get_if<Sealed>(&authorization);
  if (sealed == nullptr) return authorization;
  const std::optional<Statement>& statement = sealed->payload.statement;
  if (!statement || !statement->grant) return foreign_answer("authorize", "it is no authorization");
  const std::optional<std::string> foreign =
      foreignness(*statement, request_digest("authorize", params), params);
  if (foreign) return foreign_answer("authorize", *foreign);
  const std::vector<Denial> denials = judge(*statement, {now_ms(), action});
  if (!denials.empty()) return Refused(denials.front());
  return authorization;
}

// The receipt that turns the authorization into permission, once.
Step<Sealed> redeem(Session& session, const Options& options, const std::string& id, const Json& action,
                    const Bytes& nonce) {
  Json::Object params{{"id", Json(id)}, {"nonce", Json(base64_encode(nonce))}, {"action", action}};
  if (options.fresh_quote) params.emplace_back("attest", Json("fresh"));
  if (options.fresh_anchor) params.emplace_back("anchor", Json("fresh"));
  Step<Sealed> receipt = session.ask("redeem", Json(std::move(params)));
  const Sealed* sealed = std::get_if<Sealed>(&receipt);
  if (sealed == nullptr) return receipt;
  const MaybeDenial fault = receipt_fault(sealed->payload, id, nonce);
  if (fault) return Refused(*fault);
  return receipt;
}

// A lease on the child that is held back.
Step<Sealed> open_lease(Session& session, const LeaseTerms& terms, const Bytes& nonce) {
  const Json params(
      Json::Object{{"redemption", Json(terms.redemption)},
                   {"nonce", Json(base64_encode(nonce))},
                   {"child", Json(static_cast<double>(terms.child))},
                   {"descend", Json(terms.descend_enforced ? "enforced" : "not-enforced")}});
  Step<Sealed> lease = session.ask("lease.open", params);
  const Sealed* sealed = std::get_if<Sealed>(&lease);
  if (sealed == nullptr) return lease;
  const MaybeDenial fault = lease_fault(*sealed, terms, std::nullopt);
  if (fault) return Refused(*fault);
  return lease;
}

// Everything that was obtained before anything was started.
struct Permission {
  Sealed authorization;
  Sealed receipt;
  Bytes nonce;
};

Step<Permission> obtain(Session& session, const Options& options, const Messages& messages, const Command& command,
                        Stages& stages) {
  const Json action = action_of(command);
  Step<Json> params = authorize_params(options, action);
  if (Refused* refused = std::get_if<Refused>(&params)) return std::move(*refused);
  Step<Sealed> authorization = authorize(session, options, messages, *std::get_if<Json>(&params), action);
  if (Refused* refused = std::get_if<1>(&authorization)) return std::move(*refused);
  Sealed& granted = *std::get_if<0>(&authorization);
  stages.pass("authorize");
  Bytes nonce = random_bytes(16);
  Step<Sealed> receipt = redeem(session, options, granted.id, action, nonce);
  if (Refused* refused = std::get_if<1>(&receipt)) return std::move(*refused);
  stages.pass("redeem");
  return Permission{std::move(granted), std::move(*std::get_if<0>(&receipt)), std::move(nonce)};
}

// A sentence as the daemon takes it: printable ASCII, of a bounded length. Paths may hold anything.
std::string plain_words(const std::string& sentence) {
  constexpr std::size_t longest = 400;
  std::string words = sentence.substr(0, longest);
  for (char& letter : words) {
    if (letter < ' ' || letter > '~') letter = '?';
  }
  return words;
}

// Gives a redemption back on which nothing was started, so that the log says why; a lease that was opened on it ends. Whatever
// becomes of that, nothing runs: the launcher's own denial stands where the daemon's does not come.
Refused decline(Session& session, const Permission& permission, const Denial& denial) {
  const Json params(Json::Object{{"redemption", Json(permission.receipt.id)},
                                 {"nonce", Json(base64_encode(permission.nonce))},
                                 {"code", Json(denial.code)},
                                 {"message", Json(plain_words(denial.message))},
                                 {"remedy", Json(plain_words(denial.remedy))}});
  Step<Sealed> answer = session.ask("lease.decline", params);
  Refused* refused = std::get_if<Refused>(&answer);
  if (refused != nullptr && std::get_if<Json>(refused) != nullptr) return std::move(*refused);
  return denial;
}

// Runs a child that is held back, and returns how it ended.
std::variant<ExitStatus, Refused> govern(Session& session, const Messages& messages, const Permission& permission,
                                         Child& child, Stages& stages) {
  const Grant& grant = *permission.authorization.payload.statement->grant;
  const pid_t process = lease_process(child);
  const std::optional<std::int64_t> start_time = start_time_of(process);
  if (!start_time) return Refused(denied(code_environment_mismatch, "the held process cannot be seen in /proc"));
  LeaseTerms terms{permission.authorization.id, permission.receipt.id, grant.validity.renew_seconds,
                   *grant.execution.find("confine") == Json("tree"), descend_enforced(child), process, *start_time};
  Step<Sealed> opened = open_lease(session, terms, permission.nonce);
  if (Refused* refused = std::get_if<Refused>(&opened)) return std::move(*refused);
  const Sealed& lease = *std::get_if<Sealed>(&opened);
  stages.pass("lease.open");
  messages.granted(Json(Json::Object{{"decision", Json("allow")},
                                     {"authorization", permission.authorization.document},
                                     {"receipt", permission.receipt.document},
                                     {"lease", lease.document}}));
  LeaseKeeper keeper(session, messages, std::move(terms), lease);
  const MaybeDenial fault = release(child);
  if (fault) return Refused(*fault);
  stages.pass("exec");
  const ExitStatus status = supervise(child, keeper);
  stages.pass("program");
  keeper.close(status);
  stages.pass("lease.close");
  return status;
}

// Holds the bytes and the process of what was redeemed, and runs it.
std::variant<ExitStatus, Refused> start(Session& session, const Messages& messages, const Permission& permission,
                                        std::vector<std::string> environment, Confinement confinement, Stages& stages) {
  Step<Plan> plan = plan_of(*permission.authorization.payload.statement->grant, std::move(environment));
  if (Refused* refused = std::get_if<Refused>(&plan)) return std::move(*refused);
  Result<PreparedPointer> prepared = prepare(*std::get_if<Plan>(&plan));
  if (prepared.denied()) return Refused(prepared.denial());
  stages.pass("prepare");
  Result<ChildPointer> child = start_held(*prepared.value(), confinement);
  if (child.denied()) return Refused(child.denial());
  stages.pass("hold");
  return govern(session, messages, permission, *child.value(), stages);
}

std::variant<ExitStatus, Refused> run(const Options& options, const Messages& messages, const std::string& root,
                                      Stages& stages) {
  Step<Command> resolved = resolve_command(options.command);
  if (Refused* refused = std::get_if<Refused>(&resolved)) return std::move(*refused);
  Command& command = *std::get_if<Command>(&resolved);
  Step<Locations> locations = find_locations(options, root);
  if (Refused* refused = std::get_if<Refused>(&locations)) return std::move(*refused);
  Step<Trust> trust = load_trust(options, *std::get_if<Locations>(&locations));
  if (Refused* refused = std::get_if<Refused>(&trust)) return std::move(*refused);
  Step<Connection> connection = Connection::open(std::get_if<Locations>(&locations)->socket);
  if (Refused* refused = std::get_if<Refused>(&connection)) return std::move(*refused);
  const uid_t daemon = std::get_if<Connection>(&connection)->peer_uid();
  // Nobody of this user may meddle with us by ptrace(2). A daemon of the very same user, as in development, could not see
  // then either which program asks it.
  if (daemon != ::geteuid() || daemon == 0) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  Session session(std::move(*std::get_if<Connection>(&connection)), std::move(*std::get_if<Trust>(&trust)));
  stages.pass("connect");

  Step<Permission> obtained = obtain(session, options, messages, command, stages);
  if (Refused* refused = std::get_if<Refused>(&obtained)) return std::move(*refused);
  const Permission& permission = *std::get_if<Permission>(&obtained);
  std::variant<ExitStatus, Refused> outcome =
      start(session, messages, permission, std::move(command.environment), choose_confinement(daemon == 0), stages);
  // By now nothing of it is left, so that the daemon ends no process that could still have begun.
  if (const Refused* refused = std::get_if<Refused>(&outcome)) {
    if (const Denial* own = std::get_if<Denial>(refused)) return decline(session, permission, *own);
  }
  return outcome;
}

}  // namespace

}  // namespace writ::run

int main(int count, char** arguments) {
  using namespace writ::run;
  keep_standard_numbers();
  Stages stages;
  const std::string root = installation_root();
  const std::variant<Options, NotOurs> parsed =
      parse_options(std::vector<std::string>(arguments + (count > 0 ? 1 : 0), arguments + count));
  const Options* options = std::get_if<Options>(&parsed);
  if (options == nullptr) hand_on(root, arguments, count);
  stand_in_front();
  prepare_crypto();
  const Messages messages(options->json);
  const std::variant<ExitStatus, Refused> outcome = run(*options, messages, root, stages);
  stages.show();
  if (const Refused* refused = std::get_if<Refused>(&outcome)) return messages.refuse(*refused);
  end_like(*std::get_if<ExitStatus>(&outcome));
}
