// Leases at work; see the header.

#include "ask/lease_keeper.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "../src/unique_descriptor.h"
#include "ask/boot_clock.h"
#include "format/instant.h"
#include "verify/denials.h"
#include "verify/note.h"

namespace writ::run {

namespace {

// A renewal is asked for when so much of the lease has passed: two more can be lost.
constexpr std::int64_t renewals_a_lease = 3;

Json lease_params(const std::string& lease) { return Json::Object{{"lease", Json(lease)}}; }

}  // namespace

MaybeDenial lease_fault(const Sealed& sealed, const LeaseTerms& terms, const std::optional<std::string>& opened) {
  const std::optional<Record>& record = sealed.payload.record;
  if (!record || !record->lease) return denied(code_no_authorization, "the daemon answered no lease");
  const Lease& lease = *record->lease;
  if (lease.is_renewal != opened.has_value() || lease.lease != opened)
    return denied(code_replayed, "the lease is of another run");
  if (lease.artifact != terms.artifact || lease.redemption != terms.redemption)
    return denied(code_replayed, "the lease is on another redemption");
  // Process ids differ between PID namespaces; when a process started does not.
  if (lease.start_time != terms.child_start_time)
    return denied(code_identity_mismatch, "the lease is for another process");
  if (terms.needs_tree && lease.confinement == "best-effort")
    return denied(code_environment_mismatch, "the daemon saw nothing that keeps the run's processes together");
  if (lease.descend_enforced != terms.descend_enforced)
    return denied(code_scope_mismatch, "the lease says otherwise what is enforced of what the program may start");
  if (lease.until_ms <= now_ms() || lease.deadline_ms <= boot_time_ms())
    return denied(code_expired, "the lease is over already");
  return std::nullopt;
}

std::optional<std::int64_t> start_time_of(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/stat";
  const UniqueDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[4096];
  const ssize_t length = file.valid() ? ::read(file.get(), text, sizeof text - 1) : -1;
  if (length <= 0) return std::nullopt;
  const std::string_view stat(text, static_cast<std::size_t>(length));
  // The name, in parentheses, may hold anything; behind it comes field 3.
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> fields = split(stat.substr(name_end + 2), ' ');
  if (fields.size() < 20) return std::nullopt;
  return std::strtoll(std::string(fields[19]).c_str(), nullptr, 10);
}

LeaseKeeper::LeaseKeeper(Session& session, const Messages& messages, LeaseTerms terms, const Sealed& lease)
    : session_(session), messages_(messages), terms_(std::move(terms)), lease_(lease.id) {
  schedule(*lease.payload.record->lease);
}

void LeaseKeeper::schedule(const Lease& lease) {
  const std::int64_t now = boot_time_ms();
  // Never beyond what the artifact says, whatever the record does.
  lease_end_ms_ = std::min(lease.deadline_ms, now + terms_.renew_seconds * 1000);
  renew_at_ms_ = now + (lease_end_ms_ - now) / renewals_a_lease;
}

int LeaseKeeper::descriptor() const { return over_ ? -1 : session_.connection().descriptor(); }

std::optional<std::int64_t> LeaseKeeper::deadline_ms() const {
  if (over_) return std::nullopt;
  return renewal_ ? lease_end_ms_ : std::min(renew_at_ms_, lease_end_ms_);
}

Events::Next LeaseKeeper::deadline() {
  if (boot_time_ms() >= lease_end_ms_) return end("the lease has run out: the daemon did not renew it in time");
  if (renewal_) return Next::go_on;
  renewal_ = session_.connection().send("lease.renew", lease_params(lease_));
  return renewal_ ? Next::go_on : end("the connection to the daemon ended");
}

Events::Next LeaseKeeper::readable() {
  const bool is_open = session_.connection().receive();
  while (std::optional<DaemonMessage> message = session_.connection().next()) {
    if (handle(*message) == Next::kill_tree) return Next::kill_tree;
  }
  return is_open ? Next::go_on : end("the connection to the daemon ended");
}

Events::Next LeaseKeeper::handle(const DaemonMessage& message) {
  if (message.method == "lease.stop") return stopped(message.params);
  if (message.id && message.id == renewal_) return renewed(message);
  // Other notifications are for other versions. An answer that nobody asked for ends all trust in the connection.
  return message.id ? end("the daemon answered what was not asked") : Next::go_on;
}

Events::Next LeaseKeeper::renewed(const DaemonMessage& message) {
  renewal_.reset();
  if (message.failure) return end(message.failure->message);
  const Step<Sealed> sealed = session_.verify("lease.renew", lease_params(lease_), *message.result);
  if (const Refused* refused = std::get_if<Refused>(&sealed)) {
    over_ = true;
    messages_.report(*refused);
    return Next::kill_tree;
  }
  const Sealed& lease = *std::get_if<Sealed>(&sealed);
  const MaybeDenial fault = lease_fault(lease, terms_, lease_);
  if (fault) return end(fault->message);
  schedule(*lease.payload.record->lease);
  return Next::go_on;
}

Events::Next LeaseKeeper::stopped(const Json& params) {
  const Json* lease = params.find("lease");
  if (lease == nullptr || *lease != Json(lease_)) return Next::go_on;
  over_ = true;
  const Json* denials = params.find("denials");
  if (denials != nullptr) messages_.report_denials(*denials);
  return Next::kill_tree;
}

Events::Next LeaseKeeper::end(const std::string& why) {
  over_ = true;
  messages_.note("writ: the run is ended: " + why);
  return Next::kill_tree;
}

void LeaseKeeper::close(const ExitStatus& status) {
  if (over_) return;
  over_ = true;
  const char* name = status.exit ? "exit" : "signal";
  const double number = status.exit ? *status.exit : *status.signal;
  const Json params(
      Json::Object{{"lease", Json(lease_)}, {"status", Json(Json::Object{{name, Json(number)}})}});
  const Step<Sealed> end = session_.ask("lease.close", params);
  // A program that was killed may end before the reason arrives, which comes before this answer in any case.
  while (std::optional<DaemonMessage> message = session_.connection().next()) {
    if (message->method == "lease.stop" && stopped(message->params) == Next::kill_tree) return;
  }
  if (std::holds_alternative<Refused>(end))
    messages_.note("writ: the daemon did not log the end of the run as it was told");
}

}  // namespace writ::run
