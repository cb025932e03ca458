// What prepare() found and sealed: the files of a plan, and how Linux would get from the executable to what it loads.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "../governed_child.h"
#include "../plan.h"
#include "script_line.h"
#include "sealed_file.h"

namespace writ::run {

// One step of an execution: a file, and the line by which it names the next one.
struct Step {
  SealedFile file;
  // Of a script; the next step is its interpreter.
  std::optional<ScriptLine> line;
};

class Prepared {
 public:
  Prepared(const Plan& plan, std::vector<Step> steps, std::vector<SealedFile> listed);

  [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
  // The executable, the interpreter of it where it is a script, the interpreter of that, … The last one is no script.
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] const SealedFile& loaded() const noexcept { return steps_.back().file; }
  // The programs of `descend: listed`, in the plan's order.
  [[nodiscard]] const std::vector<SealedFile>& listed() const noexcept { return listed_; }

 private:
  const Plan& plan_;
  std::vector<Step> steps_;
  std::vector<SealedFile> listed_;
};

}  // namespace writ::run
