// One daemon's connection: its lines in, the watchdog's lines out, in buffers of a fixed size.

#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "owned_descriptor.h"
#include "protocol.h"

namespace writ::watchdog {

class Client {
 public:
  Client() = default;
  explicit Client(int socket) : socket_(socket) {}

  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] bool open() const { return socket_.valid(); }
  void close() { socket_.reset(); }

  enum class Received { something, nothing, ended };
  // Takes what the socket has, as far as there is room. `ended`: the daemon is gone.
  Received receive();
  // The next whole line, valid until the next call of receive(); empty when there is none. `malformed` is set by a line that is
  // longer than any of ours.
  std::string_view next_line(bool& malformed);

  // Sends a line as soon as the daemon takes it; closes the connection of a daemon that has not read for too long.
  void send(std::string_view line);
  // Sends what waits.
  void flush();
  [[nodiscard]] bool has_output() const { return output_size_ > 0; }

 private:
  OwnedDescriptor socket_;
  std::array<char, 16 * 1024> input_{};
  std::size_t input_start_ = 0;
  std::size_t input_end_ = 0;
  std::array<char, 512 * 1024> output_{};
  std::size_t output_size_ = 0;
};

}  // namespace writ::watchdog
