#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "recorder/ebpf/assemble.h"

// What lets another process finish, mark or stop a recording: the maps and
// links pinned below a bpffs, and a small file with what user space knew.
namespace vambrace::recorder::ebpf {

constexpr std::string_view kPinRoot = "/sys/fs/bpf/vambrace";
constexpr std::string_view kStateRoot = "/run/vambrace";

// The file's content.
struct State {
  Frame frame;
  std::vector<std::string> workloads;
  std::string output;  // where the evidence was to go
  int recorder = 0;    // pid
  // When that process began, in ticks since boot: a pid is used again.
  std::uint64_t recorder_start = 0;
  int main_pid = 0;
};

std::string print(const State& state);
Result<State> parse_state(std::string_view text);

// When the process began, in ticks since boot; nullopt if there is none.
std::optional<std::uint64_t> start_of(int pid);

// True if a bpffs is mounted at /sys/fs/bpf, or now is; `mounted` tells that
// this call did it.
bool ensure_bpffs(bool& mounted);

std::string pin_directory(const std::string& id);
std::string state_file(const std::string& id);
// How to remove both, for a hint.
std::string by_hand(const std::string& id);

// Makes the folder unless it is there. Unavailable unless it is then a folder
// of this user, closed to everybody else: below a bpffs that anybody may write
// to (the usual mount is), another user could have made it first.
Result<> own_folder(const std::string& path);

// Ids of recordings that have pins, sorted. As own_folder() for the folder that
// holds them; one that is missing holds none.
Result<std::vector<std::string>> pinned_recordings();

enum class Standing : std::uint8_t {
  Begins,    // has pins, but no state yet, or none that can be read
  Runs,      // its recorder lives
  LeftOver,  // its recorder is gone: the kernel still counts for it
};

// A recording as a person tells it from others.
struct Known {
  std::string id;
  std::string about;  // "spiffe://local/nginx, command since 2026-..."
  Standing standing = Standing::Begins;
};

// What the state says of a recording; whether its recorder lives is looked up
// below /proc.
Known describe(const State& state);

// The recording of that id (any unambiguous prefix); empty: the only one.
// NotFound or InvalidInput, listing what there is.
Result<Known> pick_recording(const std::vector<Known>& recordings,
                             const std::string& id);

}  // namespace vambrace::recorder::ebpf
