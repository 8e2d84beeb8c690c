#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "evidence/evidence.h"
#include "kernel/syscalls.h"
#include "recorder/ebpf/bpf/event.h"

// What the kernel side gathered, as values: the content of the maps.
namespace vambrace::recorder::ebpf {

static_assert(sizeof(vmb_slot) == 4096);
static_assert(sizeof(vmb_task) == 56);
static_assert(sizeof(vmb_allowed) == 80);
static_assert(sizeof(vmb_image_key) == 32 + 2 * VMB_ARG_BYTES);
static_assert(sizeof(vmb_fact_key) == 16);
static_assert(sizeof(vmb_errno_key) == 20);
static_assert(sizeof(vmb_tally) == 24);
static_assert(sizeof(vmb_tuple_key) == 40);
static_assert(sizeof(vmb_other_key) == 40);
static_assert(sizeof(vmb_cap_key) == 32);
static_assert(sizeof(vmb_checks) == VMB_CHECKS * 40);
static_assert(sizeof(vmb_rule) == 56);
static_assert(sizeof(vmb_file_key) == 40);
static_assert(sizeof(vmb_file) == 40);
static_assert(sizeof(vmb_seen_files) == VMB_SEEN * 64);
static_assert(sizeof(vmb_mount_key) == 24 + VMB_TYPE_BYTES + 48);
static_assert(sizeof(vmb_mount) == 56);
static_assert(sizeof(vmb_phase) == 8 + VMB_PHASE_NAME);

template <class Key, class Value>
using Table = std::vector<std::pair<Key, Value>>;

// The GNU build id of an image's program: "" if the file has none, nullopt if
// it could not be read.
using BuildId = std::optional<std::string>;

// Where something was mounted, and what or from where; nullopt: not known.
struct MountPlaces {
  std::optional<std::string> target;
  std::optional<std::string> source;
};

struct Raw {
  std::vector<vmb_image> images;  // by number; 0 is unused
  std::vector<vmb_scope> scopes;  // by number; 0 is the harness
  std::vector<vmb_phase> phases;
  Table<vmb_fact_key, vmb_tally> facts;
  Table<vmb_errno_key, vmb_tally> errnos;
  Table<vmb_tuple_key, std::uint32_t> tuples;
  Table<vmb_tuple_count_key, std::uint32_t> tuple_counts;
  Table<vmb_other_key, vmb_tally> others;
  Table<vmb_cap_key, vmb_tally> caps;
  Table<vmb_file_key, vmb_file> files;
  Table<vmb_mount_key, vmb_mount> mounts;
  std::vector<MountPlaces> mount_places;  // by row of `mounts`
  std::string path_bytes;                 // the names of all files
  // Of files that were only named, by place of the name and access: their path;
  // nullopt: not known.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::optional<std::string>>
      followed;
  // By scope, accesses by names whose links nobody could follow,
  std::map<std::uint32_t, std::uint64_t> unfollowed;
  // and by names over links that lead each process elsewhere.
  std::map<std::uint32_t, std::uint64_t> elsewhere;
  // By scope, one thing that it did not put there of each folder into which it
  // put files.
  std::map<std::uint32_t, std::set<std::string>> found;
  // By scope, whose these folders are, by path.
  std::map<std::uint32_t, std::map<std::string, evidence::OwnedFolder>> owners;
  // The scopes all of whose folders could be looked into.
  std::set<std::uint32_t> looked;
  // Calls of which all that is known is that they failed, before their enters
  // were watched or as another thread loaded a filter, which may have refused
  // them.
  struct Unsure {
    std::uint32_t image = 0;
    kernel::Syscall syscall;
    auto operator<=>(const Unsure&) const = default;
  };
  std::vector<Unsure> unsure;
  std::map<std::uint32_t, std::vector<std::string>> stacks;
  std::map<std::uint32_t, BuildId> build_ids;  // by image
  vmb_counters counters{};
  std::uint64_t hints_seen = 0;
  std::uint64_t recursion_misses = 0;
};

// Adds the cells of a slot that was still in use when recording ended. A jiffy
// takes `tick` nanoseconds; the counters hold one moment by both clocks.
void add_slot(Raw& raw, const vmb_slot& slot, std::uint32_t native_arch,
              std::uint64_t tick);

// As add_slot() for the files that its task had accessed again.
void add_seen(Raw& raw, std::span<const vmb_seen_files> seen,
              std::uint64_t tick);

// As add_slot() for the capabilities that were checked again; their rows are
// in the table.
void add_checks(Raw& raw, std::span<const vmb_checks> checks,
                std::uint64_t tick);

// Whether the image is a program's, and not what a runtime is before it has
// started the program.
bool is_program(const Raw& raw, std::uint32_t image);

// "/usr/sbin/nginx" from the leaf-first components of an image.
std::string path_of(const vmb_image& image);
// The path of a file as AppArmor has it, that of a folder with a slash at the
// end. Two kinds have no such path and begin with no slash:
// "disconnected:/x", below no mount of the namespace, and "tmpfs:memfd:x", on a
// file system that is mounted nowhere. nullopt if the names were not kept, or
// lead through /proc (follow_names()).
std::optional<std::string> path_of(const Raw& raw, const vmb_file_key& key,
                                   const vmb_file& file);
// "rw" for VMB_ACCESS_READ | VMB_ACCESS_WRITE; docs/formats/evidence.md lists
// the letters.
std::string letters_of(std::uint32_t access);
// The cgroup of a scope, below the mount; cut at VMB_NAME_BYTES.
std::string path_of(const vmb_scope& scope);
// The words of the command line that were kept.
std::vector<std::string> words_of(const vmb_image& image);

}  // namespace vambrace::recorder::ebpf
