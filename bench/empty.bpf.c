// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// The least that a recorder on these tracepoints can cost.
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
enum bpf_map_type { BPF_MAP_TYPE_UNSPEC };
#include <bpf/bpf_helpers.h>

SEC("tp_btf/sys_enter")
int enter(void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int leave(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
