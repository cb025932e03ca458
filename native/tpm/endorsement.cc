// The endorsement key; see the header.

#include "endorsement.h"

#include "failure.h"
#include "session.h"

namespace writ::tpm {

namespace {

// PolicySecret(endorsement hierarchy), as both templates have it (EK Credential Profile, section B.6.3: PolicyA).
constexpr std::uint8_t policy_a[TPM2_SHA256_DIGEST_SIZE] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

constexpr UINT16 aes_key_bits = 128;

void set_symmetric(TPMT_SYM_DEF_OBJECT& symmetric) {
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = aes_key_bits;
  symmetric.mode.aes = TPM2_ALG_CFB;
}

TPM2B_PUBLIC endorsement_template(EndorsementKind kind) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.authPolicy.size = sizeof(policy_a);
  std::copy(std::begin(policy_a), std::end(policy_a), area.authPolicy.buffer);
  // The unique fields are zeros of full length.
  switch (kind) {
    case EndorsementKind::ecc_p256:
      area.type = TPM2_ALG_ECC;
      set_symmetric(area.parameters.eccDetail.symmetric);
      area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
      area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
      area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
      area.unique.ecc.x.size = 32;
      area.unique.ecc.y.size = 32;
      break;
    case EndorsementKind::rsa_2048:
      area.type = TPM2_ALG_RSA;
      set_symmetric(area.parameters.rsaDetail.symmetric);
      area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
      area.parameters.rsaDetail.keyBits = 2048;
      area.unique.rsa.size = 256;
      break;
  }
  return key;
}

Result<OwnedHandle> create_endorsement_key(Connection& connection, EndorsementKind kind) {
  return create_primary(connection, ESYS_TR_RH_ENDORSEMENT, endorsement_template(kind));
}

// A session that fulfils the endorsement key's policy, and hides what the answer holds.
Result<OwnedHandle> start_endorsement_session(Connection& connection, ESYS_TR endorsement_key) {
  Result<OwnedHandle> session =
      start_salted_session(connection, endorsement_key, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT);
  if (session.failed()) return session;
  Received<TPM2B_TIMEOUT> timeout;
  Received<TPMT_TK_AUTH> ticket;
  const MaybeFailure failure = connection.call("TPM2_PolicySecret", [&] {
    return Esys_PolicySecret(connection.esys(), ESYS_TR_RH_ENDORSEMENT, session.value().get(), ESYS_TR_PASSWORD,
                             ESYS_TR_NONE, ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, timeout.out(), ticket.out());
  });
  if (failure) return *failure;
  return session;
}

}  // namespace

Result<PublicObject> read_endorsement_key(Connection& connection, EndorsementKind kind) {
  Result<OwnedHandle> key = create_endorsement_key(connection, kind);
  if (key.failed()) return key.failure();
  return read_public(connection, key.value().get());
}

Result<Bytes> activate_credential(Connection& connection, TPM2_HANDLE key, EndorsementKind kind, const Bytes& blob,
                                  const Bytes& secret) {
  TPM2B_ID_OBJECT credential{};
  TPM2B_ENCRYPTED_SECRET encrypted_secret{};
  if (blob.size() > sizeof(credential.credential) || secret.size() > sizeof(encrypted_secret.secret)) {
    return Failure{"TPM2_ActivateCredential", TSS2_RC_SUCCESS, code_rc, "the credential is too long"};
  }
  credential.size = static_cast<UINT16>(blob.size());
  std::copy(blob.begin(), blob.end(), credential.credential);
  encrypted_secret.size = static_cast<UINT16>(secret.size());
  std::copy(secret.begin(), secret.end(), encrypted_secret.secret);

  Result<OwnedHandle> activated = find_resident(connection, key);
  if (activated.failed()) return activated.failure();
  Result<OwnedHandle> endorsement_key = create_endorsement_key(connection, kind);
  if (endorsement_key.failed()) return endorsement_key.failure();
  Result<OwnedHandle> session = start_endorsement_session(connection, endorsement_key.value().get());
  if (session.failed()) return session.failure();

  Received<TPM2B_DIGEST> opened;
  const MaybeFailure failure = connection.call("TPM2_ActivateCredential", [&] {
    return Esys_ActivateCredential(connection.esys(), activated.value().get(), endorsement_key.value().get(),
                                   ESYS_TR_PASSWORD, session.value().get(), ESYS_TR_NONE, &credential,
                                   &encrypted_secret, opened.out());
  });
  if (failure) return *failure;
  return content(*opened);
}

}  // namespace writ::tpm
