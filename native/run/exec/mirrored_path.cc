// A place for one file among links; see the header.

#include "mirrored_path.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>

namespace writ::run {

namespace {

// A directory with more entries is no place that a script would look around in, and would cost more than the start.
constexpr std::size_t max_links = 10'000;

void link_neighbours(const std::string& root, const std::string& directory, const std::string& kept) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries) return;
  const std::string original = directory == "/" ? directory : directory + "/";
  for (std::size_t links = 0; links < max_links; ++links) {
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) return;
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name == kept) continue;
    // One that is missing is found missing by who looks for it.
    static_cast<void>(::symlink((original + name).c_str(), (root + original + name).c_str()) == 0);
  }
}

}  // namespace

bool mirror_path(const std::string& root, const std::string& path) {
  std::string directory = "/";
  for (std::size_t start = 1;;) {
    const std::size_t end = path.find('/', start);
    const std::string name = path.substr(start, end - start);
    link_neighbours(root, directory, name);
    directory = path.substr(0, end);
    const std::string made = root + directory;
    // In place of the link that stands there for an earlier script.
    if (::unlink(made.c_str()) != 0 && errno != ENOENT && errno != EISDIR) return false;
    if (end == std::string::npos) return true;
    if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) return false;
    start = end + 1;
  }
}

}  // namespace writ::run
