// One daemon's connection; see the header.

#include "client.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace writ::watchdog {

Client::Received Client::receive() {
  if (input_start_ > 0) {
    std::memmove(input_.data(), input_.data() + input_start_, input_end_ - input_start_);
    input_end_ -= input_start_;
    input_start_ = 0;
  }
  ssize_t length = -1;
  do {
    length = ::recv(socket_.get(), input_.data() + input_end_, input_.size() - input_end_, MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received::nothing;
  if (length <= 0) return Received::ended;
  input_end_ += static_cast<std::size_t>(length);
  return Received::something;
}

std::string_view Client::next_line(bool& malformed) {
  const std::string_view waiting(input_.data() + input_start_, input_end_ - input_start_);
  const std::size_t end = waiting.find('\n');
  if (end == std::string_view::npos) {
    if (waiting.size() > max_line_bytes) malformed = true;
    return {};
  }
  input_start_ += end + 1;
  // An empty line is no request either, and looks like none here.
  if (end == 0 || end > max_line_bytes) malformed = true;
  return waiting.substr(0, end);
}

void Client::send(std::string_view line) {
  if (!open()) return;
  if (output_size_ + line.size() + 1 > output_.size()) return close();
  std::memcpy(output_.data() + output_size_, line.data(), line.size());
  output_size_ += line.size();
  output_[output_size_++] = '\n';
}

void Client::flush() {
  while (open() && output_size_ > 0) {
    const ssize_t length = ::send(socket_.get(), output_.data(), output_size_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (length <= 0) return close();
    output_size_ -= static_cast<std::size_t>(length);
    std::memmove(output_.data(), output_.data() + length, output_size_);
  }
}

}  // namespace writ::watchdog
