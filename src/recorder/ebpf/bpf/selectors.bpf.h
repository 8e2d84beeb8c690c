/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which program of the harness begins a workload. */
#ifndef VAMBRACE_RECORDER_SELECTORS_H
#define VAMBRACE_RECORDER_SELECTORS_H

static long find_slash(u32 index, u32 *begin)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

	if (!work || index >= VMB_LONG_PATH)
		return 1;
	if (work->path[index] == '/')
		*begin = index + 1;
	return 0;
}

/* The last name of the path, into the key. */
static __noinline int take_base_name(struct vmb_selector_key *key,
				     const char *path)
{
	u32 zero = 0, begin = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	long length;

	if (!work || !key)
		return 0;
	length = bpf_probe_read_kernel_str(work->path, VMB_LONG_PATH, path);
	if (length <= 0)
		return 0;
	bpf_loop(length, find_slash, &begin, 0);
	__builtin_memset(key->name, 0, sizeof(key->name));
	return bpf_probe_read_kernel_str(key->name, sizeof(key->name),
					 path + begin) > 0;
}

/* The workload that a program started by the harness begins, or NO_SCOPE. */
static __noinline u32 selected(struct linux_binprm *bprm)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct vmb_selector_key *key;
	struct dentry *dentry;
	const char *filename;
	u32 *scope;

	if (!work || !bprm)
		return NO_SCOPE;
	key = &work->selector;
	__builtin_memset(key, 0, sizeof(*key));
	dentry = BPF_CORE_READ(bprm, file, f_path.dentry);
	key->inode = BPF_CORE_READ(dentry, d_inode, i_ino);
	key->device = BPF_CORE_READ(dentry, d_inode, i_sb, s_dev);
	scope = bpf_map_lookup_elem(&selectors, key);
	if (scope)
		return *scope;
	key->inode = 0;
	key->device = 0;
	bpf_probe_read_kernel_str(key->name, sizeof(key->name),
				  BPF_CORE_READ(dentry, d_name.name));
	scope = bpf_map_lookup_elem(&selectors, key);
	if (scope)
		return *scope;
	/* A script: the file that was asked for. */
	filename = BPF_CORE_READ(bprm, filename);
	if (BPF_CORE_READ(bprm, interp) == filename)
		return NO_SCOPE;
	__builtin_memset(key->name, 0, sizeof(key->name));
	bpf_probe_read_kernel_str(key->name, sizeof(key->name), filename);
	scope = bpf_map_lookup_elem(&selectors, key);
	if (scope)
		return *scope;
	if (take_base_name(key, filename))
		scope = bpf_map_lookup_elem(&selectors, key);
	return scope ? *scope : NO_SCOPE;
}

#endif
