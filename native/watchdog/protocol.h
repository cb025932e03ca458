// What the daemon asks of the watchdog, and how it is answered: lines of ASCII over a Unix stream socket, at most 512 bytes each,
// words parted by single spaces. (Node has no SOCK_SEQPACKET.) Whatever is not exactly one of these lines ends the connection.
//
//   hello NAME                                     ready VERSION PID UID GROUP LOCKED
//   guard RUN INSIDE RUNNER START CHILD START DEADLINE   guarded RUN GROUP | refused RUN REASON
//   renew RUN DEADLINE                             renewed RUN DEADLINE | refused RUN REASON
//   end RUN                                        ended RUN ordered | refused RUN REASON
//                          unasked:                ended RUN expired|runner|stopped
//
// `hello` comes first, and once.
//
// NAME       1 to 64 of a-z, 0-9, -: names the group of this daemon's runs
// RUN        32 hexadecimal digits that the daemon chose; INSIDE: the run that this one was started inside of, or -
// RUNNER, CHILD and the START of each: pid, and start time in clock ticks since boot (proc_pid_stat(5))
// DEADLINE   CLOCK_BOOTTIME in milliseconds
// GROUP      path of a control group as /proc/PID/cgroup has it, or - where none could be made
// LOCKED     `locked` where the watchdog's memory cannot be swapped out, else `unlocked`
// REASON     a word: unknown, repeated, full, runner, child, group

#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace writ::watchdog {

constexpr int protocol_version = 1;
constexpr std::size_t max_line_bytes = 512;
constexpr std::size_t run_name_bytes = 32;
constexpr std::size_t max_client_name_bytes = 64;

using RunName = std::array<char, run_name_bytes>;

inline std::string_view text(const RunName& name) { return {name.data(), name.size()}; }

// One process, for good: no later process has both numbers.
struct ProcessName {
  pid_t pid;
  std::uint64_t start_time;
};

struct Hello {
  std::string_view name;
};

struct Guard {
  RunName run;
  std::optional<RunName> inside;
  ProcessName runner;
  ProcessName child;
  std::uint64_t deadline_ms;
};

struct Renew {
  RunName run;
  std::uint64_t deadline_ms;
};

struct End {
  RunName run;
};

using Request = std::variant<Hello, Guard, Renew, End>;

// Reads a line, without its newline; empty for anything that is none of the four requests. A `Hello` points into the line.
std::optional<Request> parse_request(std::string_view line);

}  // namespace writ::watchdog
