// PCRs of the SHA-256 bank: their values, and a quote over them.

#pragma once

#include <vector>

#include "bytes.h"
#include "handle.h"

namespace writ::tpm {

constexpr std::uint8_t pcr_count = 24;

// The values, 32 bytes each, in the order of the indexes, which are below pcr_count, ascend and are not empty.
// TPM_ABSENT: this TPM keeps no SHA-256 bank.
Result<Bytes> read_pcrs(Connection& connection, const Bytes& indexes);

// A quote as the TPM marshalled it, and the digest of the PCRs that it states.
struct Quote {
  Bytes attest;      // TPMS_ATTEST
  Bytes signature;   // TPMT_SIGNATURE
  Bytes pcr_digest;  // 32 bytes
};

// Has the attestation key at the persistent handle sign the PCRs and up to 64 bytes that the caller chooses (TPM2_Quote,
// Part 3, section 18.4). Nothing in it is secret, and its signature protects it on the bus: no session.
Result<Quote> quote_pcrs(Connection& connection, TPM2_HANDLE key, const Bytes& indexes, const Bytes& qualifying_data);

// The indexes as a selection in the SHA-256 bank.
TPML_PCR_SELECTION pcr_selection(const Bytes& indexes);

}  // namespace writ::tpm
