#pragma once

#include <initializer_list>
#include <string>

#include "evidence/evidence.h"
#include "evidence/merge.h"

// Small evidence for tests, told in a few lines.
namespace vambrace::policy::sample {

inline kernel::Syscall call(const char* name,
                            kernel::Arch arch = kernel::Arch::X86_64) {
  return {arch, kernel::syscall_number(arch, name).value()};
}

inline evidence::By seen(std::uint64_t count, const char* phase = "serving",
                         const char* recording = "r1") {
  evidence::Share share;
  share.count = count;
  share.phases = {{phase, count}};
  return {{recording, share}};
}

inline evidence::By failed(std::uint64_t count, const char* error) {
  evidence::By by = seen(count);
  by.begin()->second.errnos = {{error, count}};
  return by;
}

inline evidence::By refused(std::uint64_t count, const char* error) {
  evidence::Share share;
  share.denied = count;
  share.denied_errnos = {{error, count}};
  return {{"r1", share}};
}

using Tuples = std::set<std::vector<std::uint64_t>>;

inline evidence::SyscallFact fact(const char* name, evidence::By by = seen(1)) {
  return {call(name), {}, {}, std::move(by)};
}

inline evidence::SyscallFact fact(const char* name, Tuples tuples,
                                  evidence::By by = seen(1)) {
  return {
      call(name), evidence::Arguments{std::move(tuples)}, {}, std::move(by)};
}

inline evidence::FileFact file(const char* path, const char* access,
                               evidence::By by = seen(1), bool owner = false) {
  return {path, access, owner, std::move(by)};
}

inline evidence::Process process(
    std::vector<evidence::SyscallFact> facts, const char* exe = "/bin/app",
    evidence::Origin origin = evidence::Origin::App) {
  evidence::Process out;
  out.key.exe = exe;
  out.key.origin = origin;
  out.syscalls = std::move(facts);
  return out;
}

inline evidence::Process with_files(
    std::vector<evidence::FileFact> files, const char* exe = "/bin/app",
    evidence::Origin origin = evidence::Origin::App, const char* parent = "") {
  evidence::Process out = process({}, exe, origin);
  out.key.parent = parent;
  out.files = std::move(files);
  return out;
}

inline evidence::Evidence evidence_of(std::vector<evidence::Process> processes,
                                      const char* recording = "r1") {
  evidence::Evidence out;
  out.workload.id = "spiffe://local/app";
  evidence::Recording one;
  one.id = recording;
  out.recordings.push_back(one);
  out.processes = std::move(processes);
  return evidence::canonical(out);
}

}  // namespace vambrace::policy::sample
