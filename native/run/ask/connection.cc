// The connection to the daemon; see the header.

#include "ask/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ask/boot_clock.h"
#include "format/fields.h"

namespace writ::run {

namespace {

// A line is a message without its newline.
constexpr std::size_t max_line_bytes = 65'536;
constexpr std::int64_t timeout_ms = 30'000;

Refused unreachable(const std::string& socket, int error) {
  switch (error) {
    case ENOENT:
      return unavailable("no daemon listens at " + socket +
                         ": there is no such socket. Start writd, or name its socket (--socket, WRIT_SOCKET)");
    case ECONNREFUSED:
      return unavailable("no daemon listens at " + socket + " any more: it has ended. Start writd again");
    case EACCES:
      return unavailable("this user may not use the socket " + socket + ". Join the group that owns it");
    case EAGAIN:
    case ETIMEDOUT:
      return unavailable("the socket " + socket + " took no connection within " + std::to_string(timeout_ms) +
                         " ms; the daemon is overloaded or stopped");
    default:
      return unavailable("the socket " + socket + " cannot be used: " + std::strerror(error));
  }
}

Refused lost() {
  return unavailable("the connection to the daemon ended; whether it decided what was still asked is not known");
}

// Waits until the descriptor is ready for `events`. False when the time is over.
bool wait_for(int descriptor, short events, std::int64_t end_ms) {
  for (;;) {
    const std::int64_t left_ms = end_ms - boot_time_ms();
    if (left_ms <= 0) return false;
    pollfd waiting{descriptor, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left_ms, timeout_ms)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// Connects a socket that does not block. A listener whose queue is full answers EAGAIN, and is asked again.
int connect_within(int socket, const sockaddr_un& address, std::int64_t end_ms) {
  for (;;) {
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || boot_time_ms() >= end_ms) return errno;
    ::poll(nullptr, 0, 5);
  }
}

std::optional<Failure> error_of(const Json& error) {
  const Json* message = error.find("message");
  const Json* data = error.find("data");
  const Json* code = data == nullptr ? nullptr : data->find("code");
  if (message == nullptr || message->text() == nullptr || code == nullptr || code->text() == nullptr)
    return std::nullopt;
  const ExitCode exit_code = *code->text() == "OVERLOADED" ? ExitCode::unavailable : ExitCode::usage;
  return Failure{exit_code, *code->text(), "the request was refused: " + *message->text()};
}

// Reads one line. Empty for what is neither an answer nor a notification (JSON-RPC 2.0 sections 4.1 and 5).
std::optional<DaemonMessage> read_message(std::string_view line) {
  const Read<Json> document = parse_json(line);
  const Json* version = document ? document->find("jsonrpc") : nullptr;
  if (version == nullptr || *version != Json("2.0")) return std::nullopt;
  DaemonMessage message{};
  if (const Json* method = document->find("method")) {
    const Json* params = document->find("params");
    if (method->text() == nullptr || document->find("id") != nullptr) return std::nullopt;
    message.method = *method->text();
    if (params != nullptr) message.params = *params;
    return message;
  }
  const Json* id = document->find("id");
  if (id == nullptr || !is_whole(*id, 1, max_whole)) return std::nullopt;
  message.id = static_cast<std::int64_t>(*id->number());
  const Json* result = document->find("result");
  const Json* error = document->find("error");
  if ((result == nullptr) == (error == nullptr)) return std::nullopt;
  if (result != nullptr) message.result = *result;
  else message.failure = error_of(*error);
  return result == nullptr && !message.failure ? std::nullopt : std::optional(std::move(message));
}

}  // namespace

Step<Connection> Connection::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return unreachable(path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return unreachable(path, errno);
  const int error = connect_within(socket.get(), address, boot_time_ms() + timeout_ms);
  if (error != 0) return unreachable(path, error);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return unreachable(path, errno);
  return Connection(std::move(socket), peer.uid);
}

std::optional<std::int64_t> Connection::send(const std::string& method, const Json& params) {
  const std::int64_t id = next_id_++;
  const std::string line = canonical_json(Json::Object{{"jsonrpc", Json("2.0")},
                                                       {"id", Json(static_cast<double>(id))},
                                                       {"method", Json(method)},
                                                       {"params", params}}) +
                           "\n";
  const std::int64_t end_ms = boot_time_ms() + timeout_ms;
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EAGAIN && !wait_for(socket_.get(), POLLOUT, end_ms)) return std::nullopt;
    else if (errno != EAGAIN && errno != EINTR) return std::nullopt;
  }
  return id;
}

bool Connection::receive() {
  char part[16 * 1024];
  for (;;) {
    const ssize_t length = ::recv(socket_.get(), part, sizeof part, 0);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) return take_lines();
    if (length <= 0) {
      // What came before the end still counts.
      (void)take_lines();
      return false;
    }
    unread_.append(part, static_cast<std::size_t>(length));
    if (!take_lines()) return false;
  }
}

bool Connection::take_lines() {
  is_foreign_ = !split_lines();
  return !is_foreign_;
}

bool Connection::split_lines() {
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = unread_.find('\n', start);
    const std::size_t length = std::min(end, unread_.size()) - start;
    if (length > max_line_bytes) return false;
    if (end == std::string::npos) break;
    std::optional<DaemonMessage> message = read_message(std::string_view(unread_).substr(start, length));
    if (!message) return false;
    messages_.push_back(std::move(*message));
    start = end + 1;
  }
  unread_.erase(0, start);
  return true;
}

std::optional<DaemonMessage> Connection::next() {
  if (messages_.empty()) return std::nullopt;
  DaemonMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

std::optional<DaemonMessage> Connection::next_answer() {
  const auto answer = std::find_if(messages_.begin(), messages_.end(),
                                   [](const DaemonMessage& message) { return message.id.has_value(); });
  if (answer == messages_.end()) return std::nullopt;
  DaemonMessage taken = std::move(*answer);
  messages_.erase(answer);
  return taken;
}

Answer Connection::call(const std::string& method, const Json& params) {
  if (canonical_json(params).size() + method.size() + 64 > max_line_bytes)
    return Refused(Failure{ExitCode::usage, "TOO_LARGE",
                           "the request was refused: the request (" + method + ") would be a line of more than " +
                               std::to_string(max_line_bytes) + " bytes and was not sent; make it smaller"});
  const std::int64_t end_ms = boot_time_ms() + timeout_ms;
  const std::optional<std::int64_t> id = send(method, params);
  if (!id) return lost();
  for (bool is_open = true; is_open;) {
    if (!wait_for(socket_.get(), POLLIN, end_ms))
      return unavailable("the daemon did not answer " + method + " within " + std::to_string(timeout_ms) +
                         " ms; whether it decided is not known");
    is_open = receive();
    while (std::optional<DaemonMessage> answer = next_answer()) {
      // One to an earlier request, for which nobody waits any more.
      if (*answer->id < *id) continue;
      if (answer->id != id) return foreign_answer(method, "it answers no request that is in flight");
      if (answer->failure) return Refused(std::move(*answer->failure));
      return std::move(*answer->result);
    }
  }
  return is_foreign_ ? foreign_answer(method, "what the socket sent is not the protocol") : lost();
}

}  // namespace writ::run
