#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "elf/root.h"
#include "kernel/syscalls.h"

// Where the loader finds the libraries of a program: ld.so(8) of glibc 2.36,
// and musl's dynlink.c.
namespace vambrace::elf {

enum class Loader : std::uint8_t { Glibc, Musl };

// By the name of a program's interpreter ("/lib/ld-musl-x86_64.so.1").
Loader loader_of(std::string_view interpreter);

// An object of the process, as the search for what it needs asks about it.
struct Requester {
  // By which name it was opened, for $ORIGIN: FoundLibrary::name, which a link
  // may be part of; of the program the resolved path.
  std::string path;
  std::optional<std::string> rpath;    // DT_RPATH
  std::optional<std::string> runpath;  // DT_RUNPATH
  bool no_default = false;             // DF_1_NODEFLIB
};

struct FoundLibrary {
  RootFile file;
  std::string name;  // the path by which the loader opens it
  // "ld.so.cache", "RUNPATH of /usr/bin/x", "LD_LIBRARY_PATH", "/usr/lib".
  std::string how;
  // Names by which other processors find another file in its place: below
  // glibc-hwcaps/x86-64-v3 and the like. `file` is what any processor can load
  // where there is such a file. Which one is loaded is not known, so that who
  // wants to miss nothing looks at all of them.
  std::vector<std::string> alternatives;
};

struct SearchSettings {
  std::string interpreter;  // empty for a static program: glibc's rules
  kernel::Arch arch = kernel::Arch::X86_64;
  std::string program;       // its resolved path
  std::string library_path;  // LD_LIBRARY_PATH, as the user gives it
};

// Finds libraries as the loader of one program does.
//
// Does not know what is loaded already: a name that equals the DT_SONAME of a
// loaded object, or leads to the same file, is that object and is not searched
// for. Folders relative to the working directory are left out, since that is
// not known. $LIB and $PLATFORM are tried as Debian's, then as others' loaders
// expand them.
//
// The root must outlive it.
class LibrarySearch {
 public:
  LibrarySearch(const Root& root, SearchSettings settings);

  // `chain` begins with the object that needs the library, followed by the one
  // that needed that object, and so on to the program: DT_RPATH is inherited.
  //
  // NotFound if the loader would not find it. Any other error: it would, but
  // the file cannot be read here. A file for another machine is passed over, as
  // glibc's loader does.
  Result<FoundLibrary> find(const std::string& name,
                            std::span<const Requester> chain) const;

  // What is loaded before everything else: names in /etc/ld.so.preload, which
  // glibc reads.
  std::vector<std::string> preloaded() const;

  // What was there and could not be used, as sentences: a broken cache.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Folder {
    std::string path;
    std::string how;
  };
  struct Cached {
    std::string path;
    bool any_processor = false;
  };
  struct Attempt;

  void read_cache();
  void add_listed(const std::optional<std::string>& list, const Requester& of,
                  std::string_view what, std::vector<Folder>& folders) const;
  std::vector<std::string> expand(std::string_view text,
                                  const std::string& origin_of) const;
  std::vector<Folder> before_cache(std::span<const Requester> chain) const;
  const std::vector<std::string>& subfolders(const std::string& folder) const;
  bool try_folder(const Folder& folder, Attempt& attempt) const;
  bool try_cache(bool no_default, Attempt& attempt) const;
  bool try_file(const std::string& path, const std::string& how,
                Attempt& attempt) const;
  bool is_for_machine(const Bytes& bytes) const;
  bool in_default(std::string_view path) const;
  Result<FoundLibrary> find_glibc(const std::string& name,
                                  std::span<const Requester> chain) const;
  Result<FoundLibrary> find_musl(const std::string& name,
                                 std::span<const Requester> chain) const;
  Result<FoundLibrary> find_path(const std::string& name,
                                 std::span<const Requester> chain) const;

  const Root& root_;
  SearchSettings settings_;
  Loader loader_;
  std::vector<std::string> defaults_;
  // Folders of /etc/ld.so.conf; empty if there is a cache.
  std::vector<std::string> configured_;
  std::map<std::string, std::vector<Cached>, std::less<>> cache_;
  std::vector<std::string> remarks_;
  // Folders for some processors in a folder that was looked at.
  mutable std::map<std::string, std::vector<std::string>> subfolders_;
};

}  // namespace vambrace::elf
