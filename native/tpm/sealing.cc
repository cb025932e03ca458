// Functions about sealed secrets; see the header.

#include "sealing.h"

#include <memory>

#include "../src/secret.h"
#include "../src/system_error.h"
#include "answers.h"
#include "arguments.h"
#include "policy.h"
#include "seal.h"

namespace writ::tpm {

namespace {

constexpr std::size_t digest_size_bytes = TPM2_SHA256_DIGEST_SIZE;

Bytes digest_argument(Arguments& arguments, std::size_t position) {
  return arguments.bytes(position, digest_size_bytes, digest_size_bytes, "expected a digest of 32 bytes");
}

// Two arguments: indexes and digest.
PcrState pcr_state_arguments(Arguments& arguments, std::size_t position) {
  return PcrState{arguments.pcrs(position), digest_argument(arguments, position + 1)};
}

// Four arguments: indexes, digest, counter, highest version.
VersionedState state_arguments(Arguments& arguments, std::size_t position) {
  return VersionedState{pcr_state_arguments(arguments, position), arguments.index(position + 2),
                        arguments.count(position + 3)};
}

Authority authority_argument(Arguments& arguments, std::size_t position) {
  return Authority{arguments.bytes(position, 64, 64, "expected a point of P-256, x and y of 32 bytes each")};
}

Bytes reference_argument(Arguments& arguments, std::size_t position) {
  return arguments.bytes(position, 0, digest_size_bytes, "expected a policy reference of at most 32 bytes");
}

// Three arguments: public area, private area, parent's name.
SealedSecret sealed_arguments(Arguments& arguments, std::size_t position) {
  return SealedSecret{
      arguments.bytes(position, 1, sizeof(TPM2B_PUBLIC), "expected the public area of a sealed object"),
      arguments.bytes(position + 1, 1, sizeof(TPM2B_PRIVATE), "expected the private area of a sealed object"),
      arguments.bytes(position + 2, 1, sizeof(TPM2B_NAME), "expected the name of the sealed object's parent"),
  };
}

Napi::Value unseal_as_secret(Napi::Env env, Connection& connection, const SealedSecret& sealed, const Fulfil& fulfil) {
  std::unique_ptr<LockedBytes> secret = allocate_secret(env);
  if (secret == nullptr) return env.Undefined();
  const MaybeFailure failure = unseal(connection, sealed, fulfil, *secret);
  const MaybeFailure unflushed = connection.take_unflushed();
  if (failure) return throw_failure(env, *failure);
  if (unflushed) return throw_failure(env, *unflushed);
  return wrap_secret(env, std::move(secret));
}

}  // namespace

Napi::Value pcr_policy_function(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 3);
  Connection* connection = arguments.connection();
  const PcrState state = pcr_state_arguments(arguments, 1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, pcr_policy(*connection, state));
}

Napi::Value state_policy_function(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 5);
  Connection* connection = arguments.connection();
  const VersionedState state = state_arguments(arguments, 1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, state_policy(*connection, state));
}

Napi::Value authority_policy_function(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 3);
  Connection* connection = arguments.connection();
  const Authority authority = authority_argument(arguments, 1);
  const Bytes policy_ref = reference_argument(arguments, 2);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, authority_policy(*connection, authority, policy_ref));
}

Napi::Value seal_function(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 3);
  Connection* connection = arguments.connection();
  const Bytes policy = digest_argument(arguments, 2);
  if (!arguments.valid()) return env.Undefined();
  const LockedBytes* secret = secret_argument(info, 1);
  if (secret == nullptr) return env.Undefined();
  if (secret->size() > longest_secret_bytes) return throw_argument_error(env, "a sealed secret has at most 128 bytes");
  return answer(env, *connection, seal(*connection, *secret, policy), [env](const SealedSecret& sealed) -> Napi::Value {
    return named_bytes(env, {{"publicArea", &sealed.public_area},
                             {"privateArea", &sealed.private_area},
                             {"parentName", &sealed.parent_name}});
  });
}

Napi::Value unseal_under_pcrs_function(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 6);
  Connection* connection = arguments.connection();
  const SealedSecret sealed = sealed_arguments(arguments, 1);
  const PcrState state = pcr_state_arguments(arguments, 4);
  if (!arguments.valid()) return info.Env().Undefined();
  return unseal_as_secret(info.Env(), *connection, sealed,
                          [&](ESYS_TR session) { return require_pcrs(*connection, session, state); });
}

Napi::Value unseal_approved_function(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 11);
  Connection* connection = arguments.connection();
  const SealedSecret sealed = sealed_arguments(arguments, 1);
  const Approval approval{
      state_arguments(arguments, 4),
      authority_argument(arguments, 8),
      reference_argument(arguments, 9),
      arguments.bytes(10, 64, 64, "expected a signature of 64 bytes, r and s"),
  };
  if (!arguments.valid()) return info.Env().Undefined();
  return unseal_as_secret(info.Env(), *connection, sealed,
                          [&](ESYS_TR session) { return require_approval(*connection, session, approval); });
}

}  // namespace writ::tpm
