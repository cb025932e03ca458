// Where the time of a start goes. Compiled in always, because only the installed program can be measured honestly; shown only
// to whoever sets WRIT_RUN_STAGES, on standard error behind the run.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace writ::run {

class Stages {
 public:
  Stages();
  // A stage has ended now.
  void pass(const char* name);
  // One line: `stages {"connect": 120, ...}`, microseconds since the stage before.
  void show() const;

 private:
  std::int64_t last_us_;
  std::vector<std::pair<const char*, std::int64_t>> passed_;
};

}  // namespace writ::run
