#include "recorder/ebpf/ebpf_recorder.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "host/disk_files.h"
#include "recorder/ebpf/assemble.h"
#include "recorder/ebpf/cgroups.h"
#include "recorder/ebpf/collect.h"
#include "recorder/ebpf/ebpf_recording.h"
#include "recorder/ebpf/state.h"

namespace vambrace::recorder::ebpf {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a command may take to end when it is asked to.
constexpr auto kGrace = std::chrono::seconds(10);

}  // namespace

EbpfRecorder::~EbpfRecorder() {
  ring_buffer__free(ring_);
  const auto removed = detach();
  static_cast<void>(removed);  // nothing depends on it
}

Result<> EbpfRecorder::start(const Scope& scope, const Options& options) {
  scope_ = scope;
  options_ = options;
  TRY_ASSIGN(session_,
             Session::load(options, options.enters || begins_filtered(scope)));
  TRY_ASSIGN(control_,
             Mapped<vmb_control>::of(session_->maps().fd(".data.control")));
  TRY_ASSIGN(counters_,
             Mapped<vmb_counters>::of(session_->maps().fd(".data.counters")));
  ring_ =
      ring_buffer__new(session_->maps().fd("hints"), on_hint, this, nullptr);
  if (ring_ == nullptr) {
    return std::unexpected(system_error("open the ring buffer", errno));
  }
  TRY_ASSIGN(frame_, make_frame(scope, options));
  TRY(prepare_control());
  TRY(session_->attach());
  frame_.recording.probes = session_->probes();
  frame_.gaps = session_->gaps();
  started_ = last_new_ = steady_clock::now();
  if (!options.pin_directory.empty()) {
    TRY(session_->pin(options.pin_directory + "/" + frame_.recording.id));
  }
  if (!scope.container.empty()) {
    TRY(scope.command.empty() ? start_container() : await_container());
  }
  if (!scope.command.empty()) {
    TRY(start_command());
  } else if (!scope.container.empty()) {
    // Attached already.
  } else if (scope.pid) {
    TRY(start_pid(*scope.pid));
  } else {
    TRY(start_cgroup(scope.cgroup, 0));
  }
  TRY(keep_state());
  return launcher_ ? launcher_->release() : Result<>{};
}

Result<> EbpfRecorder::keep_state() {
  if (options_.pin_directory.empty()) {
    return {};
  }
  State state;
  state.frame = frame_;
  state.workloads = scope_.workloads;
  state.output = options_.output;
  state.recorder = static_cast<int>(::getpid());
  state.recorder_start = start_of(state.recorder).value_or(0);
  state.main_pid = static_cast<int>(main_pid_);
  DiskFiles files;
  return files.write(state_file(frame_.recording.id), print(state));
}

void EbpfRecorder::look_for_containers() {
  for (Awaited& each : awaited_) {
    if (each.container.look() && !each.workload) {
      container_ = each.container.container();
      main_pid_ = static_cast<std::uint32_t>(container_.pid);
      if (const auto path = cgroup_of(container_.pid)) {
        cgroup_ = *path;
      }
    }
  }
}

// The provisional scopes that turned out to be containers, by workload.
std::map<std::size_t, FoundContainer> EbpfRecorder::found_containers(
    const Raw& raw) {
  std::map<std::size_t, FoundContainer> found;
  frame_.recording.image = container_.image;
  frame_.recording.mounts = container_.mounts;
  frame_.recording.runtime =
      scope_.container.empty() ? frame_.recording.runtime : container_.runtime;
  for (Awaited& each : awaited_) {
    FoundContainer one = each.container.find(raw);
    if (each.workload) {
      found.emplace(*each.workload, std::move(one));
      continue;
    }
    frame_.scope = one.scope;
    frame_.recording.image = one.image;
    frame_.recording.mounts = one.mounts;
    frame_.recording.runtime = one.runtime;
    frame_.gaps.insert(frame_.gaps.end(), one.gaps.begin(), one.gaps.end());
  }
  return found;
}

int EbpfRecorder::on_hint(void* self, void* data, std::size_t size) {
  if (size >= sizeof(vmb_hint)) {
    static_cast<EbpfRecorder*>(self)->take_hint(
        *static_cast<const vmb_hint*>(data));
  }
  return 0;
}

void EbpfRecorder::take_hint(const vmb_hint& hint) {
  counters_->hints_seen = counters_->hints_seen + 1;
  last_new_ = steady_clock::now();
  if (hint.kind == VMB_HINT_IMAGE) {
    if (const auto image =
            session_->maps().at<vmb_image>("images", hint.image)) {
      programs_.look(hint.image, *image, main_pid_);
      roots_.look(image->tgid);
    }
  }
  if (hint.kind == VMB_HINT_ROOT) {
    roots_.look_once(hint.tgid);
  }
  // hint.image is the scope's number here and below.
  if (hint.kind == VMB_HINT_END) {
    found_at_end_.ended(hint.image);
  }
  if (hint.kind == VMB_HINT_SCOPE && cgroup_.empty()) {
    if (const auto scope = session_->maps().at<vmb_scope>("scopes", hint.image);
        scope && names_container(path_of(*scope), scope_.container)) {
      cgroup_ = path_of(*scope);
    }
  }
}

void EbpfRecorder::take_hints() {
  ring_buffer__consume(ring_);
  found_at_end_.look(session_->maps(), roots_);
}

// While the probes are in place. Tasks that come up to the next epoch do so
// after the enters are watched. If they can't be, each further call that a
// filter may have refused is counted as one.
void EbpfRecorder::follow_hints() {
  take_hints();
  if (counters_->enters_asked == 0 || session_->sees_enters() ||
      enters_refused_) {
    return;
  }
  if (auto watched = session_->watch_enters(); !watched) {
    enters_refused_ = true;
    frame_.gaps.push_back({"compat", "calls were not seen to enter: " +
                                         watched.error().message()});
    return;
  }
  control_->enters_from = control_->epoch + 1;
  __atomic_fetch_add(&control_->epoch, 1, __ATOMIC_SEQ_CST);
}

// Until the time is over or the command ends. New programs are looked at
// meanwhile, at once: one that ends soon takes its file along.
void EbpfRecorder::rest(milliseconds time) {
  const auto until = steady_clock::now() + time;
  const bool runs = launcher_ && !command_status_;
  while (true) {
    const auto left =
        std::chrono::ceil<milliseconds>(until - steady_clock::now());
    pollfd ready[] = {{ring_buffer__epoll_fd(ring_), POLLIN, 0},
                      {runs ? launcher_->ended_fd() : -1, POLLIN, 0}};
    if (left <= milliseconds(0) ||
        ::poll(ready, 2, static_cast<int>(left.count())) <= 0 ||
        ready[1].revents != 0) {
      return;
    }
    follow_hints();
  }
}

bool EbpfRecorder::scope_is_alive() const {
  if (!cgroup_.empty()) {
    const auto threads = threads_in(cgroup_);
    return threads && !threads->empty();
  }
  const int tasks = session_->maps().fd("tasks");
  std::uint32_t key = 0;
  const std::uint32_t* last = nullptr;
  while (bpf_map_get_next_key(tasks, last, &key) == 0) {
    vmb_task task{};
    if (bpf_map_lookup_elem(tasks, &key, &task) == 0 && is_ours(task.scope)) {
      return true;
    }
    last = &key;
  }
  return false;
}

// A cgroup that was empty from the start ends when somebody says so, or with
// the cgroup itself.
bool EbpfRecorder::waits_for_first() const {
  if (scope_.cgroup.empty()) {
    return false;
  }
  const auto scope = session_->maps().at<vmb_scope>("scopes", 1);
  return scope && scope->first_tgid == 0 && cgroup_id(scope_.cgroup);
}

// Cgroups that appear while recording may be those of others.
bool EbpfRecorder::is_ours(std::uint32_t number) const {
  if (awaited_.empty() || number <= scope_.workloads.size()) {
    return true;
  }
  const auto scope = session_->maps().at<vmb_scope>("scopes", number);
  return scope && std::ranges::any_of(awaited_, [&](const Awaited& each) {
           return each.container.owns(path_of(*scope));
         });
}

// `docker run -d` returns at once; the container is what counts.
bool EbpfRecorder::outlives_command() const {
  return !scope_.container.empty() && !ending_ && *command_status_ == 0 &&
         !cgroup_.empty() && scope_is_alive();
}

std::string EbpfRecorder::current_phase() const {
  const std::uint32_t number = control_->phase;
  const auto phase = session_->maps().at<vmb_phase>("phases", number);
  return phase
             ? std::string(phase->name, ::strnlen(phase->name, VMB_PHASE_NAME))
             : "";
}

// The kernel side keeps count, first and last time per phase. There are few
// phases, so slices grow with the recording: 3 in 100 of its time so far.
void EbpfRecorder::slice() {
  constexpr std::uint32_t kForPeople = 32;  // phases that somebody may mark
  constexpr milliseconds kShortest{100};
  const auto now = steady_clock::now();
  if (!options_.slices || now < next_slice_ ||
      control_->phases >= VMB_MAX_PHASES - kForPeople) {
    return;
  }
  if (const std::string current = current_phase();
      !frame_.slices.contains(current)) {
    phase_ = current;
  }
  const std::string name = fmt::format("~{}", frame_.slices.size());
  if (mark_phase(session_->maps(), name)) {
    frame_.slices.emplace(name, phase_);
  }
  const auto longer =
      std::chrono::duration_cast<milliseconds>(now - started_) * 3 / 100;
  next_slice_ = now + std::max(kShortest, longer);
}

Result<std::optional<int>> EbpfRecorder::wait(milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  while (true) {
    slice();
    follow_hints();
    look_for_containers();
    rest(milliseconds(20));
    if (launcher_ && !command_status_) {
      command_status_ = launcher_->wait(milliseconds(0));
    }
    if (command_status_ && !outlives_command()) {
      return command_status_;
    }
    if (!launcher_ && !scope_is_alive() && !waits_for_first()) {
      return 0;
    }
    if (control_->stop != 0) {
      if (!launcher_ || command_status_) {
        return command_status_.value_or(0);
      }
      if (!ending_) {
        end();
      }
    }
    if (ending_ && steady_clock::now() - *ending_ > kGrace) {
      return command_status_.value_or(0);
    }
    if (steady_clock::now() >= until) {
      return std::nullopt;
    }
  }
}

// The state stays with what could not be removed, so that others know of it.
Result<> EbpfRecorder::detach() {
  if (session_) {
    if (auto detached = session_->detach(); !detached) {
      left_behind_ =
          std::move(detached.error()).with_hint(by_hand(frame_.recording.id));
    }
  }
  if (left_behind_ || options_.pin_directory.empty() ||
      frame_.recording.id.empty()) {
    return {};
  }
  return DiskFiles().remove(state_file(frame_.recording.id));
}

void EbpfRecorder::end() {
  if (!ending_) {
    ending_ = steady_clock::now();
  }
  if (launcher_) {
    launcher_->signal(SIGTERM);
  } else {
    control_->stop = 1;
  }
}

Progress EbpfRecorder::progress() const {
  const auto now = steady_clock::now();
  Progress seen;
  seen.elapsed = std::chrono::duration_cast<milliseconds>(now - started_);
  seen.distinct_facts = counters_->facts;
  seen.events_lost = counters_->hints_lost;
  seen.phase = current_phase();
  if (frame_.slices.contains(seen.phase)) {
    seen.phase = phase_;
  }
  seen.waiting = waits_for_first();
  seen.asked_to_end = ending_.has_value();
  seen.since_new_fact =
      std::chrono::duration_cast<milliseconds>(now - last_new_);
  return seen;
}

Result<std::vector<evidence::Evidence>> EbpfRecorder::finish() {
  // Daemons that the command leaves behind get a moment to end.
  for (int i = 0; i < 50 && launcher_ && scope_is_alive(); ++i) {
    ::usleep(10'000);
    follow_hints();
  }
  look_for_containers();
  const bool interrupted = scope_is_alive();
  TRY(detach());
  ::usleep(5'000);  // programs that still run on another CPU
  take_hints();
  TRY_ASSIGN(Raw raw, collect(session_->maps()));
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    programs_.look(number, raw.images[number], main_pid_);
    for (const Awaited& each : awaited_) {
      programs_.look_in(each.container.container().layers, number,
                        raw.images[number]);
    }
  }
  raw.build_ids = programs_.build_ids();
  follow_names(raw, roots_);
  look_around(raw, roots_);
  found_at_end_.add_to(raw);
  raw.hints_seen = raw.counters.hints_seen;
  raw.recursion_misses = session_->recursion_misses();
  const auto containers = found_containers(raw);
  if (interrupted && launcher_) {
    frame_.gaps.push_back(
        {"interrupted", "processes of the scope still ran at the end"});
  }
  return evidences_of(raw, frame_, scope_.workloads, containers);
}

std::unique_ptr<Recorder> make_recorder() {
  return std::make_unique<EbpfRecorder>();
}

}  // namespace vambrace::recorder::ebpf
