// Sealed secrets; see the header.

#include "seal.h"

#include <algorithm>

#include "failure.h"
#include "keys.h"
#include "quote.h"
#include "session.h"

namespace writ::tpm {

namespace {

// Only its policy opens it: no USERWITHAUTH, so an empty password counts for nothing. NODA: it has no password to guess.
TPM2B_PUBLIC sealed_template() {
  TPM2B_PUBLIC object{};
  object.publicArea.type = TPM2_ALG_KEYEDHASH;
  object.publicArea.nameAlg = TPM2_ALG_SHA256;
  object.publicArea.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA;
  object.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return object;
}

Result<Bytes> name_of(Connection& connection, ESYS_TR object) {
  Received<TPM2B_NAME> name;
  const TSS2_RC rc = Esys_TR_GetName(connection.esys(), object, name.out());
  if (rc != TSS2_RC_SUCCESS) return Failure{"Esys_TR_GetName", rc};
  return content(*name);
}

// What goes into the TPM in one command, wiped when it has gone.
struct Sensitive {
  TPM2B_SENSITIVE_CREATE create{};
  ~Sensitive() { wipe_bytes(&create, sizeof(create)); }
};

// What came out of it, likewise.
struct Unsealed {
  Received<TPM2B_SENSITIVE_DATA> data;
  ~Unsealed() {
    if (data.get() != nullptr) wipe_bytes(data.get(), sizeof(*data));
  }
};

// ESAPI keeps one buffer for commands and answers and does not wipe it: an answer that is longer than a secret's takes
// its place. Its content does not matter, and neither does its failure, which only leaves things as they were.
void overwrite_answer_buffer(Connection& connection) {
  static_cast<void>(read_pcrs(connection, Bytes{0, 1, 2, 3, 4, 5, 6, 7}));
}

Result<OwnedHandle> load(Connection& connection, ESYS_TR parent, const SealedSecret& sealed) {
  TPM2B_PUBLIC public_area{};
  TPM2B_PRIVATE private_area{};
  std::size_t public_end = 0;
  std::size_t private_end = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(sealed.public_area.data(), sealed.public_area.size(), &public_end,
                                     &public_area) != TSS2_RC_SUCCESS ||
      Tss2_MU_TPM2B_PRIVATE_Unmarshal(sealed.private_area.data(), sealed.private_area.size(), &private_end,
                                      &private_area) != TSS2_RC_SUCCESS ||
      public_end != sealed.public_area.size() || private_end != sealed.private_area.size()) {
    return Failure{"TPM2_Load", TSS2_RC_SUCCESS, code_rc, "the sealed object is damaged"};
  }
  ESYS_TR object = ESYS_TR_NONE;
  const MaybeFailure failure = connection.call("TPM2_Load", [&] {
    return Esys_Load(connection.esys(), parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private_area,
                     &public_area, &object);
  });
  if (failure) return *failure;
  return OwnedHandle(connection, object, OwnedHandle::Kind::loaded);
}

}  // namespace

Result<SealedSecret> seal(Connection& connection, const LockedBytes& secret, const Bytes& policy) {
  TPM2B_PUBLIC object = sealed_template();
  Sensitive sensitive;
  if (secret.size() > longest_secret_bytes || !fill(object.publicArea.authPolicy, policy)) {
    return Failure{"TPM2_Create", TSS2_RC_SUCCESS, code_rc, "a sealed secret has at most 128 bytes"};
  }
  TPM2B_SENSITIVE_DATA& data = sensitive.create.sensitive.data;
  std::copy(secret.data(), secret.data() + secret.size(), data.buffer);
  data.size = static_cast<UINT16>(secret.size());

  Result<OwnedHandle> primary = create_storage_primary(connection);
  if (primary.failed()) return primary.failure();
  Result<Bytes> parent_name = name_of(connection, primary.value().get());
  if (parent_name.failed()) return parent_name.failure();
  Result<OwnedHandle> session =
      start_salted_session(connection, primary.value().get(), TPM2_SE_HMAC, TPMA_SESSION_DECRYPT);
  if (session.failed()) return session.failure();

  const TPM2B_DATA outside_info{};
  const TPML_PCR_SELECTION no_pcrs{};
  Received<TPM2B_PRIVATE> private_part;
  Received<TPM2B_PUBLIC> public_part;
  Received<TPM2B_CREATION_DATA> creation_data;
  Received<TPM2B_DIGEST> creation_digest;
  Received<TPMT_TK_CREATION> creation_ticket;
  const MaybeFailure failure = connection.call("TPM2_Create", [&] {
    return Esys_Create(connection.esys(), primary.value().get(), session.value().get(), ESYS_TR_NONE, ESYS_TR_NONE,
                       &sensitive.create, &object, &outside_info, &no_pcrs, private_part.out(), public_part.out(),
                       creation_data.out(), creation_digest.out(), creation_ticket.out());
  });
  if (failure) return *failure;
  Result<Bytes> public_area = marshal(*public_part, Tss2_MU_TPM2B_PUBLIC_Marshal);
  if (public_area.failed()) return public_area.failure();
  Result<Bytes> private_area = marshal(*private_part, Tss2_MU_TPM2B_PRIVATE_Marshal);
  if (private_area.failed()) return private_area.failure();
  return SealedSecret{std::move(public_area.value()), std::move(private_area.value()), std::move(parent_name.value())};
}

MaybeFailure unseal(Connection& connection, const SealedSecret& sealed, const Fulfil& fulfil, LockedBytes& secret) {
  Result<OwnedHandle> primary = create_storage_primary(connection);
  if (primary.failed()) return primary.failure();
  Result<Bytes> parent_name = name_of(connection, primary.value().get());
  if (parent_name.failed()) return parent_name.failure();
  if (parent_name.value() != sealed.parent_name) {
    return Failure{"TPM2_Load", TSS2_RC_SUCCESS, code_foreign, "it was sealed by another TPM, or before a clear"};
  }
  Result<OwnedHandle> object = load(connection, primary.value().get(), sealed);
  if (object.failed()) return object.failure();
  Result<OwnedHandle> session =
      start_salted_session(connection, primary.value().get(), TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT);
  if (session.failed()) return session.failure();
  const MaybeFailure unfulfilled = fulfil(session.value().get());
  if (unfulfilled) return unfulfilled;

  Unsealed unsealed;
  const MaybeFailure failure = connection.call("TPM2_Unseal", [&] {
    return Esys_Unseal(connection.esys(), object.value().get(), session.value().get(), ESYS_TR_NONE, ESYS_TR_NONE,
                       unsealed.data.out());
  });
  if (failure) return failure;
  const std::size_t size = unsealed.data->size;
  const bool fits = size <= std::min(longest_secret_bytes, LockedBytes::capacity);
  if (fits) {
    std::copy(unsealed.data->buffer, unsealed.data->buffer + size, secret.data());
    secret.resize(size);
  }
  overwrite_answer_buffer(connection);
  if (!fits) return Failure{"TPM2_Unseal", TSS2_RC_SUCCESS, code_response, "the secret is longer than it can be"};
  return std::nullopt;
}

}  // namespace writ::tpm
