// What is to be started, exactly: the meeting point of the launcher's halves. One half fills it from verified artifacts and
// from nothing else; the other executes it and decides nothing.

#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace writ::run {

template <std::size_t Bytes>
using Digest = std::array<unsigned char, Bytes>;

// The digests of one file, as a subject of an artifact has them.
struct Digests {
  Digest<64> sha3_512;
  Digest<64> blake2b;
  Digest<32> sha256;
};

// A file that may be executed, by its real path (absolute, no symbolic link in it; bytes).
struct Program {
  std::string path;
  Digests digests;
};

// One of the artifact's bindings `interpreter.N`: what executes a script, in order.
struct Interpreter {
  std::string path;
  Digest<64> sha3_512;
};

// What the program may start in turn (`scope.descend`).
enum class DescendKind { none, any, listed };

struct Descend {
  DescendKind kind;
  // Only of `listed`.
  std::vector<Program> listed;
};

// `scope.execution.limits`; what is absent is not limited beyond what the launcher inherited.
struct Limits {
  std::optional<std::uint64_t> cpu_seconds;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> processes;
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> file_bytes;
};

// `scope.execution.confine`.
enum class Confine { tree, best_effort };

struct Plan {
  Program executable;
  // argv[0] first; never empty. Bytes without NUL, as in all texts here.
  std::vector<std::string> arguments;
  std::string working_directory;
  // `NAME=VALUE`, in the order in which the program gets them.
  std::vector<std::string> environment;
  // Empty where the executable is no script.
  std::vector<Interpreter> interpreters;
  uid_t uid;
  gid_t gid;
  // The supplementary groups, sorted.
  std::vector<gid_t> groups;
  Descend descend;
  Limits limits;
  Confine confine;
};

}  // namespace writ::run
