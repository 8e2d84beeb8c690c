#include "recorder/ebpf/raw.h"

#include <algorithm>
#include <string_view>

namespace vambrace::recorder::ebpf {
namespace {

template <class Key>
void add(Table<Key, vmb_tally>& table, const Key& key, std::uint64_t count,
         std::uint64_t last) {
  table.emplace_back(key, vmb_tally{count, last, last});
}

}  // namespace

void add_slot(Raw& raw, const vmb_slot& slot, std::uint32_t native_arch,
              std::uint64_t tick) {
  // Both ends are the low 32 bits of jiffies: the difference is signed, so that
  // calls before the moment are right too.
  const auto ktime = [&](std::uint32_t jiffies) {
    const auto since = static_cast<std::int32_t>(
        jiffies - static_cast<std::uint32_t>(raw.counters.moment_jiffies));
    return raw.counters.moment_ktime +
           static_cast<std::uint64_t>(std::int64_t{since} *
                                      static_cast<std::int64_t>(tick));
  };
  // Still inside a call whose memory was to be read at its exit.
  if ((slot.pending & VMB_PENDING_UNREAD) != 0) {
    ++raw.counters.user_reads_failed;
    if (slot.scope < raw.scopes.size()) {
      ++raw.scopes[slot.scope].reads_failed;
    }
  }
  std::uint64_t last = raw.counters.moment_ktime;
  for (std::uint32_t nr = 0; nr < VMB_NATIVE_CALLS; ++nr) {
    const vmb_cell& cell = slot.cells[nr];
    const std::uint32_t calls = vmb_calls_in(cell.count);
    if (calls == 0) {
      continue;
    }
    add(raw.facts, vmb_fact_key{slot.image, slot.phase, native_arch, nr}, calls,
        ktime(cell.last));
    last = std::max(last, ktime(cell.last));
  }
  for (const vmb_errno_cell& failed : slot.errnos) {
    if (failed.key == 0) {
      continue;
    }
    add(raw.errnos,
        vmb_errno_key{slot.image, native_arch, failed.key & 0xffff,
                      failed.key >> 16, 0},
        failed.count, last);
  }
}

std::string path_of(const vmb_image& image) {
  std::vector<std::string_view> parts;
  const std::size_t used =
      std::min<std::size_t>(image.path_bytes, VMB_PATH_BYTES);
  const std::string_view bytes(image.path, used);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\0', at);
    const std::size_t stop = end == std::string_view::npos ? bytes.size() : end;
    // The root of a file system that is mounted nowhere is called "/".
    if (const auto part = bytes.substr(at, stop - at); part != "/") {
      parts.push_back(part);
    }
    at = stop + 1;
  }
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    path += '/';
    path += *part;
  }
  return path.empty() ? "/" : path;
}

std::string path_of(const vmb_scope& scope) {
  const std::string_view all(scope.path, VMB_NAME_BYTES);
  return std::string(all.substr(0, all.find('\0')));
}

std::vector<std::string> words_of(const vmb_image& image) {
  std::vector<std::string> words;
  const std::string_view bytes(image.args, VMB_NAME_BYTES);
  for (std::size_t at = 0; at < bytes.size() && bytes[at] != '\0';) {
    const std::size_t end = bytes.find('\0', at);
    const std::size_t stop = end == std::string_view::npos ? bytes.size() : end;
    words.emplace_back(bytes.substr(at, stop - at));
    at = stop + 1;
  }
  return words;
}

}  // namespace vambrace::recorder::ebpf
