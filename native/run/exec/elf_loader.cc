// The program interpreter of an ELF file; see the header. Every number of the file is checked before it is used.

#include "elf_loader.h"

#include <elf.h>
#include <limits.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace writ::run {

namespace {

constexpr std::size_t max_segments = 65536 / sizeof(Elf64_Phdr);  // the kernel reads no larger table

bool read_at(int descriptor, void* target, std::size_t size, std::uint64_t offset) {
  if (offset > static_cast<std::uint64_t>(INT64_MAX)) return false;
  return ::pread(descriptor, target, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

template <typename Header, typename Segment>
std::optional<std::string> loader_of(int descriptor) {
  Header header;
  if (!read_at(descriptor, &header, sizeof header, 0)) return std::nullopt;
  if (header.e_phentsize != sizeof(Segment) || header.e_phnum > max_segments) return std::nullopt;
  for (std::uint64_t index = 0; index < header.e_phnum; ++index) {
    Segment segment;
    const std::uint64_t start = header.e_phoff;
    if (start > static_cast<std::uint64_t>(INT64_MAX) / 2) return std::nullopt;
    if (!read_at(descriptor, &segment, sizeof segment, start + index * sizeof segment)) return std::nullopt;
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_filesz < 2 || segment.p_filesz > PATH_MAX) return std::nullopt;
    std::string path(static_cast<std::size_t>(segment.p_filesz), '\0');
    if (!read_at(descriptor, path.data(), path.size(), segment.p_offset) || path.back() != '\0') return std::nullopt;
    path.resize(std::strlen(path.c_str()));
    return path;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> elf_loader(int descriptor) {
  unsigned char identity[EI_NIDENT];
  if (!read_at(descriptor, identity, sizeof identity, 0) || std::memcmp(identity, ELFMAG, SELFMAG) != 0) {
    return std::nullopt;
  }
  if (identity[EI_CLASS] == ELFCLASS64) return loader_of<Elf64_Ehdr, Elf64_Phdr>(descriptor);
  if (identity[EI_CLASS] == ELFCLASS32) return loader_of<Elf32_Ehdr, Elf32_Phdr>(descriptor);
  return std::nullopt;
}

}  // namespace writ::run
