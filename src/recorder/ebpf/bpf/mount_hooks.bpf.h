/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Mounts, and looks into other processes, from the hooks of the security
 * modules. What AppArmor makes of each is in security/apparmor/mount.c and
 * apparmor_ptrace_access_check().
 */
#ifndef VAMBRACE_RECORDER_MOUNT_HOOKS_H
#define VAMBRACE_RECORDER_MOUNT_HOOKS_H

/* include/linux/ptrace.h */
#define PTRACE_MODE_READ    0x01
#define PTRACE_MODE_NOAUDIT 0x04

/* Another task's memory, state or files. What is asked without a word for the
 * log is what to show of it in /proc/PID/stat: no need of whoever looks. */
SEC("lsm/ptrace_access_check")
int hook_ptrace_access_check(u64 *ctx)
{
	struct task_struct *other = (struct task_struct *)ctx[0];
	struct vmb_question asked = {};
	u32 mode = ctx[1];

	if (mode & PTRACE_MODE_NOAUDIT || !is_asked(&asked))
		return 0;
	note_trace(bpf_get_current_task_btf()->pid, BPF_CORE_READ(other, pid),
		   mode & PTRACE_MODE_READ ? VMB_TRACE_READ : VMB_TRACE_TRACE);
	return 0;
}

/* By the one to be traced. */
SEC("lsm/ptrace_traceme")
int hook_ptrace_traceme(u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0];

	note_trace(BPF_CORE_READ(parent, pid), bpf_get_current_task_btf()->pid,
		   VMB_TRACE_TRACE);
	return 0;
}

static __noinline int ask_mount(u64 *ctx, u64 by)
{
	struct path *path = (struct path *)ctx[1];
	u32 at = claim_scratch();
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	u64 asked = mount_work(ctx[3]);

	if (!at || !work)
		return 0;
	begin_mount(work, by, asked);
	if (asked >> 32 == VMB_MOUNT_NEW && !take_type(work, ctx[2], false)) {
		count_one(files_unread);
		work->busy = 0;
		return 0;
	}
	take_path((u64)BPF_CORE_READ(path, dentry), mnt_of(path), OF_TARGET,
		  at);
	if (!has_source(asked >> 32) ||
	    take_name(ctx[0], AT_FDCWD, OF_SOURCE, at))
		work->mount_key.source_is = VMB_FILE_NONE;
	add_mount(at);
	work->busy = 0;
	return 0;
}

/* The device's name, the place, the type of file system, flags. */
SEC("lsm/sb_mount")
int hook_sb_mount(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_mount(ctx, asked.by);
	return 0;
}

/* Two places in the tree; `from` 0 for none. */
static __noinline int ask_places(struct path *to, struct path *from, u64 by,
				 u64 what)
{
	u32 at = claim_scratch();
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);

	if (!at || !work)
		return 0;
	begin_mount(work, by, what);
	if (to)
		take_path((u64)BPF_CORE_READ(to, dentry), mnt_of(to), OF_TARGET,
			  at);
	if (from)
		take_path((u64)BPF_CORE_READ(from, dentry), mnt_of(from),
			  OF_SOURCE, at);
	else
		work->mount_key.source_is = VMB_FILE_NONE;
	add_mount(at);
	work->busy = 0;
	return 0;
}

SEC("lsm/move_mount")
int hook_move_mount(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path *from = (struct path *)ctx[0];
	struct vmb_question asked = {};
	struct mount *mount;

	if (!is_asked(&asked))
		return 0;
	mount = mount_of((struct vfsmount *)mnt_of(from));
	/* A new one that is nowhere yet. */
	if (BPF_CORE_READ(mount, mnt_ns) !=
	    BPF_CORE_READ(task, nsproxy, mnt_ns))
		from = NULL;
	ask_places((struct path *)ctx[1], from, asked.by,
		   (u64)VMB_MOUNT_MOVE << 32 | MS_MOVE);
	return 0;
}

/* Where the old root goes, and the new root. */
SEC("lsm/sb_pivotroot")
int hook_sb_pivotroot(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_places((struct path *)ctx[1], (struct path *)ctx[0],
			   asked.by, (u64)VMB_MOUNT_PIVOT << 32);
	return 0;
}

SEC("lsm/sb_umount")
int hook_sb_umount(u64 *ctx)
{
	struct vfsmount *mnt = (struct vfsmount *)ctx[0];
	struct vmb_question asked = {};
	struct vmb_scratch *work;
	u32 at;

	if (!is_asked(&asked))
		return 0;
	at = claim_scratch();
	work = bpf_map_lookup_elem(&scratch, &at);
	if (!at || !work)
		return 0;
	begin_mount(work, asked.by, (u64)VMB_MOUNT_UMOUNT << 32);
	/* The pointer as a number, which a function can be given. */
	*(volatile u64 *)&work->number = (u64)mnt;
	take_path((u64)BPF_CORE_READ(mnt, mnt_root),
		  *(volatile u64 *)&work->number, OF_TARGET, at);
	work->mount_key.source_is = VMB_FILE_NONE;
	add_mount(at);
	work->busy = 0;
	return 0;
}

#endif
