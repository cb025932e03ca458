// Peers where the system is not Linux: nothing there can vouch that a pid is still the peer's, so nobody is identified.

#ifndef __linux__

#include "peer.h"

#include "system_error.h"

namespace writ {

Napi::Value connected_peer(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "connectedPeer"); }
Napi::Value supports_peer_pidfd(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), false); }
Napi::Value pidfd_alive(const Napi::CallbackInfo& info) { return throw_unavailable(info.Env(), "pidfdAlive"); }

}  // namespace writ

#endif  // !__linux__
