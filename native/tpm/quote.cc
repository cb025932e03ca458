// PCRs and quotes; see the header.

#include "quote.h"

#include "failure.h"

namespace writ::tpm {

namespace {

constexpr std::size_t pcr_size_bytes = TPM2_SHA256_DIGEST_SIZE;

bool selects(const TPML_PCR_SELECTION& selection, std::uint8_t index) {
  if (selection.count != 1 || selection.pcrSelections[0].hash != TPM2_ALG_SHA256) return false;
  const TPMS_PCR_SELECTION& bank = selection.pcrSelections[0];
  const std::size_t octet = index / 8U;
  return octet < bank.sizeofSelect && (bank.pcrSelect[octet] >> (index % 8U) & 1) != 0;
}

}  // namespace

TPML_PCR_SELECTION pcr_selection(const Bytes& indexes) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  TPMS_PCR_SELECTION& bank = selection.pcrSelections[0];
  bank.hash = TPM2_ALG_SHA256;
  bank.sizeofSelect = pcr_count / 8;
  for (const std::uint8_t index : indexes) {
    BYTE& octet = bank.pcrSelect[index / 8U];
    octet = static_cast<BYTE>(octet | 1U << (index % 8U));
  }
  return selection;
}

Result<Bytes> read_pcrs(Connection& connection, const Bytes& indexes) {
  Bytes values;
  Bytes left = indexes;
  // One answer holds eight values at most, in ascending order; what it left out is asked for again.
  while (!left.empty()) {
    const TPML_PCR_SELECTION asked = pcr_selection(left);
    UINT32 update_counter = 0;
    Received<TPML_PCR_SELECTION> answered;
    Received<TPML_DIGEST> digests;
    const MaybeFailure failure = connection.call("TPM2_PCR_Read", [&] {
      return Esys_PCR_Read(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &asked, &update_counter,
                           answered.out(), digests.out());
    });
    if (failure) return *failure;
    if (digests->count == 0) {
      return Failure{"TPM2_PCR_Read", TSS2_RC_SUCCESS, code_absent, "the TPM keeps no SHA-256 bank of PCRs"};
    }
    Bytes missing;
    UINT32 position = 0;
    for (const std::uint8_t index : left) {
      if (!selects(*answered, index)) {
        missing.push_back(index);
        continue;
      }
      if (position >= digests->count || digests->digests[position].size != pcr_size_bytes || !missing.empty()) {
        return Failure{"TPM2_PCR_Read", TSS2_RC_SUCCESS, code_response, "the values do not fit the selection"};
      }
      const Bytes value = content(digests->digests[position]);
      values.insert(values.end(), value.begin(), value.end());
      position++;
    }
    if (missing.size() == left.size()) {
      return Failure{"TPM2_PCR_Read", TSS2_RC_SUCCESS, code_response, "the values are of other PCRs"};
    }
    left = std::move(missing);
  }
  return values;
}

Result<Quote> quote_pcrs(Connection& connection, TPM2_HANDLE key, const Bytes& indexes, const Bytes& qualifying_data) {
  TPM2B_DATA qualifying{};
  if (!fill(qualifying, qualifying_data)) {
    return Failure{"TPM2_Quote", TSS2_RC_SUCCESS, code_rc, "the qualifying data is too long"};
  }
  Result<OwnedHandle> signer = find_resident(connection, key);
  if (signer.failed()) return signer.failure();
  const TPML_PCR_SELECTION selection = pcr_selection(indexes);
  // The scheme that is part of the key.
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_NULL;
  Received<TPM2B_ATTEST> attest;
  Received<TPMT_SIGNATURE> signature;
  const MaybeFailure failure = connection.call("TPM2_Quote", [&] {
    return Esys_Quote(connection.esys(), signer.value().get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                      &qualifying, &scheme, &selection, attest.out(), signature.out());
  });
  if (failure) return *failure;

  TPMS_ATTEST stated{};
  std::size_t offset = 0;
  const TSS2_RC rc = Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData, attest->size, &offset, &stated);
  if (rc != TSS2_RC_SUCCESS) return Failure{"TPM2_Quote", rc, code_response};
  if (offset != attest->size || stated.type != TPM2_ST_ATTEST_QUOTE) {
    return Failure{"TPM2_Quote", TSS2_RC_SUCCESS, code_response, "the answer is no quote"};
  }
  Result<Bytes> signed_by_key = marshal(*signature, Tss2_MU_TPMT_SIGNATURE_Marshal);
  if (signed_by_key.failed()) return signed_by_key.failure();
  return Quote{content(*attest), std::move(signed_by_key.value()), content(stated.attested.quote.pcrDigest)};
}

}  // namespace writ::tpm
