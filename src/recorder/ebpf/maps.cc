#include "recorder/ebpf/maps.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>

#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

constexpr std::array kNames = {
    ".bss",   "tasks",      "images",       "image_ids",     "facts",
    "errnos", "tuples",     "tuple_counts", "others",        "caps",
    "rules",  "scopes",     "selectors",    "scope_cgroups", "phases",
    "stacks", "files",      "mounts",       "seen",          "paths",
    "checks", "path_bytes", "hints",        ".data.control", ".data.counters"};

// bpffs does not take a dot at the start of a name.
std::string file_name(const std::string& name) {
  if (name.starts_with(".data.")) {
    return name.substr(6);
  }
  return name.starts_with(".") ? name.substr(1) : name;
}

}  // namespace

Result<Maps> Maps::of(bpf_object* object) {
  Maps maps;
  for (const char* name : kNames) {
    const int fd = bpf_object__find_map_fd_by_name(object, name);
    if (fd < 0) {
      return fail(ErrorCode::Internal, "the recorder has no map {}", name);
    }
    maps.fds_.emplace(name, ::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  }
  return maps;
}

Result<Maps> Maps::pinned(const std::string& directory) {
  Maps maps;
  for (const char* name : kNames) {
    const std::string path = directory + "/" + file_name(name);
    const int fd = bpf_obj_get(path.c_str());
    if (fd < 0) {
      return std::unexpected(system_error("open " + path, errno));
    }
    maps.fds_.emplace(name, fd);
  }
  return maps;
}

int Maps::fd(const std::string& name) const {
  const auto found = fds_.find(name);
  CHECK(found != fds_.end());
  return found->second.get();
}

Result<> Maps::pin(const std::string& directory) const {
  for (const auto& [name, fd] : fds_) {
    const std::string path = directory + "/" + file_name(name);
    if (bpf_obj_pin(fd.get(), path.c_str()) != 0) {
      return std::unexpected(system_error("pin " + path, errno));
    }
  }
  return {};
}

template <class Value>
Mapped<Value>::~Mapped() {
  if (value_ != nullptr) {
    ::munmap(const_cast<Value*>(value_), sizeof(Value));
  }
}

template <class Value>
Result<Mapped<Value>> Mapped<Value>::of(int map_fd) {
  void* memory = ::mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE,
                        MAP_SHARED, map_fd, 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(system_error("map the recorder's memory", errno));
  }
  Mapped mapped;
  mapped.value_ = static_cast<volatile Value*>(memory);
  return mapped;
}

template class Mapped<vmb_control>;
template class Mapped<vmb_counters>;

Result<> mark_phase(const Maps& maps, const std::string& name) {
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (name.empty() || name.size() >= VMB_PHASE_NAME || !printable) {
    return fail(ErrorCode::InvalidInput,
                "\"{}\" is no phase name: 1 to {} characters without spaces",
                name, VMB_PHASE_NAME - 1);
  }
  TRY_ASSIGN(auto control, Mapped<vmb_control>::of(maps.fd(".data.control")));
  std::uint32_t number = 0;
  const std::uint32_t known = control->phases;
  for (; number < known; ++number) {
    TRY_ASSIGN(const auto phase, maps.at<vmb_phase>("phases", number));
    if (name ==
        std::string_view(phase.name, ::strnlen(phase.name, VMB_PHASE_NAME))) {
      break;
    }
  }
  if (number == VMB_MAX_PHASES) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("more than {} phases", +VMB_MAX_PHASES))
            .with_hint("use fewer names; a name may come again"));
  }
  if (number == known) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    vmb_phase phase{};
    phase.start = static_cast<u64>(now.tv_sec) * 1'000'000'000 +
                  static_cast<u64>(now.tv_nsec);
    std::memcpy(phase.name, name.data(), name.size());
    TRY(maps.put("phases", number, phase));
    control->phases = number + 1;
  }
  // The epoch comes last: who sees the new one reads the new phase.
  control->phase = number;
  __atomic_fetch_add(&control->epoch, 1, __ATOMIC_SEQ_CST);
  return {};
}

}  // namespace vambrace::recorder::ebpf
