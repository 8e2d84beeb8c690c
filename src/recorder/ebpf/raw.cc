#include "recorder/ebpf/raw.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace vambrace::recorder::ebpf {
namespace {

template <class Key>
void add(Table<Key, vmb_tally>& table, const Key& key, std::uint64_t count,
         std::uint64_t last) {
  table.emplace_back(key, vmb_tally{count, last, last});
}

template <class Key>
std::string bytes_of(const Key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof key};
}

using Parts = std::vector<std::string_view>;

// The names of a path, leaf first, each ended by NUL.
Parts parts_of(std::string_view bytes) {
  Parts parts;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\0', at);
    const std::size_t stop = end == std::string_view::npos ? bytes.size() : end;
    // The root of a file system that is mounted nowhere is called "/".
    if (const auto part = bytes.substr(at, stop - at); part != "/") {
      parts.push_back(part);
    }
    at = stop + 1;
  }
  return parts;
}

std::string join(const Parts& parts) {
  std::string path;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    path += '/';
    path += *part;
  }
  return path;
}

// When the jiffies had these low 32 bits.
std::uint64_t ktime_of(const Raw& raw, std::uint32_t jiffies,
                       std::uint64_t tick) {
  // Signed, so that calls before the moment are right too.
  const auto since = static_cast<std::int32_t>(
      jiffies - static_cast<std::uint32_t>(raw.counters.moment_jiffies));
  return raw.counters.moment_ktime +
         static_cast<std::uint64_t>(std::int64_t{since} *
                                    static_cast<std::int64_t>(tick));
}

}  // namespace

void add_slot(Raw& raw, const vmb_slot& slot, std::uint32_t native_arch,
              std::uint64_t tick) {
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
        ktime_of(raw, cell.last, tick));
    last = std::max(last, ktime_of(raw, cell.last, tick));
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

void add_seen(Raw& raw, std::span<const vmb_seen_files> seen,
              std::uint64_t tick) {
  std::unordered_map<std::string, vmb_path> paths;
  for (const auto& [key, file] : raw.files) {
    paths.emplace(bytes_of(key), file.path);
  }
  for (const vmb_seen_files& files : seen) {
    for (const vmb_seen& file : files.file) {
      if (file.count == 0) {
        continue;
      }
      const auto found = paths.find(bytes_of(file.key));
      if (found == paths.end()) {
        raw.counters.files_refused += file.count;
        continue;
      }
      const std::uint64_t last = ktime_of(raw, file.last, tick);
      raw.files.emplace_back(file.key,
                             vmb_file{{file.count, last, last}, found->second});
    }
  }
}

void add_checks(Raw& raw, std::span<const vmb_checks> checks,
                std::uint64_t tick) {
  std::unordered_map<std::string, vmb_tally*> rows;
  for (auto& [key, tally] : raw.caps) {
    rows.emplace(bytes_of(key), &tally);
  }
  for (const vmb_checks& all : checks) {
    for (const vmb_check& check : all.check) {
      if (check.count == 0) {
        continue;
      }
      const auto found = rows.find(bytes_of(check.key));
      if (found == rows.end()) {
        raw.counters.caps_refused += check.count;
        continue;
      }
      found->second->count += check.count;
      found->second->last =
          std::max(found->second->last, ktime_of(raw, check.last, tick));
    }
  }
}

bool is_program(const Raw& raw, std::uint32_t image) {
  return image < raw.images.size() &&
         (raw.images[image].key.kind == VMB_IMAGE_EXEC ||
          raw.images[image].key.kind == VMB_IMAGE_LATE ||
          raw.images[image].key.kind == VMB_IMAGE_MOVED);
}

std::string path_of(const vmb_image& image) {
  const std::size_t used =
      std::min<std::size_t>(image.path_bytes, VMB_PATH_BYTES);
  std::string path = join(parts_of(std::string_view(image.path, used)));
  return path.empty() ? "/" : path;
}

std::optional<std::string> path_of(const Raw& raw, const vmb_file_key& key,
                                   const vmb_file& file) {
  if ((file.path.flags & VMB_PATH_TRUNCATED) != 0 ||
      std::size_t{file.path.at} + file.path.bytes > raw.path_bytes.size()) {
    return std::nullopt;
  }
  if (const auto found = raw.followed.find({file.path.at, key.access});
      found != raw.followed.end()) {
    return found->second;
  }
  Parts parts = parts_of(
      std::string_view(raw.path_bytes).substr(file.path.at, file.path.bytes));
  if ((key.access & VMB_FILE_INTERNAL) != 0) {
    // The name, and the type of the file system.
    std::string text;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      text += *part;
      text += part == parts.rbegin() ? ":" : "";
    }
    return text;
  }
  std::string path = join(parts);
  if (path.empty() || (key.access & VMB_FILE_FOLDER) != 0) {
    path += '/';
  }
  return (file.path.flags & VMB_PATH_DISCONNECTED) != 0 ? "disconnected:" + path
                                                        : path;
}

std::string letters_of(std::uint32_t access) {
  constexpr std::pair<std::uint32_t, char> kLetters[] = {
      {VMB_ACCESS_APPEND, 'a'}, {VMB_ACCESS_CREATE, 'c'},
      {VMB_ACCESS_DELETE, 'd'}, {VMB_ACCESS_INHERIT, 'i'},
      {VMB_ACCESS_LOCK, 'k'},   {VMB_ACCESS_LINK, 'l'},
      {VMB_ACCESS_MAP, 'm'},    {VMB_ACCESS_CHOWN, 'o'},
      {VMB_ACCESS_CHMOD, 'p'},  {VMB_ACCESS_READ, 'r'},
      {VMB_ACCESS_WRITE, 'w'},  {VMB_ACCESS_EXECUTE, 'x'}};
  std::string letters;
  for (const auto& [bit, letter] : kLetters) {
    if ((access & bit) != 0) {
      letters += letter;
    }
  }
  return letters;
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
