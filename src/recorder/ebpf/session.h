#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "recorder/ebpf/maps.h"
#include "recorder/ebpf/pins.h"
#include "recorder/recorder.h"

struct bpf_link;
struct bpf_program;
struct record_bpf;

namespace vambrace::recorder::ebpf {

struct Offer;

// Which of the probes that may be missing a recording has.
struct Choice {
  bool hooks = false;  // files from there, and not from the exits of calls
  bool capabilities = false;
  bool enters = true;  // calls are seen to enter, from the start on
};

// The kernel side of one recording: programs, their links and their maps.
// Probes are chosen by what this kernel offers. Ends with the object unless it
// was pinned; what is pinned stays until detach_pinned().
class Session {
 public:
  // Loads. Unsupported or Unavailable, with what to do, if this kernel or user
  // cannot. enters: see calls as they enter from the start on, and not only
  // after watch_enters(), where the kernel leaves the choice.
  static Result<std::unique_ptr<Session>> load(const Options& options,
                                               bool enters);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Maps& maps() const { return maps_; }
  // From here on tasks in scope are followed (nothing is until the control
  // map enables it).
  Result<> attach();
  // Whether calls are seen to enter; from here on, by watch_enters().
  bool sees_enters() const { return enters_; }
  Result<> watch_enters();
  // Keeps links and maps alive without us, below this folder of a bpffs.
  Result<> pin(const std::string& directory);
  // Removes every probe; the maps stay. An error: some are still there, kept by
  // a pin that could not be removed.
  Result<> detach();

  // Which probe each kind of fact comes from, and what could not be had.
  const std::map<std::string, std::string>& probes() const { return probes_; }
  const std::vector<evidence::Gap>& gaps() const { return gaps_; }
  // How often the kernel skipped one of our programs.
  std::uint64_t recursion_misses() const;

 private:
  Session() = default;
  // After loading: what is used, and the tables that it needs.
  Result<> settle(const Options& options, const Offer& offer,
                  const Choice& choice);
  Result<bpf_link*> attach(bpf_program* program) const;
  Result<> pin(const std::pair<std::string, bpf_link*>& link) const;

  record_bpf* skeleton_ = nullptr;
  std::vector<std::pair<std::string, bpf_link*>> links_;
  Maps maps_;
  std::map<std::string, std::string> probes_;
  std::vector<evidence::Gap> gaps_;
  std::optional<Pins> pins_;
  std::string pin_directory_;  // of these
  bool enters_ = true;
};

// Removes the links and maps below a folder made by pin(): whatever they
// recorded ends here, unless an error says what stays.
Result<> remove_pins(const std::string& directory);
// recursion_misses() of programs that are only pinned.
std::uint64_t pinned_recursion_misses(const std::string& directory);
// Only the links: the maps can still be read.
void detach_pinned(const std::string& directory);

}  // namespace vambrace::recorder::ebpf
