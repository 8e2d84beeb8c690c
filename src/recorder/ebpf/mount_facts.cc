#include "recorder/ebpf/mount_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace vambrace::recorder::ebpf {
namespace {

constexpr std::uint32_t kReadOnly = 1;
constexpr std::uint32_t kRemount = 32;
constexpr std::uint32_t kBind = 4096;
constexpr std::uint32_t kMove = 8192;
constexpr std::uint32_t kRecursive = 16384;

// security/apparmor/mount.c, audit_mnt_flags; the last three are words of newer
// versions of apparmor_parser.
constexpr std::pair<std::uint32_t, std::string_view> kWords[] = {
    {2, "nosuid"},          {4, "nodev"},
    {8, "noexec"},          {16, "sync"},
    {64, "mand"},           {128, "dirsync"},
    {256, "nosymfollow"},   {1024, "noatime"},
    {2048, "nodiratime"},   {32768, "silent"},
    {1U << 16, "acl"},      {1U << 21, "relatime"},
    {1U << 23, "iversion"}, {1U << 24, "strictatime"},
    {1U << 25, "lazytime"}, {1U << 31, "nouser"}};

// With MS_REC they begin with an r.
constexpr std::pair<std::uint32_t, std::string_view> kRecursiveWords[] = {
    {kBind, "bind"},
    {1U << 17, "unbindable"},
    {1U << 18, "private"},
    {1U << 19, "slave"},
    {1U << 20, "shared"}};

std::string_view word_of(std::uint32_t operation) {
  switch (operation) {
    case VMB_MOUNT_REMOUNT:
      return "remount";
    case VMB_MOUNT_BIND:
      return "bind";
    case VMB_MOUNT_MOVE:
      return "move";
    case VMB_MOUNT_TYPE:
      return "propagation";
    case VMB_MOUNT_UMOUNT:
      return "umount";
    case VMB_MOUNT_PIVOT:
      return "pivot_root";
    default:
      return "mount";
  }
}

// nullopt where AppArmor would be asked by no path below the root.
std::optional<std::string> place(const Raw& raw, std::uint32_t what,
                                 const vmb_path& path) {
  if (path.bytes == 0 && path.flags == 0 && what == 0) {
    return std::nullopt;
  }
  vmb_file_key key{};
  key.access = what;
  auto text = path_of(raw, key, {.tally = {}, .path = path});
  if (text && !text->starts_with('/')) {
    text.reset();
  }
  return text;
}

}  // namespace

std::vector<std::string> mount_options(std::uint32_t operation,
                                       std::uint32_t flags) {
  std::vector<std::string> words;
  if (operation == VMB_MOUNT_NEW || operation == VMB_MOUNT_REMOUNT) {
    words.emplace_back((flags & kReadOnly) != 0 ? "ro" : "rw");
  }
  std::uint32_t left = flags & ~(kReadOnly | kRemount | kMove);
  for (const auto& [bit, word] : kRecursiveWords) {
    if ((flags & bit) != 0) {
      const bool recursive = (flags & kRecursive) != 0;
      words.push_back(fmt::format("{}{}", recursive ? "r" : "", word));
      left &= ~(bit | kRecursive);
    }
  }
  for (const auto& [bit, word] : kWords) {
    if ((left & bit) != 0) {
      words.emplace_back(word);
      left &= ~bit;
    }
  }
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    if ((left & bit) != 0) {
      words.push_back(fmt::format("{:#x}", bit));
    }
  }
  std::ranges::sort(words);
  return words;
}

std::optional<std::string> written_name(const Raw& raw, const vmb_path& path) {
  if (path.bytes == 0 || (path.flags & VMB_PATH_TRUNCATED) != 0 ||
      std::size_t{path.at} + path.bytes > raw.path_bytes.size()) {
    return std::nullopt;
  }
  const std::string_view bytes =
      std::string_view(raw.path_bytes).substr(path.at, path.bytes);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

evidence::MountFact mount_fact(const Raw& raw, std::size_t row) {
  const auto& [key, mount] = raw.mounts[row];
  evidence::MountFact fact;
  fact.operation = word_of(key.operation);
  if (key.operation == VMB_MOUNT_NEW) {
    const std::string_view type(key.fstype, sizeof key.fstype);
    fact.fstype = type.substr(0, type.find('\0'));
  }
  fact.options = mount_options(key.operation, key.flags);
  if (row < raw.mount_places.size()) {
    fact.target = raw.mount_places[row].target;
    fact.source = raw.mount_places[row].source;
    return fact;
  }
  fact.target = place(raw, key.target_is, mount.target);
  fact.source = (key.source_is & VMB_FILE_NONE) != 0
                    ? std::optional<std::string>("")
                    : place(raw, key.source_is, mount.source);
  return fact;
}

evidence::Side side_of(const vmb_other_key& key) {
  return key.family == VMB_SIDE_PROGRAM   ? evidence::Side::Program
         : key.family == VMB_SIDE_OUTSIDE ? evidence::Side::Outside
                                          : evidence::Side::Unknown;
}

evidence::TraceFact trace_fact(const Raw& raw, const vmb_other_key& key) {
  evidence::TraceFact fact;
  fact.access = key.type == VMB_TRACE_READ ? "read" : "trace";
  if (key.family == VMB_SIDE_OUTSIDE) {
    fact.other = evidence::Side::Outside;
  } else if (key.family == VMB_SIDE_PROGRAM && key.protocol != 0 &&
             key.protocol < raw.images.size()) {
    fact.other = evidence::Side::Program;
    fact.exe = path_of(raw.images[key.protocol]);
  }
  return fact;
}

}  // namespace vambrace::recorder::ebpf
