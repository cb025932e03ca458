// What the TPM tells about itself; see the header.

#include "properties.h"

#include <functional>

#include "failure.h"
#include "handle.h"

namespace writ::tpm {

namespace {

// Gives one capability from the first property on, answer by answer, to `visit`, which says where to go on.
using Visit = std::function<UINT32(const TPMU_CAPABILITIES&)>;

MaybeFailure read_capability(Connection& connection, TPM2_CAP capability, UINT32 first, UINT32 count,
                             const Visit& visit) {
  TPMI_YES_NO more = TPM2_YES;
  for (UINT32 property = first; more == TPM2_YES;) {
    Received<TPMS_CAPABILITY_DATA> data;
    const MaybeFailure failure = connection.call("TPM2_GetCapability", [&] {
      return Esys_GetCapability(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, capability, property,
                                count, &more, data.out());
    });
    if (failure) return failure;
    if (data->capability != capability) {
      return Failure{"TPM2_GetCapability", TSS2_RC_SUCCESS, code_response, "the answer is of another capability"};
    }
    const UINT32 next = visit(data->data);
    // An answer that brings nothing new would be asked for without end.
    if (next <= property) break;
    property = next;
  }
  return std::nullopt;
}

// One number of the TPM; 0 when it does not have that property.
Result<std::uint32_t> read_property(Connection& connection, TPM2_PT property) {
  std::uint32_t value = 0;
  const MaybeFailure failure =
      read_capability(connection, TPM2_CAP_TPM_PROPERTIES, property, 1, [&](const TPMU_CAPABILITIES& data) {
        const TPML_TAGGED_TPM_PROPERTY& list = data.tpmProperties;
        // A TPM without the property answers with the next one that it has.
        if (list.count > 0 && list.tpmProperty[0].property == property) value = list.tpmProperty[0].value;
        return property;
      });
  if (failure) return *failure;
  return value;
}

Result<std::uint32_t> count_handles(Connection& connection, TPM2_HANDLE first) {
  std::uint32_t count = 0;
  const MaybeFailure failure =
      read_capability(connection, TPM2_CAP_HANDLES, first, TPM2_MAX_CAP_HANDLES, [&](const TPMU_CAPABILITIES& data) {
        const TPML_HANDLE& list = data.handles;
        count += list.count;
        return list.count == 0 ? first : list.handle[list.count - 1] + 1;
      });
  if (failure) return *failure;
  return count;
}

Result<bool> has_sha256_pcrs(Connection& connection) {
  bool found = false;
  const MaybeFailure failure =
      read_capability(connection, TPM2_CAP_PCRS, 0, TPM2_MAX_CAP_HANDLES, [&](const TPMU_CAPABILITIES& data) {
        const TPML_PCR_SELECTION& banks = data.assignedPCR;
        for (UINT32 position = 0; position < banks.count; position++) {
          const TPMS_PCR_SELECTION& bank = banks.pcrSelections[position];
          found = found || (bank.hash == TPM2_ALG_SHA256 && bank.sizeofSelect >= 3 && bank.pcrSelect[0] == 0xff &&
                            bank.pcrSelect[1] == 0xff && bank.pcrSelect[2] == 0xff);
        }
        return UINT32{0};
      });
  if (failure) return *failure;
  return found;
}

// Four characters to a number, the first in the highest octet; what is not printable ASCII is padding.
void append_text(std::string& text, std::uint32_t characters) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    const auto character = static_cast<char>(characters >> shift & 0xff);
    if (character >= ' ' && character <= '~') text.push_back(character);
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
}

}  // namespace

Result<Properties> read_properties(Connection& connection) {
  constexpr TPM2_PT wanted[] = {
      TPM2_PT_MANUFACTURER,       TPM2_PT_VENDOR_STRING_1,    TPM2_PT_VENDOR_STRING_2, TPM2_PT_VENDOR_STRING_3,
      TPM2_PT_VENDOR_STRING_4,    TPM2_PT_FIRMWARE_VERSION_1, TPM2_PT_FIRMWARE_VERSION_2,
      TPM2_PT_LOCKOUT_COUNTER,    TPM2_PT_MAX_AUTH_FAIL,      TPM2_PT_PERMANENT,
  };
  constexpr std::size_t wanted_count = sizeof(wanted) / sizeof(wanted[0]);
  std::uint32_t values[wanted_count] = {};
  for (std::size_t position = 0; position < wanted_count; position++) {
    Result<std::uint32_t> value = read_property(connection, wanted[position]);
    if (value.failed()) return value.failure();
    values[position] = value.value();
  }
  Properties properties{};
  append_text(properties.manufacturer, values[0]);
  for (std::size_t position = 1; position <= 4; position++) append_text(properties.vendor, values[position]);
  properties.firmware_version = std::uint64_t{values[5]} << 32 | values[6];
  properties.lockout_counter = values[7];
  properties.max_auth_fail = values[8];
  properties.in_lockout = (values[9] & TPMA_PERMANENT_INLOCKOUT) != 0;
  properties.owner_auth_set = (values[9] & TPMA_PERMANENT_OWNERAUTHSET) != 0;

  Result<bool> bank = has_sha256_pcrs(connection);
  if (bank.failed()) return bank.failure();
  properties.has_sha256_pcrs = bank.value();
  for (const TPM2_HANDLE first : {TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST}) {
    Result<std::uint32_t> count = count_handles(connection, first);
    if (count.failed()) return count.failure();
    properties.loaded_count += count.value();
  }
  return properties;
}

Result<Clock> read_clock(Connection& connection) {
  Received<TPMS_TIME_INFO> info;
  const MaybeFailure failure = connection.call("TPM2_ReadClock", [&] {
    return Esys_ReadClock(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, info.out());
  });
  if (failure) return *failure;
  const TPMS_CLOCK_INFO& clock = info->clockInfo;
  return Clock{clock.clock, clock.resetCount, clock.restartCount, clock.safe == TPM2_YES};
}

Result<Bytes> random_bytes(Connection& connection, std::size_t size) {
  Bytes bytes;
  // One command gives a digest's length at most, how long that is depends on the TPM.
  while (bytes.size() < size) {
    Received<TPM2B_DIGEST> part;
    const auto missing = static_cast<UINT16>(size - bytes.size());
    const MaybeFailure failure = connection.call("TPM2_GetRandom", [&] {
      return Esys_GetRandom(connection.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                            std::min<UINT16>(missing, TPM2_SHA256_DIGEST_SIZE), part.out());
    });
    if (failure) return *failure;
    if (part->size == 0 || part->size > missing) {
      return Failure{"TPM2_GetRandom", TSS2_RC_SUCCESS, code_response, "the answer has another length"};
    }
    const Bytes read = content(*part);
    bytes.insert(bytes.end(), read.begin(), read.end());
  }
  return bytes;
}

}  // namespace writ::tpm
