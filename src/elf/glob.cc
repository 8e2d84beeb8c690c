#include "elf/glob.h"

#include <algorithm>
#include <set>

namespace vambrace::elf {
namespace {

constexpr int kMaxDepth = 12;

class Globber {
 public:
  explicit Globber(const Root& root) : root_(root) {}

  // Adds what the rest of the pattern stands for below a folder.
  void walk(const std::string& folder, std::string_view rest, int depth) {
    if (found_.size() >= kMaxGlobbed || depth > kMaxDepth) {
      return;
    }
    while (rest.starts_with('/')) {
      rest.remove_prefix(1);
    }
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end);
    if (part == "**") {
      any_depth(folder, rest, depth);
    } else if (part.find_first_of("*?") == std::string_view::npos) {
      take(folder + "/" + std::string(part), rest, depth);
    } else {
      for (const std::string& name : names_of(folder)) {
        if (matches(part, name)) {
          take(folder + "/" + name, rest, depth);
        }
      }
    }
  }

  std::vector<std::string> found() const {
    return {found_.begin(), found_.end()};
  }

 private:
  void take(const std::string& path, std::string_view rest, int depth) {
    if (rest.find_first_not_of('/') != std::string_view::npos) {
      walk(path, rest, depth);
    } else if (found_.size() < kMaxGlobbed && root_.resolve(path)) {
      found_.insert(path);
    }
  }

  void any_depth(const std::string& folder, std::string_view rest, int depth) {
    walk(folder, rest, depth);
    for (const std::string& name : names_of(folder)) {
      const std::string path = folder + "/" + name;
      // A link leads to what is looked at by its own name, or round and round.
      if (depth < kMaxDepth && root_.resolve(path) == base_of(folder) + name &&
          !root_.is_file(path)) {
        any_depth(path, rest, depth + 1);
      }
    }
  }

  std::string base_of(const std::string& folder) const {
    const std::string base = root_.resolve(folder).value_or("");
    return base == "/" ? base : base + "/";
  }

  std::vector<std::string> names_of(const std::string& folder) {
    if (++looked_at_ > kMaxGlobbed) {
      return {};
    }
    return root_.list(folder.empty() ? "/" : folder)
        .value_or(std::vector<std::string>());
  }

  const Root& root_;
  std::set<std::string> found_;
  std::size_t looked_at_ = 0;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) {
    return false;
  }
  std::size_t p = 0, n = 0;
  std::size_t star = std::string_view::npos, after = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = n;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++after;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> glob(const Root& root, std::string_view pattern) {
  Globber globber(root);
  if (pattern.starts_with('/')) {
    globber.walk("", pattern, 0);
  }
  return globber.found();
}

}  // namespace vambrace::elf
