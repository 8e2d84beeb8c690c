#include "recorder/ebpf/offer.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

// 0 if the kernel has no such function.
std::uint32_t function_of(const btf* kernel, const std::string& name) {
  return static_cast<std::uint32_t>(
      std::max(0, btf__find_by_name_kind(kernel, name.c_str(), BTF_KIND_FUNC)));
}

bool is_active_module(std::string_view name) {
  const auto modules = DiskFiles().read("/sys/kernel/security/lsm");
  return modules && std::ranges::any_of(
                        std::views::split(*modules, ','), [&](auto module) {
                          return std::string_view(module) == name;
                        });
}

// Some kernels and lockdown modes refuse every program of this kind.
bool may_hook(const btf* kernel) {
  const bpf_insn program[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT}};
  bpf_prog_load_opts options{};
  options.sz = sizeof options;
  options.expected_attach_type = BPF_LSM_MAC;
  options.attach_btf_id = function_of(kernel, "bpf_lsm_file_open");
  return options.attach_btf_id != 0 &&
         Fd(bpf_prog_load(BPF_PROG_TYPE_LSM, "hook_allowed", "GPL", program,
                          std::size(program), &options));
}

}  // namespace

Offer offer_of(const btf* kernel) {
  Offer offer;
  offer.cap_tracepoint = btf__find_by_name_kind(kernel, "btf_trace_cap_capable",
                                                BTF_KIND_TYPEDEF) > 0;
  // The file is there with that option (kernel/pid_namespace.c).
  offer.exits = btf__find_by_name_kind(kernel, "btf_trace_sched_prepare_exec",
                                       BTF_KIND_TYPEDEF) > 0 &&
                DiskFiles().read("/proc/sys/kernel/ns_last_pid").has_value();
  offer.plain_loads = function_of(kernel, "bpf_rdonly_cast") != 0;
  offer.file_truncate = function_of(kernel, "bpf_lsm_file_truncate") != 0;
  // The hooks with paths are there with CONFIG_SECURITY_PATH.
  offer.hooks = is_active_module("bpf") &&
                function_of(kernel, "bpf_lsm_path_unlink") != 0 &&
                may_hook(kernel);
  return offer;
}

}  // namespace vambrace::recorder::ebpf
