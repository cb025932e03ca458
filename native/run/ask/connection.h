// JSON-RPC 2.0 over the daemon's socket, a line a message. One request at a time waits for its answer; the daemon's own
// messages (`lease.stop`) may come between.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "../src/unique_descriptor.h"
#include "ask/messages.h"
#include "format/json.h"

namespace writ::run {

// One line from the daemon. An answer has an `id`, and a `result` or a `failure`; a notification has a `method`.
struct DaemonMessage {
  std::optional<std::int64_t> id;
  std::optional<Json> result;
  std::optional<Failure> failure;
  std::string method;
  Json params;
};

// What a request was told: its result, or why there is none.
using Answer = Step<Json>;

class Connection {
 public:
  // Connects within 30 seconds. Fails with UNAVAILABLE, in the words of src/client/connection.ts.
  static Step<Connection> open(const std::string& socket);

  // Sends a request and waits for its answer, at most 30 seconds. Fails with UNAVAILABLE, FOREIGN_ANSWER, or the code of an
  // error answer.
  Answer call(const std::string& method, const Json& params);

  // Sends a request and returns its id; empty where the connection is gone. Its answer comes out of `receive`.
  std::optional<std::int64_t> send(const std::string& method, const Json& params);

  // Takes what has come, without waiting. False once the connection has ended, or what came is not the protocol.
  [[nodiscard]] bool receive();

  // The next message that was taken and not yet handed out.
  std::optional<DaemonMessage> next();

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }
  // Of the daemon, by the kernel's word.
  [[nodiscard]] uid_t peer_uid() const noexcept { return peer_uid_; }

 private:
  Connection(UniqueDescriptor socket, uid_t peer_uid) : socket_(std::move(socket)), peer_uid_(peer_uid) {}

  // False for what is not the protocol.
  [[nodiscard]] bool take_lines();
  [[nodiscard]] bool split_lines();
  // The next answer; notifications before it stay for whoever handles them.
  std::optional<DaemonMessage> next_answer();

  UniqueDescriptor socket_;
  uid_t peer_uid_;
  std::int64_t next_id_ = 1;
  std::string unread_;
  std::deque<DaemonMessage> messages_;
  // Something came that is not the protocol.
  bool is_foreign_ = false;
};

}  // namespace writ::run
