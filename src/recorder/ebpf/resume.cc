#include "recorder/ebpf/resume.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include "recorder/ebpf/collect.h"
#include "recorder/ebpf/found.h"
#include "recorder/ebpf/frame.h"
#include "recorder/ebpf/names.h"
#include "recorder/ebpf/programs.h"
#include "recorder/ebpf/session.h"

namespace vambrace::recorder::ebpf {
namespace {

Result<State> read_state(const Files& files, const std::string& id) {
  TRY_ASSIGN(const std::string text,
             files.read(state_file(id), std::uint64_t{1} << 20));
  auto state = parse_state(text);
  if (!state) {
    return std::unexpected(
        std::move(state.error())
            .during("recording " + id)
            .with_hint(
                fmt::format("if another version of vambrace made it, end "
                            "it with that one; to drop it: rm -r {} {}",
                            pin_directory(id), state_file(id))));
  }
  return state;
}

bool is_alive(const State& state) {
  return describe(state).standing == Standing::Runs;
}

int count_hint(void* seen, void* /*data*/, std::size_t /*size*/) {
  ++*static_cast<std::uint64_t*>(seen);
  return 0;
}

}  // namespace

Result<Resumed> resume(const Files& files, const std::string& id) {
  Resumed resumed;
  TRY_ASSIGN(resumed.state, read_state(files, id));
  State& state = resumed.state;
  if (is_alive(state)) {
    return std::unexpected(
        Error(ErrorCode::Denied,
              fmt::format("recording {} is still watched by process {}", id,
                          state.recorder))
            .with_hint("end it with: vambrace stop " + id));
  }
  const std::string directory = pin_directory(id);
  TRY_ASSIGN(const Maps maps, Maps::pinned(directory));
  const std::uint64_t misses = pinned_recursion_misses(directory);
  detach_pinned(directory);
  ::usleep(20'000);  // programs that still run on another CPU

  TRY_ASSIGN(Raw raw, collect(maps));
  raw.recursion_misses = misses;
  raw.hints_seen = raw.counters.hints_seen;
  if (ring_buffer* ring = ring_buffer__new(maps.fd("hints"), count_hint,
                                           &raw.hints_seen, nullptr)) {
    ring_buffer__consume(ring);
    ring_buffer__free(ring);
  }
  Programs programs;
  Roots roots;
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    roots.look(raw.images[number].tgid);
    programs.look(number, raw.images[number],
                  static_cast<std::uint32_t>(state.main_pid));
  }
  raw.build_ids = programs.build_ids();
  follow_names(raw, roots);
  look_around(raw, roots);
  state.frame.gaps.push_back(
      {"interrupted",
       "the recorder ended before the scope did; the kernel went on counting "
       "until the recording was resumed"});
  resumed.evidences = evidences_of(raw, state.frame, state.workloads);
  return resumed;
}

Result<> discard(Files& files, const std::string& id) {
  if (auto gone = remove_pins(pin_directory(id)); !gone) {
    return std::unexpected(std::move(gone.error()).with_hint(by_hand(id)));
  }
  const auto removed = files.remove(state_file(id));
  static_cast<void>(removed);  // nothing depends on it
  return {};
}

Result<bool> ask_to_stop(const Files& files, const std::string& id) {
  TRY_ASSIGN(const State state, read_state(files, id));
  if (!is_alive(state)) {
    return false;
  }
  TRY_ASSIGN(const Maps maps, Maps::pinned(pin_directory(id)));
  TRY_ASSIGN(auto control, Mapped<vmb_control>::of(maps.fd(".data.control")));
  control->stop = 1;
  return true;
}

Result<std::vector<Known>> known_recordings(const Files& files) {
  std::vector<Known> all;
  TRY_ASSIGN(const auto pinned, pinned_recordings());
  for (const std::string& known : pinned) {
    const auto state = read_state(files, known);
    if (state) {
      all.push_back(describe(*state));
    } else if (state.error().code() == ErrorCode::NotFound) {
      all.push_back({.id = known, .about = "not begun yet"});
    } else {
      all.push_back({.id = known, .about = "its state cannot be read"});
    }
  }
  return all;
}

Result<Known> find_recording(const Files& files, const std::string& id) {
  TRY_ASSIGN(const auto all, known_recordings(files));
  return pick_recording(all, id);
}

Result<Known> find_live_recording(const Files& files, const std::string& id) {
  TRY_ASSIGN(auto live, known_recordings(files));
  std::erase_if(live, [](const Known& known) {
    return known.standing != Standing::Runs;
  });
  return pick_recording(live, id);
}

Result<> mark_recording(const std::string& id, const std::string& phase) {
  TRY_ASSIGN(const Maps maps, Maps::pinned(pin_directory(id)));
  return mark_phase(maps, phase);
}

}  // namespace vambrace::recorder::ebpf
