// The program interpreter of an ELF file: what the kernel loads beside it, usually the dynamic linker.

#pragma once

#include <optional>
#include <string>

namespace writ::run {

// The path in the first PT_INTERP segment of the file (64 or 32 bit, of this machine's byte order); empty for a static
// program, and for what is no ELF file or a damaged one, which the kernel refuses itself.
std::optional<std::string> elf_loader(int descriptor);

}  // namespace writ::run
