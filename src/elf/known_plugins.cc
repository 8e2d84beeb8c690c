#include "elf/known_plugins.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "elf/glob.h"
#include "elf/known_plugin_rules.h"
#include "elf/loader_conf.h"
#include "elf/loader_words.h"

namespace vambrace::elf {
namespace {

using Places = std::vector<std::string>;

// Files that the words of one rule's configuration may name, and words of
// paths that are looked up.
constexpr std::size_t kMaxPaths = 4000;

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// The pattern with each of the values in the place of the word.
Places replaced(const Places& patterns, std::string_view word,
                const Places& values) {
  Places made;
  for (const std::string& pattern : patterns) {
    const std::size_t at = pattern.find(word);
    if (at == std::string::npos) {
      made.push_back(pattern);
      continue;
    }
    for (const std::string& value : values) {
      made.push_back(pattern.substr(0, at) + value +
                     pattern.substr(at + word.size()));
    }
  }
  return made;
}

// "3.11" of "libpython3.11.so.1.0" and of "python3.11"; "*" without a digit.
std::string version_in(std::string_view name) {
  const std::size_t begin = name.find_first_of("0123456789");
  if (begin == std::string_view::npos) {
    return "*";
  }
  name.remove_prefix(begin);
  name = name.substr(0, name.find_first_not_of("0123456789."));
  while (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  return std::string(name);
}

// A module of CPython says for which version it is, if for one alone.
bool is_for_version(std::string_view name, std::string version) {
  constexpr std::string_view kTag = ".cpython-";
  const std::size_t at = name.find(kTag);
  std::erase(version, '.');
  return at == std::string_view::npos || version == "*" ||
         name.substr(at + kTag.size()).starts_with(version + "-");
}

// One rule at work.
class Applied {
 public:
  Applied(const Root& root, const PluginQuery& query, const PluginRule& rule)
      : root_(root), query_(query), rule_(rule) {}

  // Resolved paths; none if the rule does not apply.
  std::set<std::string> files() {
    std::set<std::string> found;
    if (!applies()) {
      return found;
    }
    for (const std::string& pattern : places(rule_.files)) {
      for (const std::string& path : glob(root_, pattern)) {
        if (is_for_version(base_name(path), version_)) {
          add(path, found);
        }
      }
    }
    add_configured(found);
    return found;
  }

 private:
  bool applies() {
    bool starts = std::ranges::any_of(rule_.imports, query_.imports);
    for (const std::string& path : query_.loaded) {
      const std::string_view name = base_name(path);
      for (const std::string_view pattern : rule_.objects) {
        if (!object_ && matches(pattern, name)) {
          object_ = path;
          version_ = version_in(name);
          starts = true;
        }
      }
    }
    return starts && (rule_.if_present.empty() ||
                      std::ranges::any_of(
                          rule_.if_present, [&](std::string_view pattern) {
                            return !glob(root_, pattern).empty();
                          }));
  }

  Places places(const std::vector<std::string_view>& patterns) const {
    const std::string triplet =
        fmt::format("{}-linux-gnu", kernel::to_string(query_.arch));
    const std::string above = folder_of(folder_of(query_.program));
    Places prefixes = {"/usr", "/usr/local"};
    if (above != "/" && above.starts_with('/') &&
        std::ranges::find(prefixes, above) == prefixes.end()) {
      prefixes.push_back(above);
    }
    Places made(patterns.begin(), patterns.end());
    made = replaced(made, "{lib}",
                    {"/usr/lib/" + triplet, "/lib/" + triplet, "/usr/lib64",
                     "/lib64", "/usr/lib", "/lib", "/usr/local/lib",
                     "/usr/local/lib/" + triplet, "/usr/local/lib64"});
    made = replaced(made, "{prefix}", prefixes);
    return replaced(made, "{version}", {version_});
  }

  void add(const std::string& path, std::set<std::string>& found) const {
    if (root_.is_file(path)) {
      if (auto resolved = root_.resolve(path)) {
        found.insert(*std::move(resolved));
      }
    }
  }

  // Adds what the words of the configuration name.
  void add_configured(std::set<std::string>& found) {
    if (rule_.configs.empty()) {
      return;
    }
    bool any = false;
    std::set<std::string> words(rule_.defaults.begin(), rule_.defaults.end());
    for (const std::string& pattern : places(rule_.configs)) {
      for (const std::string& path : glob(root_, pattern)) {
        if (!any) {
          words.clear();
        }
        any = true;
        add_words(text_of(root_, path), words);
      }
    }
    Places folders;
    for (const std::string& pattern : places(rule_.folders)) {
      std::ranges::move(glob(root_, pattern), std::back_inserter(folders));
    }
    std::map<std::string, Places> names = names_in(folders);
    for (const std::string& word : words) {
      for (const std::string_view form : rule_.forms) {
        add_named(replaced({std::string(form)}, "{}", {word}).front(), folders,
                  names, found);
      }
    }
  }

  // Words of lines that are no comments: what comes after the directive, if
  // there is one.
  void add_words(std::string_view text, std::set<std::string>& words) const {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      const std::size_t first = line.find_first_not_of(" \t");
      auto parts = split(line.substr(0, line.find('#')), " \t\r=:,;\"'()[]{}");
      if (parts.empty() || line[first] == ';') {
        continue;
      }
      if (!rule_.directives.empty()) {
        if (std::ranges::none_of(rule_.directives, [&](std::string_view one) {
              return same_word(one, parts[0]);
            })) {
          continue;
        }
        parts.erase(parts.begin());
      }
      words.insert(parts.begin(), parts.end());
    }
  }

  std::map<std::string, Places> names_in(const Places& folders) const {
    std::map<std::string, Places> names;
    for (const std::string& folder : folders) {
      for (std::string& name :
           root_.list(folder).value_or(std::vector<std::string>())) {
        names[std::move(name)].push_back(folder);
      }
    }
    return names;
  }

  void add_named(const std::string& name, const Places& folders,
                 const std::map<std::string, Places>& names,
                 std::set<std::string>& found) {
    if (!name.contains('/')) {
      if (const auto in = names.find(name);
          in != names.end() && name.contains(".so")) {
        for (const std::string& folder : in->second) {
          add(folder + "/" + name, found);
        }
      }
      return;
    }
    // Of words that are paths, those of libraries alone are looked up.
    if (!name.contains(".so")) {
      return;
    }
    for (const std::string& folder : name[0] == '/' ? Places{""} : folders) {
      if (++looked_up_ <= kMaxPaths) {
        add(name[0] == '/' ? name : folder + "/" + name, found);
      }
    }
  }

  const Root& root_;
  const PluginQuery& query_;
  const PluginRule& rule_;
  std::optional<std::string> object_;
  std::string version_ = "*";
  std::size_t looked_up_ = 0;
};

}  // namespace

std::vector<Plugin> known_plugins(const Root& root, const PluginQuery& query) {
  std::map<std::string, Plugin> found;
  for (const PluginRule& rule : plugin_rules()) {
    for (const std::string& path : Applied(root, query, rule).files()) {
      if (std::ranges::find(query.loaded, path) == query.loaded.end()) {
        found.try_emplace(path,
                          Plugin{path,
                                 std::string(rule.name),
                                 std::string(rule.why),
                                 {rule.entries.begin(), rule.entries.end()}});
      }
    }
  }
  std::vector<Plugin> plugins;
  for (auto& [path, plugin] : found) {
    plugins.push_back(std::move(plugin));
  }
  return plugins;
}

}  // namespace vambrace::elf
