#include "elf/library_search.h"

#include <algorithm>

#include "elf/loader_cache.h"
#include "elf/loader_conf.h"
#include "elf/loader_words.h"

namespace vambrace::elf {
namespace {

constexpr std::uint64_t kMaxCache = 16U << 20;
constexpr std::size_t kMaxFolders = 1000;

// Below a folder of libraries, those for some processors; the first are of
// glibc 2.33 and later, the others of glibc up to 2.36.
constexpr std::string_view kProcessorFolders[] = {
    "glibc-hwcaps/x86-64-v4",
    "glibc-hwcaps/x86-64-v3",
    "glibc-hwcaps/x86-64-v2",
    "tls/haswell/x86_64",
    "tls/haswell",
    "tls/x86_64",
    "tls",
    "haswell/avx512_1/x86_64",
    "haswell/avx512_1",
    "haswell/x86_64",
    "haswell",
    "x86_64",
};

// Of aarch64: what glibc 2.36 of Debian looks through (LD_DEBUG=libs).
constexpr std::string_view kAarch64Folders[] = {
    "tls/aarch64/atomics", "tls/aarch64", "tls/atomics", "tls",
    "aarch64/atomics",     "aarch64",     "atomics",
};

// Names that musl's loader answers for itself (dynlink.c, load_library).
constexpr std::string_view kMuslOwn[] = {
    "libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.",
};

std::string triplet_of(kernel::Arch arch) {
  return fmt::format("{}-linux-gnu", kernel::to_string(arch));
}

}  // namespace

// One search: what it looks for, and what it has found so far.
struct LibrarySearch::Attempt {
  std::string name;
  std::optional<FoundLibrary> found;
  std::optional<Error> unreadable;
  std::vector<std::string> alternatives;
};

Loader loader_of(std::string_view interpreter) {
  const std::string_view name = interpreter.substr(interpreter.rfind('/') + 1);
  return name.starts_with("ld-musl-") ? Loader::Musl : Loader::Glibc;
}

LibrarySearch::LibrarySearch(const Root& root, SearchSettings settings)
    : root_(root),
      settings_(std::move(settings)),
      loader_(loader_of(settings_.interpreter)) {
  if (loader_ == Loader::Musl) {
    // "/lib/ld-musl-x86_64.so.1" has its file in "" + "/etc".
    const std::string base = folder_of(folder_of(settings_.interpreter));
    const std::string file =
        fmt::format("{}/etc/ld-musl-{}.path", base == "/" ? "" : base,
                    kernel::to_string(settings_.arch));
    const std::string listed = root_.is_file(file)
                                   ? text_of(root_, file)
                                   : "/lib:/usr/local/lib:/usr/lib";
    for (const std::string_view folder : split(listed, ":\n")) {
      defaults_.emplace_back(folder);
    }
    return;
  }
  const std::string triplet = triplet_of(settings_.arch);
  defaults_ = {
      "/lib/" + triplet, "/usr/lib/" + triplet, "/lib64", "/usr/lib64", "/lib",
      "/usr/lib"};
  read_cache();
}

void LibrarySearch::read_cache() {
  const auto file = root_.read("/etc/ld.so.cache", kMaxCache);
  if (!file) {
    configured_ = configured_folders(root_);
    if (file.error().code() != ErrorCode::NotFound) {
      remarks_.push_back(file.error().message());
    }
    return;
  }
  const auto entries = parse_loader_cache(file->bytes.view());
  if (!entries) {
    configured_ = configured_folders(root_);
    remarks_.push_back(entries.error().message());
    return;
  }
  const std::uint32_t wanted =
      settings_.arch == kernel::Arch::Aarch64 ? kCacheAarch64 : kCacheX8664;
  for (const CacheEntry& entry : *entries) {
    if (entry.flags == wanted) {
      cache_[std::string(entry.name)].push_back(
          {std::string(entry.path), entry.hwcap == 0});
    }
  }
}

std::vector<std::string> LibrarySearch::expand(
    std::string_view text, const std::string& origin_of) const {
  const std::string origin = folder_of(origin_of);
  if (loader_ == Loader::Musl) {
    return expand_tokens(text, {{"ORIGIN", {origin}}}, UnknownToken::Drop);
  }
  return expand_tokens(
      text,
      {{"ORIGIN", {origin}},
       {"LIB", {"lib/" + triplet_of(settings_.arch), "lib64", "lib"}},
       {"PLATFORM",
        {std::string(kernel::to_string(settings_.arch)), "haswell"}}},
      UnknownToken::Keep);
}

void LibrarySearch::add_listed(const std::optional<std::string>& list,
                               const Requester& of, std::string_view what,
                               std::vector<Folder>& folders) const {
  if (!list) {
    return;
  }
  for (const std::string_view part : split(*list, ":")) {
    for (std::string& path : expand(part, of.path)) {
      if (path.starts_with('/') && folders.size() < kMaxFolders) {
        folders.push_back(
            {std::move(path), fmt::format("{} of {}", what, of.path)});
      }
    }
  }
}

// DT_RPATH of those who asked, unless the first has DT_RUNPATH; the user's
// folders; DT_RUNPATH of the first alone.
std::vector<LibrarySearch::Folder> LibrarySearch::before_cache(
    std::span<const Requester> chain) const {
  std::vector<Folder> folders;
  if (!chain.empty() && !chain[0].runpath) {
    for (const Requester& one : chain) {
      if (!one.runpath) {
        add_listed(one.rpath, one, "RPATH", folders);
      }
    }
  }
  for (const std::string_view part : split(settings_.library_path, ":;")) {
    for (std::string& path : expand(part, settings_.program)) {
      if (path.starts_with('/')) {
        folders.push_back({std::move(path), "LD_LIBRARY_PATH"});
      }
    }
  }
  if (!chain.empty()) {
    add_listed(chain[0].runpath, chain[0], "RUNPATH", folders);
  }
  return folders;
}

const std::vector<std::string>& LibrarySearch::subfolders(
    const std::string& folder) const {
  const auto [it, added] = subfolders_.try_emplace(folder);
  if (added) {
    const auto names = settings_.arch == kernel::Arch::Aarch64
                           ? std::span<const std::string_view>(kAarch64Folders)
                           : std::span(kProcessorFolders);
    for (const std::string_view name : names) {
      if (root_.resolve(fmt::format("{}/{}", folder, name))) {
        it->second.emplace_back(name);
      }
    }
  }
  return it->second;
}

bool LibrarySearch::is_for_machine(const Bytes& bytes) const {
  const auto view = bytes.view();
  if (view.size() < 20 || !bytes.text().starts_with("\177ELF")) {
    // The loader ends the program with an error: it is the file.
    return true;
  }
  const unsigned machine = view[18] | static_cast<unsigned>(view[19]) << 8;
  const unsigned wanted = settings_.arch == kernel::Arch::Aarch64 ? 183 : 62;
  return view[4] == 2 && view[5] == 1 && machine == wanted;
}

// True if that is the file that is loaded.
bool LibrarySearch::try_file(const std::string& path, const std::string& how,
                             Attempt& attempt) const {
  auto file = root_.read(path);
  if (!file) {
    if (root_.is_file(path)) {
      attempt.unreadable = std::move(file).error();
      return true;
    }
    return false;
  }
  if (!is_for_machine(file->bytes)) {
    return false;
  }
  attempt.found = {.file = *std::move(file), .name = path, .how = how};
  return true;
}

bool LibrarySearch::try_folder(const Folder& folder, Attempt& attempt) const {
  for (const std::string& sub : subfolders(folder.path)) {
    std::string path = fmt::format("{}/{}/{}", folder.path, sub, attempt.name);
    if (root_.is_file(path)) {
      attempt.alternatives.push_back(std::move(path));
    }
  }
  return try_file(fmt::format("{}/{}", folder.path, attempt.name), folder.how,
                  attempt);
}

bool LibrarySearch::in_default(std::string_view path) const {
  return std::ranges::any_of(defaults_, [&](const std::string& folder) {
    return path.starts_with(folder) &&
           path.substr(folder.size()).starts_with('/');
  });
}

bool LibrarySearch::try_cache(bool no_default, Attempt& attempt) const {
  const auto entries = cache_.find(attempt.name);
  if (entries == cache_.end()) {
    return false;
  }
  std::string found;
  for (const Cached& entry : entries->second) {
    if (no_default && in_default(entry.path)) {
      continue;
    }
    if (entry.any_processor && found.empty()) {
      found = entry.path;
    } else if (!entry.any_processor && root_.is_file(entry.path)) {
      attempt.alternatives.push_back(entry.path);
    }
  }
  return !found.empty() && try_file(found, "ld.so.cache", attempt);
}

Result<FoundLibrary> LibrarySearch::find_path(
    const std::string& name, std::span<const Requester> chain) const {
  Attempt attempt;
  const std::string& origin = chain.empty() ? settings_.program : chain[0].path;
  for (const std::string& path : expand(name, origin)) {
    if (path.starts_with('/') && try_file(path, "named by its path", attempt)) {
      break;
    }
  }
  if (attempt.unreadable) {
    return std::unexpected(*std::move(attempt.unreadable));
  }
  if (!attempt.found) {
    return fail(ErrorCode::NotFound, "{}: not in the root, or relative", name);
  }
  return *std::move(attempt.found);
}

Result<FoundLibrary> LibrarySearch::find_glibc(
    const std::string& name, std::span<const Requester> chain) const {
  Attempt attempt{.name = name};
  const bool no_default = !chain.empty() && chain[0].no_default;
  std::vector<Folder> first = before_cache(chain);
  std::vector<Folder> last;
  if (!no_default) {
    for (const std::string& folder : defaults_) {
      last.push_back({folder, folder});
    }
    // The loader itself never reads that file. It tells what is found once
    // ldconfig has run, which may be when a container starts.
    for (const std::string& folder : configured_) {
      last.push_back({folder, "/etc/ld.so.conf"});
    }
  }
  const auto in_folder = [&](const Folder& folder) {
    return try_folder(folder, attempt);
  };
  const bool found = std::ranges::any_of(first, in_folder) ||
                     try_cache(no_default, attempt) ||
                     std::ranges::any_of(last, in_folder);
  if (!found && !attempt.alternatives.empty()) {
    try_file(attempt.alternatives.front(), "for some processors alone",
             attempt);
  }
  if (attempt.unreadable) {
    return std::unexpected(*std::move(attempt.unreadable));
  }
  if (!attempt.found) {
    return fail(ErrorCode::NotFound, "no {} where the loader looks", name);
  }
  std::erase(attempt.alternatives, attempt.found->name);
  attempt.found->alternatives = std::move(attempt.alternatives);
  return *std::move(attempt.found);
}

Result<FoundLibrary> LibrarySearch::find_musl(
    const std::string& name, std::span<const Requester> chain) const {
  Attempt attempt{.name = name};
  if (std::ranges::any_of(kMuslOwn, [&](std::string_view own) {
        return name.starts_with(own);
      })) {
    try_file(settings_.interpreter, "the loader itself", attempt);
  }
  std::vector<Folder> folders;
  for (const std::string_view part : split(settings_.library_path, ":\n")) {
    folders.push_back({std::string(part), "LD_LIBRARY_PATH"});
  }
  for (const Requester& one : chain) {
    add_listed(one.runpath ? one.runpath : one.rpath, one,
               one.runpath ? "RUNPATH" : "RPATH", folders);
  }
  for (const std::string& folder : defaults_) {
    folders.push_back({folder, folder});
  }
  for (const Folder& folder : folders) {
    if (attempt.found || attempt.unreadable) {
      break;
    }
    if (folder.path.starts_with('/')) {
      try_file(fmt::format("{}/{}", folder.path, name), folder.how, attempt);
    }
  }
  if (attempt.unreadable) {
    return std::unexpected(*std::move(attempt.unreadable));
  }
  if (!attempt.found) {
    return fail(ErrorCode::NotFound, "no {} where the loader looks", name);
  }
  return *std::move(attempt.found);
}

Result<FoundLibrary> LibrarySearch::find(
    const std::string& name, std::span<const Requester> chain) const {
  if (name.contains('/')) {
    return find_path(name, chain);
  }
  if (name.empty() || name.contains('\0')) {
    return fail(ErrorCode::NotFound, "no name of a library");
  }
  return loader_ == Loader::Musl ? find_musl(name, chain)
                                 : find_glibc(name, chain);
}

std::vector<std::string> LibrarySearch::preloaded() const {
  std::vector<std::string> names;
  if (loader_ == Loader::Glibc) {
    const std::string text = text_of(root_, "/etc/ld.so.preload");
    for (const std::string_view line : split(text, "\n")) {
      for (const std::string_view name :
           split(line.substr(0, line.find('#')), " \t:\r")) {
        names.emplace_back(name);
      }
    }
  }
  return names;
}

}  // namespace vambrace::elf
