// Handles of things in the TPM, owned: what was loaded is flushed whichever way a function is left, so that none of the
// chip's few slots (three for objects, by the platform profiles) is ever lost.

#pragma once

#include <tss2/tss2_esys.h>

#include <utility>

#include "connection.h"
#include "result.h"

namespace writ::tpm {

class OwnedHandle {
 public:
  enum class Kind {
    loaded,    // a transient object or a session: to be flushed
    resident,  // a persistent object or an NV index: stays in the TPM, only our note of it is dropped
  };

  OwnedHandle(Connection& connection, ESYS_TR handle, Kind kind) noexcept
      : connection_(&connection), handle_(handle), kind_(kind) {}
  OwnedHandle(const OwnedHandle&) = delete;
  OwnedHandle& operator=(const OwnedHandle&) = delete;
  OwnedHandle(OwnedHandle&& other) noexcept
      : connection_(other.connection_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)), kind_(other.kind_) {}
  OwnedHandle& operator=(OwnedHandle&&) = delete;
  ~OwnedHandle();

  [[nodiscard]] ESYS_TR get() const noexcept { return handle_; }
  // For commands that remove the thing themselves: they drop the note as well.
  [[nodiscard]] ESYS_TR release() noexcept { return std::exchange(handle_, ESYS_TR_NONE); }

 private:
  Connection* connection_;
  ESYS_TR handle_;
  Kind kind_;
};

// Something resident by its number in the TPM (0x81... persistent objects, 0x01... NV indexes). TPM_ABSENT: there is
// nothing under that number.
Result<OwnedHandle> find_resident(Connection& connection, TPM2_HANDLE number);

// What an Esys_* function allocated for us.
template <typename T>
class Received {
 public:
  Received() noexcept = default;
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  ~Received() { Esys_Free(value_); }

  // Where a function puts its result; an earlier one is freed.
  [[nodiscard]] T** out() noexcept {
    Esys_Free(std::exchange(value_, nullptr));
    return &value_;
  }
  [[nodiscard]] T* get() const noexcept { return value_; }
  T* operator->() const noexcept { return value_; }
  T& operator*() const noexcept { return *value_; }

 private:
  T* value_ = nullptr;
};

}  // namespace writ::tpm
