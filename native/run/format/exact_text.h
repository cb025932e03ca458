// Arguments, paths and file names are bytes to the kernel. In JSON each has exactly one form: a string where the bytes
// are UTF-8, else {"base64": "..."}.

#pragma once

#include "format/json.h"
#include "format/text.h"

namespace writ::run {

// The one form of a byte string, which holds no NUL.
Json exact_text(std::string_view bytes);

// The bytes behind an exact text; refuses every other form of them.
Read<Bytes> exact_bytes(const Json& form);

}  // namespace writ::run
