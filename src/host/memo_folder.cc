#include "host/memo_folder.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "host/disk_files.h"

namespace vambrace {
namespace {

constexpr std::string_view kSuffix = ".memo";
constexpr std::size_t kDigits = 64;

std::string file_name(const std::string& name) {
  return name + std::string(kSuffix);
}

// A memo, or what is left of one whose writer was killed: ".NAME.memo.XXXXXX".
bool is_ours(std::string_view name) {
  const bool rest = name.starts_with('.');
  if (rest) {
    name.remove_prefix(1);
  }
  const std::size_t size = kDigits + kSuffix.size();
  return name.substr(0, kDigits).find_first_not_of("0123456789abcdef") ==
             std::string_view::npos &&
         name.size() == size + (rest ? 7 : 0) &&
         name.substr(kDigits, kSuffix.size()) == kSuffix;
}

std::string place_of(const Fd& folder) {
  return fmt::format("/proc/self/fd/{}", folder.get());
}

// Only what its user alone may have written.
Result<> check_owner(const Fd& fd, const std::string& path, mode_t type) {
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) {
    return std::unexpected(system_error("stat " + path, errno));
  }
  if ((status.st_mode & S_IFMT) != type) {
    return fail(ErrorCode::InvalidInput, "{}: not a {}", path,
                type == S_IFDIR ? "folder" : "regular file");
  }
  if (status.st_uid != ::geteuid()) {
    return fail(ErrorCode::Denied, "{}: belongs to another user", path);
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(ErrorCode::Denied, "{}: others may write it", path);
  }
  return {};
}

// Missing folders, for their owner alone. None is made where another user than
// root is at home: what root leaves there is in that user's way.
Result<> make_folders(const std::filesystem::path& folder) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) == 0) {
    return {};
  }
  const std::filesystem::path above =
      folder.has_parent_path() ? folder.parent_path() : ".";
  if (above != folder) {
    TRY(make_folders(above));
  }
  if (::stat(above.c_str(), &status) == 0 && status.st_uid != 0 &&
      status.st_uid != ::geteuid()) {
    return fail(ErrorCode::Denied,
                "{}: belongs to another user, so that no folder is made in it",
                above.string());
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(system_error("create " + folder.string(), errno));
  }
  return {};
}

struct Kept {
  std::int64_t used = 0;  // nanoseconds of the clock of files
  std::string name;
  std::uint64_t bytes = 0;
};

std::vector<Kept> kept_in(const Fd& folder) {
  std::vector<Kept> all;
  std::error_code error;
  std::filesystem::directory_iterator entry(place_of(folder), error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    struct stat status = {};
    if (is_ours(name) && ::fstatat(folder.get(), name.c_str(), &status,
                                   AT_SYMLINK_NOFOLLOW) == 0) {
      all.push_back({.used = status.st_mtim.tv_sec * 1'000'000'000 +
                             status.st_mtim.tv_nsec,
                     .name = name,
                     .bytes = static_cast<std::uint64_t>(status.st_size)});
    }
  }
  return all;
}

// Removes what was not used for the longest time.
void make_room(const Fd& folder, std::uint64_t limit) {
  std::vector<Kept> all = kept_in(folder);
  std::uint64_t bytes = 0;
  for (const Kept& one : all) {
    bytes += one.bytes;
  }
  if (bytes <= limit) {
    return;
  }
  std::ranges::sort(all, {}, [](const Kept& one) {
    return std::pair(one.used, std::string_view(one.name));
  });
  for (const Kept& one : all) {
    if (bytes <= limit) {
      return;
    }
    ::unlinkat(folder.get(), one.name.c_str(), 0);
    bytes -= one.bytes;
  }
}

// The build id among the notes of a loaded file, as it is in memory; empty:
// none.
std::string_view build_id_in(std::string_view notes) {
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note{};
    std::memcpy(&note, notes.data(), sizeof note);
    const std::size_t name = (std::size_t{note.n_namesz} + 3) & ~std::size_t{3};
    const std::size_t rest = sizeof note + name;
    const std::size_t whole =
        rest + ((std::size_t{note.n_descsz} + 3) & ~std::size_t{3});
    if (whole > notes.size()) {
      break;
    }
    if (note.n_type == NT_GNU_BUILD_ID &&
        notes.substr(sizeof note, 4) == std::string_view("GNU\0", 4)) {
      return notes.substr(rest, note.n_descsz);
    }
    notes.remove_prefix(whole);
  }
  return {};
}

int add_build(dl_phdr_info* file, std::size_t /*size*/, void* data) {
  std::string& builds = *static_cast<std::string*>(data);
  // The kernel's own: none of what analyzes.
  if (std::string_view(file->dlpi_name).starts_with("linux-vdso")) {
    return 0;
  }
  for (int i = 0; i < file->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = file->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) {
      continue;
    }
    // Where the loader put it is known as a number alone.
    const auto* notes =
        reinterpret_cast<const char*>(file->dlpi_addr + header.p_vaddr);
    const std::string_view id = build_id_in({notes, header.p_memsz});
    for (const char byte : id) {
      builds += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    }
    if (!id.empty()) {
      builds += ' ';
      return 0;
    }
  }
  builds.clear();
  return 1;
}

}  // namespace

MemoFolder::MemoFolder(std::string folder, Tell tell, std::uint64_t limit)
    : folder_(std::move(folder)), tell_(std::move(tell)), limit_(limit) {}

std::optional<std::string> MemoFolder::find(const std::string& name) {
  auto bytes = read(name);
  if (bytes) {
    return *std::move(bytes);
  }
  if (bytes.error().code() != ErrorCode::NotFound) {
    tell(bytes.error());
  }
  return std::nullopt;
}

void MemoFolder::keep(const std::string& name, std::string_view bytes) {
  if (auto done = write(name, bytes); !done) {
    tell(done.error());
  }
}

void MemoFolder::tell(const Error& error) {
  if (tell_) {
    std::call_once(told_, tell_, error);
  }
}

Result<Fd> MemoFolder::open_folder() const {
  Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) {
    return std::unexpected(system_error("open " + folder_, errno));
  }
  TRY(check_owner(folder, folder_, S_IFDIR));
  return folder;
}

Result<std::string> MemoFolder::read(const std::string& name) const {
  TRY_ASSIGN(const Fd folder, open_folder());
  const std::string path = folder_ + "/" + file_name(name);
  const Fd file(::openat(folder.get(), file_name(name).c_str(),
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    return std::unexpected(system_error("open " + path, errno));
  }
  TRY(check_owner(file, path, S_IFREG));
  TRY_ASSIGN(std::string bytes,
             DiskFiles().read(place_of(file), elf::kMaxMemoBytes));
  // Used now; where that cannot be noted, it is the first to go.
  static_cast<void>(::futimens(file.get(), nullptr));
  return bytes;
}

Result<> MemoFolder::write(const std::string& name,
                           std::string_view bytes) const {
  TRY(make_folders(std::filesystem::path(folder_).lexically_normal()));
  TRY_ASSIGN(const Fd folder, open_folder());
  // By the folder that was looked at, whatever its name leads to by now.
  TRY(during(
      "keep the answer in " + folder_,
      DiskFiles().write(place_of(folder) + "/" + file_name(name), bytes)));
  make_room(folder, limit_);
  return {};
}

std::string loaded_builds() {
  std::string builds;
  ::dl_iterate_phdr(&add_build, &builds);
  return builds;
}

}  // namespace vambrace
