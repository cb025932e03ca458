// Files that hold one document: configuration, trust bundles, artifacts.

#pragma once

#include <string>

#include "format/json.h"
#include "format/text.h"

namespace writ::run {

// The bytes of a file of at most 1 MiB, or why they cannot be had.
Read<Bytes> read_small_file(const std::string& path);

// A JSON document from a file; the sentence names the file.
Read<Json> read_json_file(const std::string& path);

}  // namespace writ::run
