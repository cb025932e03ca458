// A connection to one TPM; see the header.

#include "connection.h"

#include <time.h>

#include <new>

#include <tss2/tss2_tctildr.h>

#include "failure.h"

namespace writ::tpm {

namespace {

bool begins_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

// Pauses double from 10 ms: 2.5 s in all. A self-test of a slow chip takes about a second.
constexpr unsigned retries = 8;
constexpr long first_pause_ns = 10'000'000;

void sleep_ns(long duration_ns) noexcept {
  timespec left{duration_ns / 1'000'000'000, duration_ns % 1'000'000'000};
  // Woken early it sleeps on for what is left.
  while (::nanosleep(&left, &left) != 0) continue;
}

}  // namespace

bool Connection::understands(const std::string& tcti) {
  // A comma would begin another setting of the swtpm transport.
  if (tcti.find('\0') != std::string::npos || tcti.find(',') != std::string::npos) return false;
  return begins_with(tcti, "device:/") || begins_with(tcti, "swtpm:path=/");
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& tcti) {
  TSS2_TCTI_CONTEXT* transport = nullptr;
  TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti.c_str(), &transport);
  // Whatever keeps us from the device or socket: there is no TPM behind that name now.
  if (rc != TSS2_RC_SUCCESS) return Failure{"open", rc, code_gone};
  ESYS_CONTEXT* esys = nullptr;
  rc = Esys_Initialize(&esys, transport, nullptr);
  if (rc != TSS2_RC_SUCCESS) {
    Tss2_TctiLdr_Finalize(&transport);
    return Failure{"open", rc};
  }
  return std::unique_ptr<Connection>(new Connection(transport, esys));
}

Connection::~Connection() {
  Esys_Finalize(&esys_);
  Tss2_TctiLdr_Finalize(&tcti_);
}

void Connection::flush(ESYS_TR handle) noexcept {
  const MaybeFailure failure = call("TPM2_FlushContext", [&] { return Esys_FlushContext(esys_, handle); });
  if (failure && !unflushed_) unflushed_ = failure;
}

void Connection::note(TSS2_RC rc) noexcept {
  if (is_transport_failure(rc)) broken_ = rc;
}

bool Connection::pause_before_retry(TSS2_RC rc, unsigned attempt) noexcept {
  if (attempt >= retries || !asks_for_retry(rc)) return false;
  sleep_ns(first_pause_ns << attempt);
  return true;
}

}  // namespace writ::tpm
