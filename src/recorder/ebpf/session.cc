#include "recorder/ebpf/session.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <fstream>

#include "host/disk_files.h"
#include "record.skel.h"
#include "recorder/ebpf/offer.h"
#include "recorder/ebpf/rules.h"
#include "recorder/ebpf/state.h"

namespace vambrace::recorder::ebpf {
namespace {

// The last lines that libbpf said, for the error of a failed load.
std::string& last_words() {
  static std::string text;
  return text;
}

int keep_words(libbpf_print_level level, const char* format, va_list list) {
  if (level == LIBBPF_WARN) {
    char line[512];
    std::vsnprintf(line, sizeof line, format, list);
    // That limit does not matter on the kernels that this needs.
    if (last_words().size() < 4096 &&
        !std::string_view(line).contains("RLIMIT_MEMLOCK")) {
      last_words() += line;
    }
  }
  return 0;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

void set_size(bpf_map* map, std::uint32_t entries) {
  if (entries != 0) {
    bpf_map__set_max_entries(map, entries);
  }
}

void set_sizes(record_bpf& skeleton, const Options& options) {
  if (options.max_tasks != 0) {
    skeleton.rodata->usable_slots = options.max_tasks;
  }
  set_size(skeleton.maps.tasks, options.max_tasks);
  set_size(skeleton.maps.images, options.max_images);
  set_size(skeleton.maps.image_ids, options.max_images);
  if (options.max_images != 0) {
    skeleton.rodata->max_images = options.max_images;
  }
  for (bpf_map* map :
       {skeleton.maps.facts, skeleton.maps.errnos, skeleton.maps.tuples,
        skeleton.maps.tuple_counts, skeleton.maps.others, skeleton.maps.caps,
        skeleton.maps.files, skeleton.maps.paths, skeleton.maps.mounts}) {
    set_size(map, options.max_facts);
  }
  if (options.light) {  // nothing tells of files
    set_size(skeleton.maps.files, 1);
    set_size(skeleton.maps.paths, 1);
    set_size(skeleton.maps.mounts, 1);
  }
  set_size(skeleton.maps.hints, options.ring_bytes);
}

void set_programs(record_bpf& skeleton, const Options& options,
                  const Offer& offer, const Choice& choice) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    if (std::string_view(bpf_program__section_name(program))
            .starts_with("lsm/")) {
      bpf_program__set_autoload(program, choice.hooks);
    }
  }
  bpf_program__set_autoload(skeleton.progs.hook_file_truncate,
                            choice.hooks && offer.file_truncate);
  // One program of each pair, by what it may use to know the current task.
  const bool plain = offer.plain_loads;
  bpf_program__set_autoload(skeleton.progs.call_enters, plain);
  bpf_program__set_autoload(skeleton.progs.call_enters_old, !plain);
  bpf_program__set_autoload(skeleton.progs.call_exits, !options.light && plain);
  bpf_program__set_autoload(skeleton.progs.call_exits_old,
                            !options.light && !plain);
  bpf_program__set_autoload(skeleton.progs.signal_comes, !options.light);
  bpf_program__set_autoload(skeleton.progs.exec_prepares, !choice.enters);
  bpf_program__set_autoload(skeleton.progs.task_blocks, !choice.enters);
  bpf_program__set_autoload(skeleton.progs.capability_checked,
                            choice.capabilities && offer.cap_tracepoint);
  bpf_program__set_autoload(skeleton.progs.capability_returns,
                            choice.capabilities && !offer.cap_tracepoint);
}

bpf_program* enters_of(const record_bpf& skeleton) {
  return bpf_program__autoload(skeleton.progs.call_enters)
             ? skeleton.progs.call_enters
             : skeleton.progs.call_enters_old;
}

void set_up(record_bpf& skeleton, const Options& options, const Offer& offer,
            const Choice& choice) {
  set_sizes(skeleton, options);
  set_programs(skeleton, options, offer, choice);
  timespec tick{};
  ::clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  skeleton.rodata->tick_ns = static_cast<u64>(tick.tv_nsec);
  const bool by_exits = !options.light && !choice.hooks;
  const std::uint32_t native = native_arch();
  for (std::uint32_t nr = 0; nr < VMB_NATIVE_CALLS; ++nr) {
    const vmb_rule& rule = rules()[native * VMB_RULE_CALLS + nr];
    skeleton.rodata->ruled[nr] = static_cast<std::uint8_t>(
        (keeps_arguments(rule) ? VMB_RULED_ARGUMENTS : 0) |
        (options.light ? 0 : file_look(rule, by_exits)));
  }
  skeleton.rodata->watch_exits = options.light ? 0 : 1;
  skeleton.rodata->exits_tell_files = by_exits ? 1 : 0;
  skeleton.rodata->plain_loads = offer.plain_loads ? 1 : 0;
}

// May this process load programs that read kernel memory? Root in a container
// usually may not.
bool has_capabilities() {
  constexpr std::uint64_t kSysAdmin = std::uint64_t{1} << 21;
  constexpr std::uint64_t kPerfmon = std::uint64_t{1} << 38;
  constexpr std::uint64_t kBpf = std::uint64_t{1} << 39;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      const std::uint64_t held = std::strtoull(line.c_str() + 7, nullptr, 16);
      return (held & kSysAdmin) != 0 ||
             (held & (kPerfmon | kBpf)) == (kPerfmon | kBpf);
    }
  }
  return true;  // the kernel will tell
}

// The helpers that read kernel memory are then gone, and the programs that use
// them are invalid (kernel/trace/bpf_trace.c, LOCKDOWN_BPF_READ_KERNEL).
bool is_locked_down() {
  const auto modes = DiskFiles().read("/sys/kernel/security/lockdown");
  return modes && modes->contains("[confidentiality]");
}

Error load_error(int number) {
  const std::string said = first_line(last_words());
  if (is_locked_down()) {
    return Error(ErrorCode::Unavailable,
                 "kernel lockdown \"confidentiality\" forbids reading kernel "
                 "memory, without which no program can be recorded")
        .with_hint(
            "record on a machine booted with lockdown=integrity or none; "
            "policies made there hold here");
  }
  if (number == EPERM || number == EACCES) {
    if (::geteuid() != 0) {
      return Error(ErrorCode::Unavailable,
                   "recording needs root: the kernel refuses BPF programs "
                   "from this user")
          .with_hint("run it with sudo");
    }
    if (!has_capabilities()) {
      return Error(ErrorCode::Unavailable,
                   "this root lacks CAP_BPF and CAP_PERFMON, without which no "
                   "program can be recorded")
          .with_hint(
              "a container has them with --cap-add BPF --cap-add PERFMON; on "
              "the host, use a shell of its root");
    }
    return Error(ErrorCode::Unsupported,
                 fmt::format("the kernel refused a recorder program: {}",
                             said.empty() ? std::strerror(number) : said))
        .with_hint(
            "look at /sys/kernel/security/lockdown and at "
            "kernel.unprivileged_bpf_disabled; kernel lockdown "
            "\"confidentiality\" forbids reading kernel memory");
  }
  return Error(ErrorCode::Unsupported,
               fmt::format("cannot load the recorder: {} ({})",
                           std::strerror(number), said))
      .with_hint("Linux 6.1 or later with BTF is needed");
}

std::uint64_t misses_of(int program_fd) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  return program_fd >= 0 &&
                 bpf_obj_get_info_by_fd(program_fd, &info, &size) == 0
             ? info.recursion_misses
             : 0;
}

std::vector<std::string> entries(const std::string& directory,
                                 std::string_view prefix) {
  std::vector<std::string> paths;
  DIR* folder = ::opendir(directory.c_str());
  if (folder == nullptr) {
    return paths;
  }
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name.starts_with(prefix) && name != "." && name != "..") {
      paths.push_back(directory + "/" + name);
    }
  }
  ::closedir(folder);
  return paths;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::load(const Options& options,
                                               bool enters) {
  libbpf_set_print(keep_words);
  if (::geteuid() != 0 || !has_capabilities()) {
    return std::unexpected(load_error(EPERM));
  }
  std::unique_ptr<btf, void (*)(btf*)> kernel(btf__load_vmlinux_btf(),
                                              btf__free);
  if (!kernel || libbpf_get_error(kernel.get()) != 0) {
    return std::unexpected(
        Error(ErrorCode::Unsupported, "this kernel has no BTF")
            .with_hint("boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (the "
                       "file /sys/kernel/btf/vmlinux must exist)"));
  }

  const Offer offer = offer_of(kernel.get());
  if (options.file_probe == FileProbe::Hooks && !offer.hooks) {
    return std::unexpected(
        Error(ErrorCode::Unsupported,
              "this kernel lets no program into the hooks of its security "
              "modules")
            .with_hint("see whether /sys/kernel/security/lsm has bpf; without "
                       "--file-probe, calls tell the files"));
  }
  Choice choice{.hooks = offer.hooks && !options.light &&
                         options.file_probe != FileProbe::Calls,
                .capabilities = true};
  // The hooks ask which call they are in before they are asked themselves.
  choice.enters = enters || options.light || choice.hooks || !offer.exits;
  while (true) {
    last_words().clear();
    std::unique_ptr<Session> session(new Session);
    session->skeleton_ = record_bpf__open();
    if (session->skeleton_ == nullptr) {
      return std::unexpected(load_error(errno));
    }
    set_up(*session->skeleton_, options, offer, choice);
    const int failed = record_bpf__load(session->skeleton_);
    if (failed == 0) {
      TRY(session->settle(options, offer, choice));
      return session;
    }
    // Either may be missing; the rest may not.
    if (choice.hooks && options.file_probe == FileProbe::Automatic &&
        last_words().contains("hook_")) {
      choice.hooks = false;
    } else if (choice.capabilities && last_words().contains("capability_")) {
      choice.capabilities = false;
    } else {
      return std::unexpected(load_error(-failed));
    }
  }
}

Result<> Session::settle(const Options& options, const Offer& offer,
                         const Choice& choice) {
  enters_ = choice.enters;
  probes_["syscalls"] = enters_ ? "tp_btf/sys_enter" : "tp_btf/sys_exit";
  probes_["images"] = "tp_btf/sched_process_exec";
  if (!options.light) {
    probes_["errnos"] = "tp_btf/sys_exit";
    probes_["files"] = choice.hooks ? "lsm/file_open" : "tp_btf/sys_exit";
    probes_[std::string(evidence::kPathProbe)] =
        choice.hooks ? "lsm/path_unlink" : "tp_btf/sys_exit";
    probes_[std::string(evidence::kScriptProbe)] = "tp_btf/sched_process_exec";
    probes_[std::string(evidence::kMadeProbe)] =
        probes_[std::string(evidence::kPathProbe)];
    probes_[std::string(evidence::kMountProbe)] =
        choice.hooks ? "lsm/sb_mount" : "tp_btf/sys_exit";
    probes_[std::string(evidence::kTraceProbe)] =
        choice.hooks ? "lsm/ptrace_access_check" : "tp_btf/sys_exit";
  }
  if (choice.capabilities) {
    probes_["capabilities"] =
        offer.cap_tracepoint ? "tp_btf/cap_capable" : "fexit/cap_capable";
  } else {
    gaps_.push_back({"compat",
                     "capability checks were not watched: this kernel offers "
                     "neither the tracepoint nor the function"});
  }
  TRY_ASSIGN(maps_, Maps::of(skeleton_->obj));
  for (std::uint32_t index = 0; index < rules().size(); ++index) {
    if (keeps_arguments(rules()[index]) ||
        rules()[index].file != VMB_FILE_NOTHING) {
      TRY(maps_.put("rules", index, rules()[index]));
    }
  }
  return {};
}

Session::~Session() {
  const auto detached = detach();
  static_cast<void>(detached);  // whoever wants to know has asked before
  record_bpf__destroy(skeleton_);
}

Result<bpf_link*> Session::attach(bpf_program* program) const {
  bpf_link* link = bpf_program__attach(program);
  if (link == nullptr) {
    const int number = errno;
    return std::unexpected(
        Error(ErrorCode::Unsupported,
              fmt::format("cannot attach {}: {}",
                          bpf_program__section_name(program),
                          std::strerror(number)))
            .with_hint("this kernel lacks that tracepoint; Linux 6.1 or "
                       "later is needed"));
  }
  return link;
}

Result<> Session::attach() {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    if (!bpf_program__autoload(program) ||
        (!enters_ && program == enters_of(*skeleton_))) {
      continue;
    }
    TRY_ASSIGN(bpf_link* const link, attach(program));
    links_.emplace_back(bpf_program__name(program), link);
  }
  return {};
}

Result<> Session::watch_enters() {
  if (enters_) {
    return {};
  }
  bpf_program* const program = enters_of(*skeleton_);
  TRY_ASSIGN(bpf_link* const link, attach(program));
  // As if it had been first from the start: see detach().
  links_.emplace(links_.begin(), bpf_program__name(program), link);
  if (pins_) {
    TRY(pin(links_.front()));
  }
  enters_ = true;
  return {};
}

Result<> Session::pin(const std::string& directory) {
  TRY_ASSIGN(pins_, Pins::make(directory));
  pin_directory_ = directory;
  TRY(maps_.pin(directory));
  for (const auto& link : links_) {
    TRY(pin(link));
  }
  return {};
}

Result<> Session::pin(const std::pair<std::string, bpf_link*>& link) const {
  const std::string path = pin_directory_ + "/link_" + link.first;
  if (bpf_link__pin(link.second, path.c_str()) != 0) {
    return std::unexpected(system_error("pin " + path, errno));
  }
  return {};
}

Result<> Session::detach() {
  Result<> all;
  // Last attached, first removed: an exit seen after its enter was no longer
  // watched would look like a refused call.
  for (auto entry = links_.rbegin(); entry != links_.rend(); ++entry) {
    if (pins_) {
      if (auto removed = pins_->remove("link_" + entry->first);
          !removed && all) {
        all = std::move(removed);
      }
    }
    bpf_link__destroy(entry->second);
  }
  links_.clear();
  if (pins_) {
    if (auto removed = pins_->remove_all(); !removed && all) {
      all = std::move(removed);
    }
    pins_.reset();
  }
  return all;
}

std::uint64_t Session::recursion_misses() const {
  std::uint64_t misses = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_->obj) {
    misses += misses_of(bpf_program__fd(program));
  }
  return misses;
}

std::uint64_t pinned_recursion_misses(const std::string& directory) {
  std::uint64_t misses = 0;
  for (const std::string& path : entries(directory, "link_")) {
    const Fd link(bpf_obj_get(path.c_str()));
    bpf_link_info info{};
    std::uint32_t size = sizeof info;
    if (link && bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0) {
      const Fd program(bpf_prog_get_fd_by_id(info.prog_id));
      misses += misses_of(program.get());
    }
  }
  return misses;
}

void detach_pinned(const std::string& directory) {
  // The exit probe first, for the reason given in Session::detach().
  for (const char* name : {"/link_call_exits", "/link_call_exits_old"}) {
    ::unlink((directory + name).c_str());
  }
  ::usleep(20'000);
  for (const std::string& path : entries(directory, "link_")) {
    ::unlink(path.c_str());
  }
}

Result<> remove_pins(const std::string& directory) {
  TRY_ASSIGN(const Pins pins, Pins::open(directory));
  return pins.remove_all();
}

}  // namespace vambrace::recorder::ebpf
