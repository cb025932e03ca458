// Messages between the launcher and its children; see the header.

#include "channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace writ::run {

namespace {

// More than the longest denial: two paths and our own words.
constexpr std::size_t max_message_bytes = 16 * 1024;

// Only these two are arrived at in a child.
constexpr char scope = 's';
constexpr char environment = 'e';

pid_t sender_of(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials;
    std::memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
    return credentials.pid;
  }
  return 0;
}

// Both ends are of one build, so that fields are sent as they lie in memory.
template <typename Fields>
std::string bytes_of(const Fields& fields) {
  return std::string(reinterpret_cast<const char*>(&fields), sizeof fields);
}

template <typename Fields>
std::optional<Fields> of_bytes(const std::string& bytes) {
  Fields fields;
  if (bytes.size() != sizeof fields) return std::nullopt;
  std::memcpy(&fields, bytes.data(), sizeof fields);
  return fields;
}

}  // namespace

Channel open_channel() {
  int ends[2];
  const int on = 1;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return {};
  Channel channel{UniqueDescriptor(ends[0]), UniqueDescriptor(ends[1])};
  if (::setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return {};
  return channel;
}

bool send_word(int channel, Word word, const std::string& content) {
  std::string message(1, static_cast<char>(word));
  message.append(content, 0, max_message_bytes - 1);
  ssize_t sent;
  do sent = ::send(channel, message.data(), message.size(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(message.size());
}

void send_denial(int channel, const Denial& denial) {
  std::string content(1, std::strcmp(denial.code, code_scope_mismatch) == 0 ? scope : environment);
  content.append(denial.message).push_back('\0');
  content.append(denial.remedy);
  send_word(channel, Word::denied, content);
}

std::optional<Message> receive(int channel) {
  char bytes[max_message_bytes];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec part = {bytes, sizeof bytes};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size;
  do size = ::recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  return Message{static_cast<Word>(bytes[0]), std::string(bytes + 1, static_cast<std::size_t>(size) - 1),
                 sender_of(header)};
}

Denial denial_in(const std::optional<Message>& message) {
  if (!message || message->word != Word::denied || message->content.empty()) {
    return {code_environment_mismatch, "The process that was to start the program ended without a reason.",
            "Look into the kernel's log for what killed it, and try again."};
  }
  const std::string& content = message->content;
  const std::size_t end = std::min(content.find('\0'), content.size());
  return {content[0] == scope ? code_scope_mismatch : code_environment_mismatch, content.substr(1, end - 1),
          end < content.size() ? content.substr(end + 1) : std::string()};
}

void send_report(int channel, Word word, const WaitReport& report) { send_word(channel, word, bytes_of(report)); }

std::optional<WaitReport> report_in(const Message& message) { return of_bytes<WaitReport>(message.content); }

void send_job_stop(int channel, const JobStop& stop) { send_word(channel, Word::job_stopped, bytes_of(stop)); }

std::optional<JobStop> job_stop_in(const Message& message) {
  if (message.word != Word::job_stopped) return std::nullopt;
  return of_bytes<JobStop>(message.content);
}

}  // namespace writ::run
