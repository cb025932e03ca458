// Stages; see the header.

#include "ask/stages.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>

#include "format/json.h"

namespace writ::run {

namespace {

std::int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

Stages::Stages() : last_us_(now_us()) {}

void Stages::pass(const char* name) {
  const std::int64_t now = now_us();
  passed_.emplace_back(name, now - last_us_);
  last_us_ = now;
}

void Stages::show() const {
  if (std::getenv("WRIT_RUN_STAGES") == nullptr) return;
  Json::Object stages;
  for (const auto& [name, took_us] : passed_) stages.emplace_back(name, Json(static_cast<double>(took_us)));
  std::fprintf(stderr, "stages %s\n", canonical_json(Json(std::move(stages))).c_str());
}

}  // namespace writ::run
