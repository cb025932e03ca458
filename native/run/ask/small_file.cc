// Small files; see the header.

#include "ask/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../src/unique_descriptor.h"

namespace writ::run {

namespace {

constexpr off_t max_file_bytes = 1 << 20;

std::string problem(const std::string& path, int error) {
  switch (error) {
    case ENOENT: return "there is no file " + path;
    case EACCES:
    case EPERM: return "this user may not use " + path;
    case EISDIR: return path + " is a directory";
    case ENOTDIR: return path + " cannot be used: a part of this path is a file, not a directory";
    default: return path + " cannot be used: " + std::strerror(error);
  }
}

}  // namespace

Read<Bytes> read_small_file(const std::string& path) {
  // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
  const UniqueDescriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file.valid()) return Unreadable{problem(path, errno)};
  Bytes bytes;
  char part[16 * 1024];
  for (;;) {
    const ssize_t length = ::read(file.get(), part, sizeof part);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return Unreadable{problem(path, errno)};
    if (length == 0) return bytes;
    bytes.append(part, static_cast<std::size_t>(length));
    if (bytes.size() > static_cast<std::size_t>(max_file_bytes))
      return Unreadable{path + " is larger than 1048576 bytes, so it is not what is expected here"};
  }
}

Read<Json> read_json_file(const std::string& path) {
  const Read<Bytes> bytes = read_small_file(path);
  if (!bytes) return Unreadable{bytes.why()};
  Read<Json> document = parse_json(*bytes);
  if (!document) return Unreadable{path + ": " + document.why()};
  return document;
}

}  // namespace writ::run
