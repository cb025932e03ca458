// Keys of the TPM; see the header.

#include "keys.h"

#include "failure.h"

namespace writ::tpm {

namespace {

constexpr TPMA_OBJECT made_and_kept_here =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;

TPM2B_PUBLIC ecc_p256_template(TPMA_OBJECT attributes) {
  TPM2B_PUBLIC key{};
  key.publicArea.type = TPM2_ALG_ECC;
  key.publicArea.nameAlg = TPM2_ALG_SHA256;
  key.publicArea.objectAttributes = attributes;
  TPMS_ECC_PARMS& parameters = key.publicArea.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_NULL;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return key;
}

TPM2B_PUBLIC storage_template() {
  TPM2B_PUBLIC key = ecc_p256_template(made_and_kept_here | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                       TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT);
  TPMT_SYM_DEF_OBJECT& symmetric = key.publicArea.parameters.eccDetail.symmetric;
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  // The guidance's template has a point of zeros of full length here; an empty one would make another key.
  key.publicArea.unique.ecc.x.size = 32;
  key.publicArea.unique.ecc.y.size = 32;
  return key;
}

// No dictionary-attack protection (NODA): there is no password to guess, and another program's wrong guesses must not
// stop our quotes.
TPM2B_PUBLIC attestation_template() {
  TPM2B_PUBLIC key = ecc_p256_template(made_and_kept_here | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                       TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT);
  TPMT_ECC_SCHEME& scheme = key.publicArea.parameters.eccDetail.scheme;
  scheme.scheme = TPM2_ALG_ECDSA;
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  return key;
}

Result<OwnedHandle> create_and_load(Connection& connection, ESYS_TR parent, const TPM2B_PUBLIC& key_template) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside_info{};
  const TPML_PCR_SELECTION no_pcrs{};
  Received<TPM2B_PRIVATE> private_part;
  Received<TPM2B_PUBLIC> public_part;
  Received<TPM2B_CREATION_DATA> creation_data;
  Received<TPM2B_DIGEST> creation_digest;
  Received<TPMT_TK_CREATION> creation_ticket;
  MaybeFailure failure = connection.call("TPM2_Create", [&] {
    return Esys_Create(connection.esys(), parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                       &key_template, &outside_info, &no_pcrs, private_part.out(), public_part.out(),
                       creation_data.out(), creation_digest.out(), creation_ticket.out());
  });
  if (failure) return *failure;
  ESYS_TR key = ESYS_TR_NONE;
  failure = connection.call("TPM2_Load", [&] {
    return Esys_Load(connection.esys(), parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &*private_part,
                     &*public_part, &key);
  });
  if (failure) return *failure;
  return OwnedHandle(connection, key, OwnedHandle::Kind::loaded);
}

}  // namespace

Result<PublicObject> public_object(const TPM2B_PUBLIC& public_area, const TPM2B_NAME& name) {
  Result<Bytes> marshalled = marshal(public_area.publicArea, Tss2_MU_TPMT_PUBLIC_Marshal);
  if (marshalled.failed()) return marshalled.failure();
  return PublicObject{std::move(marshalled.value()), content(name)};
}

Result<PublicObject> read_public(Connection& connection, ESYS_TR object) {
  Received<TPM2B_PUBLIC> public_area;
  Received<TPM2B_NAME> name;
  Received<TPM2B_NAME> qualified_name;
  const MaybeFailure failure = connection.call("TPM2_ReadPublic", [&] {
    return Esys_ReadPublic(connection.esys(), object, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, public_area.out(),
                           name.out(), qualified_name.out());
  });
  if (failure) return *failure;
  return public_object(*public_area, *name);
}

Result<OwnedHandle> create_primary(Connection& connection, ESYS_TR hierarchy, const TPM2B_PUBLIC& primary_template) {
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside_info{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR primary = ESYS_TR_NONE;
  Received<TPM2B_PUBLIC> public_part;
  Received<TPM2B_CREATION_DATA> creation_data;
  Received<TPM2B_DIGEST> creation_digest;
  Received<TPMT_TK_CREATION> creation_ticket;
  const MaybeFailure failure = connection.call("TPM2_CreatePrimary", [&] {
    return Esys_CreatePrimary(connection.esys(), hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                              &primary_template, &outside_info, &no_pcrs, &primary, public_part.out(),
                              creation_data.out(), creation_digest.out(), creation_ticket.out());
  });
  if (failure) return *failure;
  return OwnedHandle(connection, primary, OwnedHandle::Kind::loaded);
}

Result<OwnedHandle> create_storage_primary(Connection& connection) {
  return create_primary(connection, ESYS_TR_RH_OWNER, storage_template());
}

Result<PublicObject> create_attestation_key(Connection& connection, TPM2_HANDLE persistent) {
  Result<OwnedHandle> primary = create_storage_primary(connection);
  if (primary.failed()) return primary.failure();
  Result<OwnedHandle> key = create_and_load(connection, primary.value().get(), attestation_template());
  if (key.failed()) return key.failure();

  ESYS_TR kept = ESYS_TR_NONE;
  const MaybeFailure failure = connection.call("TPM2_EvictControl", [&] {
    return Esys_EvictControl(connection.esys(), ESYS_TR_RH_OWNER, key.value().get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, persistent, &kept);
  });
  if (failure) return *failure;
  const OwnedHandle kept_key(connection, kept, OwnedHandle::Kind::resident);
  return read_public(connection, kept_key.get());
}

Result<PublicObject> read_persistent(Connection& connection, TPM2_HANDLE persistent) {
  Result<OwnedHandle> object = find_resident(connection, persistent);
  if (object.failed()) return object.failure();
  return read_public(connection, object.value().get());
}

MaybeFailure remove_persistent(Connection& connection, TPM2_HANDLE persistent) {
  Result<OwnedHandle> object = find_resident(connection, persistent);
  if (object.failed()) return object.failure();
  ESYS_TR nothing = ESYS_TR_NONE;
  const MaybeFailure failure = connection.call("TPM2_EvictControl", [&] {
    return Esys_EvictControl(connection.esys(), ESYS_TR_RH_OWNER, object.value().get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, persistent, &nothing);
  });
  // ESAPI drops its note of an object that it removed.
  if (!failure) static_cast<void>(object.value().release());
  return failure;
}

}  // namespace writ::tpm
