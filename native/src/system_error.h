// How a failed system call reaches JavaScript: as an Error like those of node:fs, with `code`, `errno`
// and `syscall`. One place, so that no call can fail silently or without a name.

#pragma once

#include <napi.h>

namespace writ {

// Leaves an Error pending for JavaScript and returns undefined. `error_number` is an errno value; `code`, where
// given, replaces the errno's own name. The message is "<code>: <explanation>, <syscall>".
Napi::Value throw_system_error(Napi::Env env, int error_number, const char* syscall, const char* code = nullptr);

// Leaves a TypeError pending and returns undefined: the arguments were not those that the function takes.
Napi::Value throw_argument_error(Napi::Env env, const char* message);

#ifndef __linux__
// Leaves an Error of code ENOSYS pending and returns undefined: only Linux offers what was asked for.
Napi::Value throw_unavailable(Napi::Env env, const char* function);
#endif

}  // namespace writ
