/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Locks by descriptor. A database takes and gives back several per transaction,
 * and the way up from the file each time would be half of what recording it
 * costs. So the file that a task locked last is remembered, and which rows of
 * `seen` count that: while the descriptor stays, so does the file that it
 * stands for. The kernel does not look at the path of such a lock either
 * (AppArmor keeps with an open file what it was asked about that,
 * security/apparmor/file.c, aa_file_perm), so that a name which changed
 * meanwhile, its own or one above it, is no news.
 *
 * The descriptor stays if nobody else has the task's table of descriptors, and
 * the task has not made a call since that may take one out or share the table:
 * close and the like; ioctl, by which autofs and binder close some; bpf, which
 * may run a program that does (bpf_sys_close). Other ways to change a table are
 * those of a tracer, of a filter's supervisor (SECCOMP_IOCTL_NOTIF_ADDFD) and
 * of io_uring: tasks with one of these are not looked at.
 */
#ifndef VAMBRACE_RECORDER_LOCKS_H
#define VAMBRACE_RECORDER_LOCKS_H

/* include/uapi/asm-generic/fcntl.h */
#define F_WRLCK	   1
#define F_SETLEASE 1024

static __always_inline u32 access_of_lock(u32 type)
{
	return VMB_ACCESS_LOCK | (type == F_WRLCK ? VMB_ACCESS_WRITE : 0);
}

/* A command of fcntl about locks. */
static __always_inline bool is_lock(u32 command)
{
	switch (command) {
	case 6:	 /* F_SETLK */
	case 7:	 /* F_SETLKW */
	case 13: /* F_SETLK64 */
	case 14: /* F_SETLKW64 */
	case 37: /* F_OFD_SETLK */
	case 38: /* F_OFD_SETLKW */
	case F_SETLEASE: return true;
	default: return false;
	}
}

static __always_inline u32 access_of_fcntl(struct pt_regs *regs, u32 arch)
{
	u32 command = argument(regs, arch, 1);
	u64 named = argument(regs, arch, 2);
	u16 type = 0;

	if (!is_lock(command))
		return 0;
	if (command == F_SETLEASE)
		return access_of_lock(named);
	if (bpf_probe_read_user(&type, sizeof(type), (void *)named))
		count_one(files_unread);
	return access_of_lock(type);
}

/* How often the slot's task made a call after which a descriptor may stand for
 * another file. What flushes the slot forgets the file (forget_lock). */
static __always_inline u64 descriptor_changes(struct vmb_slot *slot)
{
	u64 calls = (u64)slot->cells[NR_CLOSE].count +
		    slot->cells[NR_IOCTL].count + slot->cells[NR_BPF].count +
		    slot->cells[NR_CLOSE_RANGE].count +
		    slot->cells[NR_DUP3].count + slot->cells[NR_CLONE].count +
		    slot->cells[NR_CLONE3].count;

#ifdef NR_DUP2
	calls += slot->cells[NR_DUP2].count;
#endif
	return calls;
}

/* Whether only its own calls can change the table of descriptors of a task. */
static __always_inline bool has_own_descriptors(struct task_struct *task)
{
	if (bpf_core_field_exists(task->io_uring) && task->io_uring)
		return false;
	return task->files->count.counter == 1 && !is_supervised(task);
}

/* Counts the lock that the slot's task has taken or given back, if it is of the
 * file that was locked last, by a command and in a way that are known; false:
 * it is still to be noted, and so are its arguments. */
static __noinline bool is_locked_again(struct pt_regs *regs,
				       struct vmb_slot *slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 at = task->pid & (VMB_SLOTS - 1), row, access;
	struct vmb_locked *last = bpf_map_lookup_elem(&locked, &at);
	struct vmb_seen_files *all;
	struct vmb_seen *mine;
	struct dentry *dentry;

	if (!last || !last->dentry ||
	    last->fd != (u32)argument(regs, NATIVE_ARCH, 0) ||
	    last->command != (u32)argument(regs, NATIVE_ARCH, 1) ||
	    !has_own_descriptors(task) ||
	    last->changes != descriptor_changes(slot))
		return false;
	access = access_of_fcntl(regs, NATIVE_ARCH);
	row = last->row[access & VMB_ACCESS_WRITE ? 1 : 0];
	dentry = (struct dentry *)last->dentry;
	if (is_owned(READ_OF(struct dentry, dentry, d_inode)))
		access |= VMB_FILE_OWNED;
	all = bpf_map_lookup_elem(&seen, &at);
	if (!row || !all)
		return false;
	mine = &all->file[(row - 1) & (VMB_SEEN - 1)];
	/* Unless another file took its place. */
	if ((s32)mine->count < 0 || mine->dentry != last->dentry ||
	    mine->key.place.mixed != last->place.mixed ||
	    mine->key.place.mount != last->place.mount ||
	    (mine->key.access & (0xffff | VMB_FILE_OWNED)) != access ||
	    mine->key.image != slot->image || mine->key.phase != slot->phase)
		return false;
	mine->count++;
	mine->last = (u32)bpf_jiffies64();
	return true;
}

/* That descriptor's file was locked, which note_access() has just noted. */
static __noinline void remember_lock(u32 fd, u32 command, u32 access)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 at = task->pid & (VMB_SLOTS - 1), zero = 0, own;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct vmb_locked *last = bpf_map_lookup_elem(&locked, &at);
	u64 changes;

	/* A row is in the task's own slot. */
	if (!work || !last || !work->row || !has_own_descriptors(task))
		return;
	/* Linux 6.1 forgets the bounds of what it keeps on the stack. */
	own = at;
	barrier_var(own);
	changes = descriptor_changes(&slots[own & (VMB_SLOTS - 1)]);
	if (!last->dentry || last->fd != fd || last->command != command ||
	    last->changes != changes ||
	    last->place.mixed != work->file.place.mixed ||
	    last->place.mount != work->file.place.mount) {
		last->dentry = work->start;
		last->fd = fd;
		last->command = command;
		last->changes = changes;
		last->place = work->file.place;
		last->row[0] = 0;
		last->row[1] = 0;
	}
	last->row[access & VMB_ACCESS_WRITE ? 1 : 0] = work->row;
}

#endif
