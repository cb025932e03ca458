// Asking a person for a secret; see the header.

#include "secret_prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "descriptor.h"
#include "secret.h"
#include "system_error.h"

namespace writ {

namespace {

constexpr unsigned char interrupt = 0x03;
constexpr unsigned char end_of_file = 0x04;
constexpr unsigned char backspace = 0x08;
constexpr unsigned char erase_line = 0x15;
constexpr unsigned char first_printable = 0x20;
constexpr unsigned char erase = 0x7f;

// How often the asker looks whether anybody still waits for the answer.
constexpr int look_ms = 500;

// A terminal without echo, for as long as this object lives. Keys that would send a signal come as bytes: a process that
// is killed at the question would leave the terminal mute.
class MuteTerminal {
 public:
  explicit MuteTerminal(int terminal) noexcept : terminal_(terminal) {
    if (::tcgetattr(terminal, &before_) != 0) {
      error_ = errno;
      return;
    }
    termios mute = before_;
    mute.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL | ICANON | ISIG | IEXTEN);
    mute.c_cc[VMIN] = 1;
    mute.c_cc[VTIME] = 0;
    // What was typed before the question was shown on the screen, so it is no answer.
    if (::tcsetattr(terminal, TCSAFLUSH, &mute) != 0) error_ = errno;
  }
  MuteTerminal(const MuteTerminal&) = delete;
  MuteTerminal& operator=(const MuteTerminal&) = delete;
  ~MuteTerminal() {
    if (error_ == 0) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }

  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  int terminal_;
  int error_ = 0;
  termios before_{};
};

std::int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// 0 once a byte can be read; ETIMEDOUT, ECANCELED when the parent ended, or the errno of poll.
int await_key(int terminal, std::int64_t deadline_ms, pid_t parent) {
  for (;;) {
    const std::int64_t left_ms = deadline_ms - now_ms();
    if (left_ms <= 0) return ETIMEDOUT;
    if (::getppid() != parent) return ECANCELED;
    pollfd polled{terminal, POLLIN, 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(left_ms < look_ms ? left_ms : look_ms));
    if (ready < 0 && errno != EINTR) return errno;
    if (ready > 0) return 0;
  }
}

// Takes the last character off, which is several bytes in UTF-8.
void erase_character(LockedBytes& line) {
  std::size_t size = line.size();
  while (size > 0 && (line.data()[size - 1] & 0xc0) == 0x80) size--;
  line.resize(size > 0 ? size - 1 : 0);
}

// Reads up to the end of the line, each byte into its place in the locked page. 0 or an errno.
int read_line(int terminal, std::int64_t deadline_ms, LockedBytes& line) {
  const pid_t parent = ::getppid();
  for (;;) {
    const int error = await_key(terminal, deadline_ms, parent);
    if (error != 0) return error;
    // The last byte of the page is never part of the line, so that there is always room for one more.
    unsigned char* key = line.data() + line.size();
    const ssize_t length = ::read(terminal, key, 1);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    if (length == 0 || *key == interrupt || *key == end_of_file) return ECANCELED;
    if (*key == '\n' || *key == '\r') break;
    if (*key == erase || *key == backspace) {
      erase_character(line);
    } else if (*key == erase_line) {
      line.resize(0);
    } else if (*key >= first_printable && line.size() + 1 < LockedBytes::capacity) {
      line.resize(line.size() + 1);
    }
  }
  // The end of the line lies behind the last byte still.
  line.resize(line.size());
  return line.size() > 0 ? 0 : ECANCELED;
}

int write_text(int terminal, const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t length = ::write(terminal, text.data() + written, text.size() - written);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return errno;
    written += static_cast<std::size_t>(length);
  }
  return 0;
}

// 0 or an errno.
int ask(int terminal, const std::string& question, std::int64_t timeout_ms, LockedBytes& line) {
  // From the background the terminal would stop this process instead of answering it.
  if (::tcgetpgrp(terminal) != ::getpgrp()) return ENOTTY;
  const MuteTerminal mute(terminal);
  if (mute.error() != 0) return mute.error();
  int error = write_text(terminal, question);
  if (error == 0) error = read_line(terminal, now_ms() + timeout_ms, line);
  // The person's own end of the line was not shown.
  const int shown = write_text(terminal, "\n");
  return error != 0 ? error : shown;
}

}  // namespace

Napi::Value ask_secret(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsNumber()) {
    return throw_argument_error(env, "expected two arguments: a question and a number of milliseconds");
  }
  const std::string question = info[0].As<Napi::String>().Utf8Value();
  const std::int64_t timeout_ms = info[1].As<Napi::Number>().Int64Value();
  std::unique_ptr<LockedBytes> line = allocate_secret(env);
  if (line == nullptr) return env.Undefined();
  const UniqueDescriptor terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) return throw_system_error(env, errno, "open /dev/tty");
  const int error = ask(terminal.get(), question, timeout_ms, *line);
  if (error != 0) return throw_system_error(env, error, "read /dev/tty");
  return wrap_secret(env, std::move(line));
}

}  // namespace writ
