// Locations; see the header.

#include "ask/locations.h"

#include <limits.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "ask/config_file.h"
#include "ask/small_file.h"
#include "verify/note.h"

namespace writ::run {

namespace {

// What a socket's address holds (unix(7): 108 bytes with the final NUL).
constexpr std::size_t max_socket_path_bytes = 107;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// A checkout has sources beside its package.json; an installation has not.
bool is_checkout(const std::string& root) {
  if (!exists(root + "/package.json") || !exists(root + "/src")) return false;
  const Read<Json> manifest = read_json_file(root + "/package.json");
  const Json* name = manifest ? manifest->find("name") : nullptr;
  return name != nullptr && *name == Json("writ");
}

// Absolute and without `.` and `..`, as node:path resolves: by text alone.
std::string resolved(const std::string& path) {
  std::string whole = path;
  if (path.empty() || path.front() != '/') {
    char directory[PATH_MAX];
    if (::getcwd(directory, sizeof directory) != nullptr) whole = std::string(directory) + "/" + path;
  }
  std::vector<std::string_view> kept;
  for (const std::string_view part : split(whole, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") kept.push_back(part);
    else if (!kept.empty()) kept.pop_back();
  }
  std::string text;
  for (const std::string_view part : kept) text.append("/").append(part);
  return text.empty() ? "/" : text;
}

// What holds without a configuration file.
Locations default_locations(const std::optional<std::string>& home, const std::string& root) {
  const std::optional<std::string> socket = variable("WRIT_SOCKET");
  if (!home && !is_checkout(root)) return {socket.value_or("/run/writ/writ.sock"), "/var/lib/writ"};
  const std::string state = home.value_or(root + "/.writ");
  return {socket.value_or(state + "/writ.sock"), state};
}

}  // namespace

std::string installation_root() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof path)) return "/";
  return resolved(std::string(path, static_cast<std::size_t>(length)) + "/../../../..");
}

Step<Locations> find_locations(const Options& options, const std::string& root) {
  const std::optional<std::string> home = options.state ? resolved(*options.state) : variable("WRIT_HOME");
  const Locations located = default_locations(home, root);
  const std::optional<std::string> named = variable("WRIT_CONFIG");
  const std::string path = named.value_or(located.state + "/writ.toml");
  if (!named && !exists(path)) return Locations{resolved(options.socket.value_or(located.socket)), located.state};
  const Read<ConfigFile> config = read_config_file(path);
  if (!config) return usage_error(config.why());
  const std::string state = resolved(home ? *home : config->state.value_or(located.state));
  const std::string listed = config->socket.value_or(default_locations(state, root).socket);
  const std::string socket = resolved(options.socket.value_or(variable("WRIT_SOCKET").value_or(listed)));
  if (socket.size() > max_socket_path_bytes)
    return usage_error("the socket path " + socket + " has " + std::to_string(socket.size()) + " bytes, at most " +
                       std::to_string(max_socket_path_bytes) + " are possible; choose a shorter one");
  return Locations{socket, state};
}

}  // namespace writ::run
