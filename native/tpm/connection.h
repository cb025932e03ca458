// A connection to one TPM: the transport (TCTI) and the ESAPI context over it, opened and closed together.

#pragma once

#include <tss2/tss2_esys.h>

#include <memory>
#include <string>
#include <utility>

#include "result.h"

namespace writ::tpm {

class Connection {
 public:
  // `tcti`: "device:/path" or "swtpm:path=/path", nothing else. Sends nothing to the TPM. Several connections to a
  // swtpm take turns command by command, and share its few slots: there is no resource manager.
  static Result<std::unique_ptr<Connection>> open(const std::string& tcti);

  // Whether open() takes the text: the loader would give any other name to dlopen(3).
  static bool understands(const std::string& tcti);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] ESYS_CONTEXT* esys() const noexcept { return esys_; }

  // Sends one command: `send` calls one Esys_* function and returns its code. "Not now" of the TPM (retry, yielded,
  // testing, NV rate, no room) is answered with the same command after a pause, a few times. Once the transport has failed,
  // nothing is sent any more: the answers that are still under way would be taken for later commands'.
  template <typename Send>
  MaybeFailure call(const char* command, Send send) {
    for (unsigned attempt = 0;; attempt++) {
      if (broken_ != TSS2_RC_SUCCESS) return Failure{command, broken_};
      const TSS2_RC rc = send();
      if (rc == TSS2_RC_SUCCESS) return std::nullopt;
      note(rc);
      if (!pause_before_retry(rc, attempt)) return Failure{command, rc};
    }
  }

  // Removes a transient object or a session from the TPM. What fails is kept for unflushed(): destructors call this.
  void flush(ESYS_TR handle) noexcept;

  // The failure to flush something since the last call of this function: the TPM may hold it still.
  [[nodiscard]] MaybeFailure take_unflushed() noexcept { return std::exchange(unflushed_, std::nullopt); }

 private:
  Connection(TSS2_TCTI_CONTEXT* tcti, ESYS_CONTEXT* esys) noexcept : tcti_(tcti), esys_(esys) {}

  void note(TSS2_RC rc) noexcept;
  static bool pause_before_retry(TSS2_RC rc, unsigned attempt) noexcept;

  TSS2_TCTI_CONTEXT* tcti_;
  ESYS_CONTEXT* esys_;
  TSS2_RC broken_ = TSS2_RC_SUCCESS;
  MaybeFailure unflushed_;
};

}  // namespace writ::tpm
