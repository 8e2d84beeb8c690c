#pragma once

#include <string_view>

// Paths of the evidence: absolute, without "." and "..", a folder with a slash
// at its end.
namespace vambrace::policy::securitycontext {

inline bool is_folder(std::string_view path) {
  return path.ends_with('/');
}

inline std::string_view bare(std::string_view path) {
  return path.size() > 1 && is_folder(path) ? path.substr(0, path.size() - 1)
                                            : path;
}

// Of a path without a slash at its end.
inline std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/"
                                                       : path.substr(0, slash);
}

inline bool is_below(std::string_view path, std::string_view folder) {
  return folder == "/" ||
         (path.starts_with(folder) && path.size() > folder.size() &&
          path[folder.size()] == '/');
}

// Empty at each start by custom: what is below /tmp and /var/tmp is listed as
// these, and what is in /run is of one boot (hier(7)).
inline bool is_scratch(std::string_view folder) {
  return folder == "/tmp" || folder == "/var/tmp" || folder == "/run" ||
         is_below(folder, "/run");
}

}  // namespace vambrace::policy::securitycontext
