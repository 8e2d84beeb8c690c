/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What is mounted where, and who looks into whom, as AppArmor is asked: the
 * table of mounts, and rows among the others. Both are rare: a mount is
 * resolved each time it is made, and is one row however often it is.
 */
#ifndef VAMBRACE_RECORDER_MOUNTS_H
#define VAMBRACE_RECORDER_MOUNTS_H

/* include/uapi/linux/mount.h */
#define MS_REMOUNT    32
#define MS_BIND	      4096
#define MS_MOVE	      8192
#define MS_REC	      16384
#define MS_SILENT     32768
#define MS_UNBINDABLE (1U << 17)
#define MS_PRIVATE    (1U << 18)
#define MS_SLAVE      (1U << 19)
#define MS_SHARED     (1U << 20)
#define MS_KERNMOUNT  (1U << 22)
#define MS_NOSEC      (1U << 28)
#define MS_BORN	      (1U << 29)
#define MS_ACTIVE     (1U << 30)
#define MS_MGC_VAL    0xC0ED0000U
#define MS_MGC_MSK    0xffff0000U
#define MS_TYPE	      (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
/* security/apparmor/include/mount.h */
#define AA_MS_IGNORE_MASK (MS_KERNMOUNT | MS_NOSEC | MS_ACTIVE | MS_BORN)
/* include/uapi/linux/ptrace.h */
#define PTRACE_TRACEME 0
#define PTRACE_ATTACH  16
#define PTRACE_SEIZE   0x4206

/* Which of the two places of a mount, and that its name is the user's. */
#define OF_TARGET   0
#define OF_SOURCE   1
#define BY_THE_USER 2

/* Which question mount(2)'s flags make AppArmor ask, and with which of them
 * (apparmor_sb_mount, security/apparmor/mount.c): operation << 32 | flags. */
static __always_inline u64 mount_work(u32 flags)
{
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	flags &= ~AA_MS_IGNORE_MASK;
	if (flags & MS_REMOUNT)
		return (u64)VMB_MOUNT_REMOUNT << 32 | flags;
	if (flags & MS_BIND)
		return (u64)VMB_MOUNT_BIND << 32 | (flags & (MS_REC | MS_BIND));
	if (flags & MS_TYPE)
		return (u64)VMB_MOUNT_TYPE << 32 |
		       (flags & (MS_REC | MS_SILENT | MS_TYPE));
	if (flags & MS_MOVE)
		return (u64)VMB_MOUNT_MOVE << 32 | MS_MOVE;
	return (u64)VMB_MOUNT_NEW << 32 | flags;
}

/* work: mount_work(); by: asked_by(). */
static __always_inline void begin_mount(struct vmb_scratch *scratch, u64 by,
					u64 work)
{
	__builtin_memset(&scratch->mount_key, 0, sizeof(scratch->mount_key));
	__builtin_memset(&scratch->mount, 0, sizeof(scratch->mount));
	scratch->mount_key.image = by >> 32;
	scratch->mount_key.phase = (u32)by;
	scratch->mount_key.operation = work >> 32;
	scratch->mount_key.flags = (u32)work;
}

/* The place where the walk begins becomes one of the mount's. */
static __noinline int take_place(struct vmb_scratch *work, struct walk *walk,
				 u32 which)
{
	struct vmb_path_key *place;
	struct vmb_path *path;

	if (!work || !walk)
		return 0;
	place = &work->file.place;
	if (!begin_place(work, walk, work->file.access & VMB_FILE_NAMED_ONLY))
		return 0;
	/* No function in between: there may be eight of them at a time. */
	if (!walk->done)
		bpf_loop(MAX_COMPONENTS, walk_up, walk, 0);
	place->mixed = walk->mixed;
	if (work->link.name)
		mix_own_name(work);
	path = bpf_map_lookup_elem(&paths, place);
	if (path) {
		work->fresh.path = *path;
	} else if (!keep_path(work, place, walk) ||
		   bpf_map_update_elem(&paths, place, &work->fresh.path,
				       BPF_ANY)) {
		count_one(paths_refused);
		return 0;
	}
	if (which & OF_SOURCE) {
		work->mount_key.source = *place;
		work->mount_key.source_is = work->file.access;
		work->mount.source = work->fresh.path;
	} else {
		work->mount_key.target = *place;
		work->mount_key.target_is = work->file.access;
		work->mount.target = work->fresh.path;
	}
	return 1;
}

/* A place in the tree: numbers, of a dentry and of its vfsmount. What is
 * mounted there is asked about by the same path as what is below: that is the
 * place, for it stays when the mount goes. */
__noinline int take_path(u64 dentry, u64 mnt, u32 which, u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct walk walk = {};
	struct mount *mount, *parent;

	if (!work || !dentry || !mnt)
		return 0;
	mount = mount_of((struct vfsmount *)mnt);
	walk.work = at;
	walk.dentry = (struct dentry *)dentry;
	work->file.access = kind_of(bpf_get_current_task_btf(), walk.dentry) &
			    VMB_FILE_FOLDER;
	enter_mount(&walk, mount);
	parent = BPF_CORE_READ(mount, mnt_parent);
	if (walk.dentry == walk.mount_root && parent && parent != mount) {
		walk.dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		enter_mount(&walk, parent);
	}
	return take_place(work, &walk, which);
}

/* A name in the current task's call, of which the kernel has a copy or the user
 * its own. True if there is none. */
__noinline int take_name(u64 name, u32 folder, u32 which, u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct walk walk = {};
	long length;

	if (!work)
		return 1;
	if (!name)
		return 1;
	work->file.access = VMB_FILE_NAMED_ONLY;
	walk.work = at;
	if (which & BY_THE_USER)
		length = bpf_probe_read_user_str(work->path, VMB_LONG_PATH,
						 (void *)name);
	else
		length = bpf_probe_read_kernel_str(work->path, VMB_LONG_PATH,
						   (void *)name);
	if (length < 0 || length > VMB_LONG_PATH) {
		count_one(files_unread);
		return 0;
	}
	if (length <= 1)
		return 1;
	if (folder == (u32)NO_FOLDER && work->path[0] != '/')
		return 0;
	walk.mixed = mix_path(work, length);
	if (!enter_folder(bpf_get_current_task_btf(), work, &walk, folder)) {
		count_one(files_unread);
		return 0;
	}
	work->named = length;
	take_place(work, &walk, which);
	return 0;
}

/* False if the name is longer than any file system's. */
static __always_inline bool take_type(struct vmb_scratch *work, u64 name,
				      bool user)
{
	char *type = work->mount_key.fstype;
	long length;

	if (!name)
		return true;
	if (user)
		length = bpf_probe_read_user_str(type, VMB_TYPE_BYTES,
						 (void *)name);
	else
		length = bpf_probe_read_kernel_str(type, VMB_TYPE_BYTES,
						   (void *)name);
	return length >= 0 && length < VMB_TYPE_BYTES;
}

__noinline int add_mount(u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct vmb_mount *known;
	u64 now = bpf_ktime_get_ns();

	if (!work)
		return 0;
	known = bpf_map_lookup_elem(&mounts, &work->mount_key);
	if (!known) {
		work->mount.tally.count = 1;
		work->mount.tally.first = now;
		work->mount.tally.last = now;
		if (!bpf_map_update_elem(&mounts, &work->mount_key,
					 &work->mount, BPF_NOEXIST)) {
			/* So that names can be followed in this namespace. */
			hint(VMB_HINT_ROOT, work->mount_key.image, 0, 0,
			     work->mount_key.phase,
			     bpf_get_current_task_btf()->tgid);
			return 0;
		}
		known = bpf_map_lookup_elem(&mounts, &work->mount_key);
		if (!known) {
			count_one(mounts_refused);
			return 0;
		}
	}
	__sync_fetch_and_add(&known->tally.count, 1);
	if (known->tally.last < now)
		known->tally.last = now;
	return 0;
}

static __always_inline bool has_source(u32 operation)
{
	return operation == VMB_MOUNT_NEW || operation == VMB_MOUNT_BIND ||
	       operation == VMB_MOUNT_MOVE;
}

/* mount(2), which succeeded. */
static __always_inline int note_mount(struct vmb_scratch *work,
				      struct pt_regs *regs, u64 by, u32 arch)
{
	u64 asked = mount_work(argument(regs, arch, 3));

	begin_mount(work, by, asked);
	if (asked >> 32 == VMB_MOUNT_NEW &&
	    !take_type(work, argument(regs, arch, 2), true)) {
		count_one(files_unread);
		return 0;
	}
	take_name(argument(regs, arch, 1), AT_FDCWD, OF_TARGET | BY_THE_USER,
		  0);
	if (!has_source(asked >> 32) ||
	    take_name(argument(regs, arch, 0), AT_FDCWD,
		      OF_SOURCE | BY_THE_USER, 0))
		work->mount_key.source_is = VMB_FILE_NONE;
	return add_mount(0);
}

/*
 * The other calls. After a pivot_root names that begin at the old root are
 * below the new one as they were; others are not known any more.
 */
__noinline int note_mount_call(u64 call, u64 by, u32 what)
{
	struct pt_regs *regs =
		(struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u32 zero = 0, arch = call >> 32;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

	if (!work)
		return 0;
	if (what == VMB_FILE_MOUNT)
		return note_mount(work, regs, by, arch);
	if (what == VMB_FILE_UMOUNT) {
		begin_mount(work, by, (u64)VMB_MOUNT_UMOUNT << 32);
		take_name(argument(regs, arch, 0), AT_FDCWD,
			  OF_TARGET | BY_THE_USER, 0);
		work->mount_key.source_is = VMB_FILE_NONE;
	} else if (what == VMB_FILE_PIVOT) {
		begin_mount(work, by, (u64)VMB_MOUNT_PIVOT << 32);
		take_name(argument(regs, arch, 0), NO_FOLDER,
			  OF_TARGET | BY_THE_USER, 0);
		take_name(argument(regs, arch, 1), NO_FOLDER,
			  OF_SOURCE | BY_THE_USER, 0);
	} else {
		begin_mount(work, by, (u64)VMB_MOUNT_MOVE << 32 | MS_MOVE);
		take_name(argument(regs, arch, 3), argument(regs, arch, 2),
			  OF_TARGET | BY_THE_USER, 0);
		if (take_name(argument(regs, arch, 1), argument(regs, arch, 0),
			      OF_SOURCE | BY_THE_USER, 0))
			work->mount_key.source_is = VMB_FILE_NONE;
	}
	return add_mount(0);
}

/*
 * One task looks into another, both by their number in the initial namespace of
 * processes; tracee 0 is one whose number there is not known.
 */
__noinline int note_trace(u32 tracer, u32 tracee, u32 access)
{
	struct vmb_other_key key = {.kind = VMB_OTHER_TRACE, .type = access};
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tracer);
	struct vmb_task *other = bpf_map_lookup_elem(&tasks, &tracee);

	if (!control.enabled || !known || !known->image)
		return 0;
	key.image = known->image;
	key.phase = known->phase;
	key.family = VMB_SIDE_OUTSIDE;
	if (!tracee) {
		key.family = VMB_SIDE_UNKNOWN;
	} else if (other && other->scope == known->scope) {
		key.protocol = other->image;
		key.family = other->image ? VMB_SIDE_PROGRAM : VMB_SIDE_UNKNOWN;
	}
	if (!add_tally(&others, &key, 1, bpf_ktime_get_ns()))
		count_one(others_refused);
	return 0;
}

/* The number that the current task gave for another one; 0 if it is in a
 * namespace of processes that numbers them otherwise. */
static __always_inline u32 tid_of(struct task_struct *task, u64 number)
{
	return BPF_CORE_READ(task, thread_pid, level) ? 0 : (u32)number;
}

/* ptrace and process_vm_..., which succeeded. */
__noinline int note_trace_call(u64 call, u32 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 arch = call >> 32, tracee;
	u64 request;

	if (what == VMB_FILE_TRACE) {
		request = (u32)argument(regs, arch, 0);
		if (request == PTRACE_TRACEME)
			return note_trace(BPF_CORE_READ(task, real_parent, pid),
					  task->pid, VMB_TRACE_TRACE);
		if (request != PTRACE_ATTACH && request != PTRACE_SEIZE)
			return 0;
		tracee = tid_of(task, argument(regs, arch, 1));
	} else {
		tracee = tid_of(task, argument(regs, arch, 0));
		if (tracee == task->tgid || tracee == task->pid)
			return 0;
	}
	return note_trace(task->pid, tracee, VMB_TRACE_TRACE);
}

/* A program starts that is traced: under another profile, its tracer must be
 * allowed that (may_change_ptraced_domain, security/apparmor/domain.c). */
static __always_inline void note_traced_start(struct task_struct *task)
{
	if (BPF_CORE_READ(task, ptrace))
		note_trace(BPF_CORE_READ(task, parent, pid),
			   BPF_CORE_READ(task, pid), VMB_TRACE_TRACE);
}

#endif
