#pragma once

#include <bpf/libbpf.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "recorder/ebpf/awaited.h"
#include "recorder/ebpf/docker.h"
#include "recorder/ebpf/found.h"
#include "recorder/ebpf/frame.h"
#include "recorder/ebpf/launcher.h"
#include "recorder/ebpf/maps.h"
#include "recorder/ebpf/names.h"
#include "recorder/ebpf/programs.h"
#include "recorder/ebpf/session.h"
#include "recorder/recorder.h"

// The recorder's class, for its own sources alone: what a recording begins with
// is in ebpf_start.cc.
namespace vambrace::recorder::ebpf {

// Whether tasks of the scope may begin under a filter that is not known.
bool begins_filtered(const Scope& scope);

class EbpfRecorder : public Recorder {
 public:
  EbpfRecorder() = default;
  ~EbpfRecorder() override;
  Result<> start(const Scope& scope, const Options& options) override;
  Result<> mark(const std::string& phase) override {
    return mark_phase(session_->maps(), phase);
  }
  void divide(evidence::Spans tests) override {
    frame_.tests = std::move(tests);
  }
  Result<std::optional<int>> wait(std::chrono::milliseconds timeout) override;
  void end() override;
  Progress progress() const override;
  Result<std::vector<evidence::Evidence>> finish() override;
  std::optional<Error> left_behind() const override { return left_behind_; }

 private:
  Result<> detach();
  Result<> prepare_control();
  Result<> start_command();
  Result<> start_cgroup(const std::string& path, int main_pid);
  Result<> start_pid(int pid);
  Result<> start_container();
  Result<> attach_container();
  Result<> await_container();
  Result<> watch_new_cgroups();
  void look_for_containers();
  std::map<std::size_t, FoundContainer> found_containers(const Raw& raw);
  std::string current_phase() const;
  void slice();
  Result<> keep_state();
  void add_late(const std::vector<int>& tids, std::uint32_t flags);
  void say_late(std::size_t threads);
  void take_hint(const vmb_hint& hint);
  static int on_hint(void* self, void* data, std::size_t size);
  void take_hints();
  void follow_hints();
  void rest(std::chrono::milliseconds time);
  bool scope_is_alive() const;
  bool waits_for_first() const;
  bool is_ours(std::uint32_t scope) const;
  bool outlives_command() const;

  Scope scope_;
  Options options_;
  std::unique_ptr<Session> session_;
  Mapped<vmb_control> control_;
  Mapped<vmb_counters> counters_;
  std::optional<Launcher> launcher_;
  // Of --container, or of the workload with that number.
  struct Awaited {
    std::optional<std::size_t> workload;
    AwaitedContainer container;
  };
  std::vector<Awaited> awaited_;
  Container container_;  // of --container, once it is known
  ring_buffer* ring_ = nullptr;
  Programs programs_;
  Roots roots_;
  FoundAtEnd found_at_end_;
  Frame frame_;
  std::string phase_ = "startup";  // of the slices that begin now
  std::chrono::steady_clock::time_point next_slice_{};
  std::string cgroup_;
  std::uint32_t main_pid_ = 0;
  std::chrono::steady_clock::time_point started_{};
  std::chrono::steady_clock::time_point last_new_{};
  std::optional<int> command_status_;
  std::optional<std::chrono::steady_clock::time_point> ending_;
  std::optional<Error> left_behind_;
  bool enters_refused_ = false;
};

}  // namespace vambrace::recorder::ebpf
