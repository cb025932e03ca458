// Keeps a run's lease alive while its program runs, and ends the run when the daemon says so, when it is gone, or when it was
// not heard of by the lease's end.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ask/messages.h"
#include "ask/session.h"
#include "governed_child.h"
#include "verify/record.h"

namespace writ::run {

// What a lease must be of.
struct LeaseTerms {
  std::string artifact;
  std::string redemption;
  std::int64_t renew_seconds;
  // Nothing less than a tree that is held together was asked for.
  bool needs_tree;
  bool descend_enforced;
  // The run's first process.
  pid_t child;
  std::int64_t child_start_time;
};

// Why a record is not the lease on these terms; empty where it is. `opened` is the id of the record that opened the run,
// empty for that record itself.
MaybeDenial lease_fault(const Sealed& sealed, const LeaseTerms& terms, const std::optional<std::string>& opened);

// When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); empty where that cannot be read.
std::optional<std::int64_t> start_time_of(pid_t process);

class LeaseKeeper : public Events {
 public:
  // `lease`: the verified record that opened the run.
  LeaseKeeper(Session& session, const Messages& messages, LeaseTerms terms, const Sealed& lease);

  [[nodiscard]] int descriptor() const override;
  [[nodiscard]] std::optional<std::int64_t> deadline_ms() const override;
  Next readable() override;
  Next deadline() override;

  // Tells the daemon how the program ended, unless the run was ended before, and waits until that is logged.
  void close(const ExitStatus& status);

 private:
  Next end(const std::string& why);
  Next handle(const DaemonMessage& message);
  Next renewed(const DaemonMessage& message);
  Next stopped(const Json& params);
  void schedule(const Lease& lease);

  Session& session_;
  const Messages& messages_;
  LeaseTerms terms_;
  std::string lease_;
  std::int64_t lease_end_ms_ = 0;
  std::int64_t renew_at_ms_ = 0;
  std::optional<std::int64_t> renewal_;
  bool over_ = false;
};

}  // namespace writ::run
