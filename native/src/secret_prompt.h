// A secret that a person types at the terminal of this process.

#pragma once

#include <napi.h>

namespace writ {

// askSecret(question, timeoutMs) -> secret: writes the question to /dev/tty and reads one line from it, without showing
// it. Blocks. Error codes: ENXIO, there is no terminal; ENOTTY, this process is not in its foreground; ECANCELED, the
// person gave up (Ctrl-C, Ctrl-D, an empty line) or whoever started this process has ended; ETIMEDOUT. The terminal is as
// it was before, whichever way it ends.
Napi::Value ask_secret(const Napi::CallbackInfo& info);

}  // namespace writ
