// A file of the plan whose bytes were digested, and cannot change any more.

#pragma once

#include <sys/stat.h>

#include <string>

#include "../../src/unique_descriptor.h"
#include "../denial.h"
#include "file_digests.h"

namespace writ::run {

class SealedFile {
 public:
  // Opens the file, and digests it: the file itself where root alone can change it, else a copy in memory that was sealed
  // before, so that a write in place during the copying is part of what is digested, and none comes behind it. Only opening
  // and reading can be denied here (SCOPE_MISMATCH; ENVIRONMENT_MISMATCH where no copy can be made).
  static Result<SealedFile> take(const std::string& path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const FileDigests& digests() const noexcept { return digests_; }
  // What was digested, for reading. Of a copy not the file of the path.
  [[nodiscard]] int bytes() const noexcept { return bytes_.get(); }
  [[nodiscard]] bool is_copy() const noexcept { return copy_; }
  // The state of the file of the path when it was opened.
  [[nodiscard]] const struct stat& facts() const noexcept { return facts_; }
  // The first bytes, at most as many as the kernel looks at (256).
  [[nodiscard]] const std::string& head() const noexcept { return head_; }

 private:
  SealedFile() = default;

  std::string path_;
  std::string head_;
  UniqueDescriptor bytes_;
  struct stat facts_ = {};
  FileDigests digests_ = {};
  bool copy_ = false;
};

}  // namespace writ::run
