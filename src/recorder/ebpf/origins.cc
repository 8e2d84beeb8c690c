#include "recorder/ebpf/origins.h"

#include <algorithm>
#include <string_view>

namespace vambrace::recorder::ebpf {
namespace {

using evidence::Origin;
using evidence::ProcessKey;

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

template <std::size_t N>
std::string bounded(const char (&bytes)[N]) {
  const std::string_view all(bytes, N);
  return std::string(all.substr(0, all.find('\0')));
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

bool same_program(const vmb_image& a, const vmb_image& b) {
  return a.key.inode == b.key.inode && a.key.device == b.key.device &&
         script_of(a) == script_of(b);
}

bool is_entry(const vmb_image& image) {
  return image.key.kind == VMB_IMAGE_ENTRY_FIRST ||
         image.key.kind == VMB_IMAGE_ENTRY_LATER ||
         image.key.kind == VMB_IMAGE_FILTERED_FIRST ||
         image.key.kind == VMB_IMAGE_FILTERED_LATER;
}

// One that never gets as far as its execve, because the program is missing, is
// still no program of the workload. runc runs from a copy of itself in memory,
// whose name holds a path.
bool is_runtime(const vmb_image& image) {
  const std::string path = path_of(image);
  const std::string_view name = base_name(path);
  return name.starts_with("runc") || name.ends_with("runc") || name == "crun" ||
         name == "youki" || name == "runsc" || path.contains("runc_cloned");
}

class Images {
 public:
  Images(const Raw& raw, const std::set<std::string>& probes)
      : raw_(raw), probes_(probes) {}

  const vmb_image* at(std::uint32_t number) const {
    if (number == 0 || number >= raw_.images.size()) {
      return nullptr;
    }
    const vmb_image& image = raw_.images[number];
    return (image.flags & VMB_IMAGE_READY) != 0 ? &image : nullptr;
  }

  // The image that the first process of the scope ended its execs with.
  const vmb_image* main_of(std::uint32_t scope) const {
    return scope < raw_.scopes.size() ? at(raw_.scopes[scope].main_image)
                                      : nullptr;
  }

  Origin origin(const vmb_image& image) const {
    if (image.key.scope == 0) {
      return Origin::Harness;
    }
    switch (image.key.kind) {
      case VMB_IMAGE_LAUNCHER:
      case VMB_IMAGE_ENTRY_FIRST:
      case VMB_IMAGE_ENTRY_LATER:
      case VMB_IMAGE_FILTERED_FIRST:
      case VMB_IMAGE_FILTERED_LATER:
        return Origin::Runtime;
      default:
        break;
    }
    if (const auto entered = entry(image)) {
      return *entered;
    }
    const vmb_image* main = main_of(image.key.scope);
    return main != nullptr && same_program(*main, image) ? Origin::App
                                                         : Origin::Helper;
  }

 private:
  // Session or Probe if the image descends from a later entry of its scope.
  std::optional<Origin> entry(const vmb_image& image) const {
    const vmb_image* below = &image;
    for (std::uint32_t steps = 0; steps <= 2 * VMB_MAX_DEPTH; ++steps) {
      const vmb_image* above = at(below->key.parent);
      if (above == nullptr || above->key.scope != image.key.scope) {
        return std::nullopt;
      }
      if (above->key.kind == VMB_IMAGE_ENTRY_LATER ||
          above->key.kind == VMB_IMAGE_FILTERED_LATER) {
        return probes_.contains(join(words_of(*below))) ? Origin::Probe
                                                        : Origin::Session;
      }
      below = above;
    }
    return std::nullopt;
  }

  const Raw& raw_;
  const std::set<std::string>& probes_;
};

}  // namespace

void tell_moved(Raw& raw) {
  const auto executes = [&](const vmb_image& entry) {
    return std::ranges::any_of(raw.images, [&](const vmb_image& image) {
      return image.key.kind == VMB_IMAGE_EXEC && image.tgid == entry.tgid &&
             image.key.scope == entry.key.scope;
    });
  };
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    vmb_image& image = raw.images[number];
    if (!is_entry(image) || is_runtime(image) || executes(image)) {
      continue;
    }
    if ((image.key.kind == VMB_IMAGE_ENTRY_FIRST ||
         image.key.kind == VMB_IMAGE_FILTERED_FIRST) &&
        image.key.scope < raw.scopes.size()) {
      raw.scopes[image.key.scope].main_image = number;
    }
    image.key.kind = VMB_IMAGE_MOVED;
  }
}

std::string script_of(const vmb_image& image) {
  switch (image.key.kind) {
    case VMB_IMAGE_ENTRY_FIRST:
      return std::string(evidence::kBeforeFilter);
    case VMB_IMAGE_FILTERED_FIRST:
      return std::string(evidence::kAfterFilter);
    case VMB_IMAGE_ENTRY_LATER:
      return std::string(evidence::kExecBeforeFilter);
    case VMB_IMAGE_FILTERED_LATER:
      return std::string(evidence::kExecAfterFilter);
    default:
      break;
  }
  const std::vector<std::string> words = words_of(image);
  if ((image.flags & VMB_IMAGE_SCRIPT) != 0) {
    return bounded(image.filename);
  }
  if ((image.flags & VMB_IMAGE_INTERPRETER) != 0 && words.size() > 1 &&
      !words[1].empty() && words[1][0] != '-') {
    return words[1];
  }
  if (words.empty() || image.key.kind != VMB_IMAGE_EXEC) {
    return "";
  }
  std::string_view name = base_name(words[0]);
  if (!name.empty() && name[0] == '-') {
    name.remove_prefix(1);  // a login shell
  }
  return name == base_name(path_of(image)) ? "" : std::string(name);
}

std::vector<std::optional<ProcessKey>> process_keys(
    const Raw& raw, std::uint32_t scope, bool with_harness,
    const std::set<std::string>& probe_commands) {
  const Images images(raw, probe_commands);
  std::vector<std::optional<ProcessKey>> keys(raw.images.size());
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    const vmb_image* image = images.at(number);
    if (image == nullptr || (image->key.scope != scope &&
                             !(with_harness && image->key.scope == 0))) {
      continue;
    }
    ProcessKey key;
    key.exe = path_of(*image);
    if (const auto found = raw.build_ids.find(number);
        found != raw.build_ids.end()) {
      key.build_id = found->second;
    }
    key.script = script_of(*image);
    key.origin = images.origin(*image);
    if (const vmb_image* parent = images.at(image->key.parent)) {
      key.parent = path_of(*parent);
    }
    keys[number] = std::move(key);
  }
  return keys;
}

}  // namespace vambrace::recorder::ebpf
