// What the launcher and its children say to each other: short messages over a pair of sockets that keeps their bounds.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "../../src/unique_descriptor.h"
#include "../denial.h"

namespace writ::run {

// The first byte of a message. From the launcher: `go`. From a child: `ready` (one byte behind it: 1 where `descend` is
// enforced, else 0), `denied` (a denial), `stopped` and `ended` (the fields of a WaitReport). To the one in front: `job_stopped` (a JobStop).
enum class Word : char { go = 'g', ready = 'r', denied = 'd', stopped = 's', ended = 'e', job_stopped = 'j' };

struct Message {
  Word word;
  std::string content;
  // The sender, as this process numbers it; 0 where it is not asked for.
  pid_t sender;
};

struct Channel {
  UniqueDescriptor launcher;
  UniqueDescriptor child;
};

// Both ends are closed by an execution. What arrives at the launcher's end names its sender. Invalid ends when the system
// has no more.
Channel open_channel();

// False when the other end is closed.
bool send_word(int channel, Word word, const std::string& content = {});
void send_denial(int channel, const Denial& denial);

// Waits for the next message; empty when the other end is closed, or what came is no message.
std::optional<Message> receive(int channel);

// The denial in a message; one of its own when there is none in it.
Denial denial_in(const std::optional<Message>& message);

// How waitid(2) found a process: si_code and si_status.
struct WaitReport {
  int code;
  int status;
};
void send_report(int channel, Word word, const WaitReport& report);
std::optional<WaitReport> report_in(const Message& message);

// Which program was stopped, by which signal.
struct JobStop {
  pid_t program;
  int signal;
};
void send_job_stop(int channel, const JobStop& stop);
// Empty when the message is none of these.
std::optional<JobStop> job_stop_in(const Message& message);

}  // namespace writ::run
