// A secret as JavaScript holds it: an object without properties that stands for LockedBytes. JavaScript can pass it on
// and have it wiped, and never sees a byte of it. A string could not be wiped, and the collector copies it about.

#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "locked_bytes.h"

namespace writ {

// The object that stands for the bytes and owns them; it may be handed to the other addon. An Error is pending, and the
// bytes are wiped, when it cannot be made.
Napi::Value wrap_secret(Napi::Env env, std::unique_ptr<LockedBytes> bytes);

// The bytes behind such an object, which stays their owner; null for any other value.
LockedBytes* unwrap_secret(Napi::Env env, const Napi::Value& value);

// The secret that is the argument at `position`: one that was not wiped. Otherwise an Error is pending, and the result
// is null.
LockedBytes* secret_argument(const Napi::CallbackInfo& info, std::size_t position);

// New memory for a secret; otherwise an Error is pending, and the result is null.
std::unique_ptr<LockedBytes> allocate_secret(Napi::Env env);

// readSecret(fd) -> secret | null: the one line that the rest of an open file holds, with or without its end (LF or CR
// LF). Null when it holds no line, more than one, NUL, or more than LockedBytes::capacity - 1 bytes.
Napi::Value read_secret(const Napi::CallbackInfo& info);

// generateSecret(size = 32) -> secret: as many lower-case hex digits, 4 to 64, each of four random bits (getentropy(3)).
Napi::Value generate_secret(const Napi::CallbackInfo& info);

// writeSecret(fd, secret): writes the bytes and a newline to an open file.
Napi::Value write_secret(const Napi::CallbackInfo& info);

// equalSecrets(secret, secret) -> boolean, in a time that depends on the lengths alone.
Napi::Value equal_secrets(const Napi::CallbackInfo& info);

// secretIsLocked(secret) -> boolean: whether the kernel keeps it out of swap (mlock(2)).
Napi::Value secret_is_locked(const Napi::CallbackInfo& info);

// wipeSecret(secret): overwrites it and gives its page back; a second time does nothing. A secret that nobody wiped is
// wiped when its object is collected.
Napi::Value wipe_secret(const Napi::CallbackInfo& info);

}  // namespace writ
