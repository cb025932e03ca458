// A place for one file, in which it finds around itself what lies around the original.

#pragma once

#include <string>

namespace writ::run {

// Makes below `root` the directories in which `path` (absolute, real) lies, each with symbolic links to everything that lies
// beside the next one, so that a script finds by its own path what it would have found beside the original. What cannot be
// listed, and what goes beyond a bound, is left out. False when a directory cannot be made.
bool mirror_path(const std::string& root, const std::string& path);

}  // namespace writ::run
