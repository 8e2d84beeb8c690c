#include "policy/apparmor/known_name.h"

#include <algorithm>

#include "policy/apparmor/known_layout.h"
#include "policy/apparmor/letters.h"
#include "policy/apparmor/variables.h"
#include "policy/unnamed.h"

namespace vambrace::policy::apparmor {
namespace {

// --- Places that say what a name is.

bool is_compressed_ending(std::string_view text) {
  return text.empty() || text == ".gz" || text == ".xz" || text == ".bz2" ||
         text == ".zst";
}

Form proven(Shape shape, Kind kind) {
  return {.shape = std::move(shape), .kind = kind, .needed = 1};
}

std::optional<Form> unnamed(std::string_view name) {
  if (!is_unnamed(name)) {
    return std::nullopt;
  }
  Shape shape = literal("#");
  shape += number();
  return proven(std::move(shape), Kind::Unnamed);
}

std::optional<Form> in_proc(std::string_view name, std::string_view directory) {
  if (!is_number(name) || name.size() > 7) {
    return std::nullopt;
  }
  if (directory == "/proc/" && name.front() != '0') {
    return proven(pid(), Kind::Pid);
  }
  if (directory == "/proc/@{pid}/task/" && name.front() != '0') {
    return proven(tid(), Kind::Pid);
  }
  if (directory.starts_with("/proc/@{pid}/") &&
      (directory.ends_with("/fd/") || directory.ends_with("/fdinfo/"))) {
    return proven(number(), Kind::Number);
  }
  return std::nullopt;
}

// A word and a number where the kernel counts devices.
std::optional<Form> counted_by_kernel(std::string_view name,
                                      std::string_view directory) {
  struct Counted {
    std::string_view directory;
    std::string_view word;
  };
  constexpr Counted kCounted[] = {
      {"/dev/pts/", ""},
      {"/sys/devices/system/cpu/", "cpu"},
      {"/sys/devices/system/node/", "node"},
      {"/sys/fs/cgroup/memory/", "memory.numa_stat"},
  };
  for (const Counted& one : kCounted) {
    if (directory == one.directory && name.starts_with(one.word) &&
        is_number(name.substr(one.word.size()))) {
      Shape shape = literal(one.word);
      shape += number();
      return proven(std::move(shape), Kind::Number);
    }
  }
  return std::nullopt;
}

std::optional<Form> library_version(std::string_view name) {
  const std::size_t so = name.find(".so.");
  if (so == name.npos) {
    return std::nullopt;
  }
  const std::string_view version = name.substr(so + 4);
  const std::string_view major = leading(version, digits());
  const std::string_view rest = version.substr(major.size());
  if (major.empty() || rest.size() < 2 || rest[0] != '.' ||
      !all_in(rest, alphanumerics() | one_of(".")) ||
      !is_number(rest.substr(1, 1))) {
    return std::nullopt;
  }
  Shape shape = literal(name.substr(0, so + 4 + major.size() + 1));
  shape += {.text = "[0-9]*",
            .pieces = {{.bytes = digits()},
                       {.bytes = no_slash(), .min = 0, .max = 0}}};
  return proven(std::move(shape), Kind::LibraryVersion);
}

std::optional<Form> log_rotation(std::string_view name,
                                 std::string_view directory) {
  const bool among_logs = directory.starts_with("/var/log/");
  for (std::size_t dot = name.find_first_of(".-", 1); dot != name.npos;
       dot = name.find_first_of(".-", dot + 1)) {
    const std::string_view stem = name.substr(0, dot + 1);
    const std::string_view rest = name.substr(dot + 1);
    if (!among_logs && stem.find(".log") == stem.npos) {
      continue;
    }
    Shape shape = literal(stem);
    std::string_view ending = rest;
    if (const auto date = leading_date(rest)) {
      shape += date->shape;
      ending.remove_prefix(date->length);
    } else if (const std::string_view count = leading(rest, digits());
               !count.empty() && count.size() <= 3 && name[dot] == '.') {
      shape += number();
      ending.remove_prefix(count.size());
    } else {
      continue;
    }
    if (is_compressed_ending(ending)) {
      shape += literal(ending);
      return proven(std::move(shape), Kind::LogRotation);
    }
  }
  return std::nullopt;
}

// --- Names with parts of their own.

// systemd-private-MACHINE-UNIT-XXXXXX, for the private /tmp of a service.
std::optional<Form> private_temp(std::string_view name,
                                 std::string_view directory) {
  constexpr std::string_view kStem = "systemd-private-";
  if (!name.starts_with(kStem) || !is_temporary_directory(directory) ||
      name.size() < kStem.size() + 32 + 2 + 6) {
    return std::nullopt;
  }
  const std::string_view boot = name.substr(kStem.size(), 32);
  const std::string_view unit =
      name.substr(kStem.size() + 32, name.size() - kStem.size() - 32 - 6);
  const std::string_view tail = name.substr(name.size() - 6);
  if (!all_in(boot, hex_digits()) || !unit.starts_with('-') ||
      !unit.ends_with('-') || !all_in(tail, alphanumerics())) {
    return std::nullopt;
  }
  Shape shape = literal(kStem);
  shape += hex(32);
  shape += literal(unit);
  shape += random(6);
  return proven(std::move(shape), Kind::TempName);
}

// The directories that Kubernetes swaps a volume's content by: ..DATE.NUMBER.
std::optional<Form> volume_directory(std::string_view name) {
  if (!name.starts_with("..")) {
    return std::nullopt;
  }
  const auto date = leading_date(name.substr(2));
  const std::string_view rest = date ? name.substr(2 + date->length) : "";
  if (!rest.starts_with('.') || !is_number(rest.substr(1)) ||
      rest.size() > 21) {
    return std::nullopt;
  }
  Shape shape = literal("..");
  shape += date->shape;
  shape += literal(".");
  shape += number();
  return proven(std::move(shape), Kind::Date);
}

// MODULE.cpython-311.pyc, and with a number behind while it is being written.
std::optional<Form> python_cache(std::string_view name,
                                 std::string_view directory) {
  if (!directory.ends_with("/__pycache__/")) {
    return std::nullopt;
  }
  const std::size_t tag = name.rfind(".cpython-");
  const std::size_t end = name.rfind(".pyc");
  if (tag == name.npos || tag == 0 || end == name.npos || end < tag) {
    return std::nullopt;
  }
  const std::string_view rest = name.substr(end + 4);
  Shape shape{.text = "*",
              .pieces = {{.bytes = no_slash(), .min = 0, .max = 0}}};
  if (rest.empty()) {
    shape += literal(name.substr(tag));
  } else if (rest.starts_with('.') && is_number(rest.substr(1)) &&
             rest.size() <= 21) {
    shape += literal(name.substr(tag, end + 5 - tag));
    shape += number();
  } else {
    return std::nullopt;
  }
  return Form{.shape = std::move(shape), .kind = Kind::Siblings, .needed = 2};
}

}  // namespace

std::optional<Form> known_form(std::string_view name, const Place& place) {
  if (auto form = unnamed(name); form && place.file) {
    return form;
  }
  const bool in_package = is_static(place.directory);
  if (auto form = in_proc(name, place.directory)) {
    return form;
  }
  if (auto form = counted_by_kernel(name, place.directory)) {
    return form;
  }
  if (in_package && place.purpose != Purpose::Write) {
    if (auto form = library_version(name)) {
      return form;
    }
  }
  if (auto form = volume_directory(name);
      form && place.purpose != Purpose::Map) {
    return form;
  }
  if (auto form = python_cache(name, place.directory)) {
    return form;
  }
  if (!in_package && place.purpose != Purpose::Map) {
    if (auto form = private_temp(name, place.directory)) {
      return form;
    }
    if (auto form = known_layout(name, place)) {
      return form;
    }
    if (auto form = log_rotation(name, place.directory)) {
      return form;
    }
  }
  return std::nullopt;
}

}  // namespace vambrace::policy::apparmor
