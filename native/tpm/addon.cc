// The functions that this addon gives to JavaScript: the TPM, over tpm2-tss's ESAPI. An addon of its own, so that only
// the processes that talk to the TPM load that library. Each call blocks until the TPM has answered, and throws an Error
// with `code`, `rc` and `command`, or a TypeError for arguments of another kind. src/tpm/addon.ts holds their types.

#include <napi.h>

#include <cstdlib>
#include <string>

#include "answers.h"
#include "arguments.h"
#include "connection.h"
#include "counter.h"
#include "endorsement.h"
#include "keys.h"
#include "nv.h"
#include "properties.h"
#include "quote.h"
#include "sealing.h"
#include "../src/system_error.h"

namespace writ::tpm {

namespace {

constexpr const char* kind_expected = "expected true for the ECC endorsement key, false for the RSA one";

Napi::Value public_object_to_script(Napi::Env env, const PublicObject& object) {
  return named_bytes(env, {{"publicArea", &object.public_area}, {"name", &object.name}});
}

Napi::Value index_to_script(Napi::Env env, const PublicIndex& index) {
  Napi::Object object = named_bytes(env, {{"publicArea", &index.public_area}, {"name", &index.name}});
  object["attributes"] = Napi::Number::New(env, index.attributes);
  return object;
}

EndorsementKind endorsement_kind(bool ecc) { return ecc ? EndorsementKind::ecc_p256 : EndorsementKind::rsa_2048; }

Napi::Value open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_argument_error(env, "expected one argument: a TCTI");
  const std::string tcti = info[0].As<Napi::String>().Utf8Value();
  if (!Connection::understands(tcti)) {
    return throw_argument_error(env, "a TCTI is device:/path or swtpm:path=/path");
  }
  Result<std::unique_ptr<Connection>> connection = Connection::open(tcti);
  if (connection.failed()) return throw_failure(env, connection.failure());
  return wrap_connection(env, std::move(connection.value()));
}

Napi::Value close(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !close_connection(info.Env(), info[0])) {
    return throw_argument_error(info.Env(), "expected one argument: a connection");
  }
  return info.Env().Undefined();
}

Napi::Value random(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const std::uint32_t size = arguments.number(1, 1, 1024, "expected a number of bytes from 1 to 1024");
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, random_bytes(*connection, size));
}

Napi::Value properties(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 1);
  Connection* connection = arguments.connection();
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, read_properties(*connection), [env](const Properties& read) -> Napi::Value {
    Napi::Object object = Napi::Object::New(env);
    object["manufacturer"] = read.manufacturer;
    object["vendor"] = read.vendor;
    object["firmwareVersion"] = Napi::BigInt::New(env, read.firmware_version);
    object["lockoutCounter"] = Napi::Number::New(env, read.lockout_counter);
    object["maxAuthFail"] = Napi::Number::New(env, read.max_auth_fail);
    object["inLockout"] = Napi::Boolean::New(env, read.in_lockout);
    object["ownerAuthSet"] = Napi::Boolean::New(env, read.owner_auth_set);
    object["hasSha256Pcrs"] = Napi::Boolean::New(env, read.has_sha256_pcrs);
    object["loadedCount"] = Napi::Number::New(env, read.loaded_count);
    return object;
  });
}

Napi::Value clock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 1);
  Connection* connection = arguments.connection();
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, read_clock(*connection), [env](const Clock& read) -> Napi::Value {
    Napi::Object object = Napi::Object::New(env);
    object["clockMs"] = Napi::BigInt::New(env, read.clock_ms);
    object["resetCount"] = Napi::Number::New(env, read.reset_count);
    object["restartCount"] = Napi::Number::New(env, read.restart_count);
    object["safe"] = Napi::Boolean::New(env, read.safe);
    return object;
  });
}

Napi::Value pcr_read(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const Bytes indexes = arguments.pcrs(1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, read_pcrs(*connection, indexes));
}

Napi::Value quote(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 4);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE key = arguments.persistent(1);
  const Bytes indexes = arguments.pcrs(2);
  const Bytes qualifying_data = arguments.bytes(3, 0, 32, "expected qualifying data of at most 32 bytes");
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, quote_pcrs(*connection, key, indexes, qualifying_data),
                [env](const Quote& made) -> Napi::Value {
                  return named_bytes(env, {{"attest", &made.attest},
                                           {"signature", &made.signature},
                                           {"pcrDigest", &made.pcr_digest}});
                });
}

// Functions of a persistent handle that tell what is public of the object there.
template <Result<PublicObject> (*operation)(Connection&, TPM2_HANDLE)>
Napi::Value of_persistent(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE handle = arguments.persistent(1);
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, operation(*connection, handle),
                [env](const PublicObject& object) { return public_object_to_script(env, object); });
}

Napi::Value remove_key(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE handle = arguments.persistent(1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, remove_persistent(*connection, handle));
}

Napi::Value endorsement_key(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const EndorsementKind kind = endorsement_kind(arguments.boolean(1, kind_expected));
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, read_endorsement_key(*connection, kind),
                [env](const PublicObject& object) { return public_object_to_script(env, object); });
}

Napi::Value activate(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 5);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE key = arguments.persistent(1);
  const EndorsementKind kind = endorsement_kind(arguments.boolean(2, kind_expected));
  const Bytes blob = arguments.bytes(3, 1, 256, "expected a credential of at most 256 bytes");
  const Bytes secret = arguments.bytes(4, 1, 256, "expected an encrypted secret of at most 256 bytes");
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, activate_credential(*connection, key, kind, blob, secret));
}

Napi::Value nv_read(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE index = arguments.index(1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, read_index(*connection, index));
}

// Functions of an NV index that tell what is public of the counter there.
template <Result<PublicIndex> (*operation)(Connection&, TPM2_HANDLE)>
Napi::Value of_index(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE index = arguments.index(1);
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, operation(*connection, index),
                [env](const PublicIndex& found) { return index_to_script(env, found); });
}

// Functions of an NV index that tell the value of the counter there.
template <Result<std::uint64_t> (*operation)(Connection&, TPM2_HANDLE)>
Napi::Value of_counter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE index = arguments.index(1);
  if (!arguments.valid()) return env.Undefined();
  return answer(env, *connection, operation(*connection, index),
                [env](std::uint64_t value) -> Napi::Value { return Napi::BigInt::New(env, value); });
}

Napi::Value remove_counter(const Napi::CallbackInfo& info) {
  Arguments arguments(info, 2);
  Connection* connection = arguments.connection();
  const TPM2_HANDLE index = arguments.index(1);
  if (!arguments.valid()) return info.Env().Undefined();
  return answer(info.Env(), *connection, undefine_counter(*connection, index));
}

using Function = Napi::Value (*)(const Napi::CallbackInfo&);

}  // namespace

static Napi::Object add_functions(Napi::Env env, Napi::Object exports) {
  // The library would write to standard error what our errors say. Set while the addon loads, before the library looks.
  ::setenv("TSS2_LOG", "all+none", 0);
  const std::pair<const char*, Function> functions[] = {
      {"activateCredential", activate},
      {"authorityPolicy", authority_policy_function},
      {"close", close},
      {"counterPublic", of_index<read_counter_public>},
      {"createAttestationKey", of_persistent<create_attestation_key>},
      {"defineCounter", of_index<define_counter>},
      {"endorsementKey", endorsement_key},
      {"incrementCounter", of_counter<increment_counter>},
      {"open", open},
      {"pcrPolicy", pcr_policy_function},
      {"properties", properties},
      {"quote", quote},
      {"random", random},
      {"readClock", clock},
      {"readCounter", of_counter<read_counter>},
      {"readNv", nv_read},
      {"readPcrs", pcr_read},
      {"readPublic", of_persistent<read_persistent>},
      {"removeCounter", remove_counter},
      {"removeKey", remove_key},
      {"seal", seal_function},
      {"statePolicy", state_policy_function},
      {"unsealApproved", unseal_approved_function},
      {"unsealUnderPcrs", unseal_under_pcrs_function},
  };
  for (const auto& [name, function] : functions) exports[name] = Napi::Function::New(env, function, name);
  return exports;
}

}  // namespace writ::tpm

static Napi::Object initialize(Napi::Env env, Napi::Object exports) { return writ::tpm::add_functions(env, exports); }

NODE_API_MODULE(writ_tpm, initialize)
