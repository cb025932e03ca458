// The calls of a PKCS#11 module that take a PIN (PKCS#11 v3.0, sections 5.5 and 5.6), made with a secret that JavaScript
// never sees. The module is one that was loaded and initialized already, by whoever made the session; this addon only
// finds that same instance.
//
// Each call blocks, and returns what the module returned (CK_RV) as a number. It throws an Error of code ENOENT when the
// module is not loaded in this process, ENOSYS when it is no PKCS#11 module.

#pragma once

#include <napi.h>

namespace writ {

// tokenLogin(modulePath, session, userType, secret) -> number: C_Login. `session` is the handle's bytes (CK_ULONG, in
// this machine's order); userType 0 is the security officer, 1 the user.
Napi::Value token_login(const Napi::CallbackInfo& info);

// tokenInitPin(modulePath, session, secret) -> number: C_InitPIN, which sets the user's PIN.
Napi::Value token_init_pin(const Napi::CallbackInfo& info);

// tokenInit(modulePath, slot, secret, label) -> number: C_InitToken, which erases a token. `slot` is the id's bytes; the
// secret is the security officer's PIN, the label at most 32 bytes of UTF-8.
Napi::Value token_init(const Napi::CallbackInfo& info);

}  // namespace writ
