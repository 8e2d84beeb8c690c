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
#define F_SETLK	   6
#define F_SETLKW   7
#define F_SETLEASE 1024

static __always_inline u32 access_of_lock(u32 type)
{
	return VMB_ACCESS_LOCK | (type == F_WRLCK ? VMB_ACCESS_WRITE : 0);
}

/* A command of fcntl about locks. */
static __always_inline bool is_lock(u32 command)
{
	switch (command) {
	case F_SETLK:
	case F_SETLKW:
	case 13: /* F_SETLK64 */
	case 14: /* F_SETLKW64 */
	case 37: /* F_OFD_SETLK */
	case 38: /* F_OFD_SETLKW */
	case F_SETLEASE: return true;
	default: return false;
	}
}

/* Of a struct flock in user memory. In a function of its own, whose stack is
 * small: Linux 6.13 and later give larger ones memory elsewhere
 * (BPF_PRIV_STACK_MIN_SIZE), and a copy to there takes longer. */
static __noinline u32 kind_of_lock(u64 named)
{
	u16 type = 0;

	if (bpf_probe_read_user(&type, sizeof(type), (void *)named))
		count_one(files_unread);
	return type;
}

static __always_inline u32 access_of_fcntl(struct pt_regs *regs, u32 arch)
{
	u32 command = argument(regs, arch, 1);
	u64 named = argument(regs, arch, 2);

	if (!is_lock(command))
		return 0;
	if (command == F_SETLEASE)
		return access_of_lock(named);
	return access_of_lock(kind_of_lock(named));
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

#define NEAR_LOCKS 4

/* Lists of locks that plain loads can read; since Linux 6.9. */
static __always_inline bool has_lock_lists(void)
{
	return plain_loads && bpf_core_type_exists(struct file_lock_core);
}

/*
 * Whether the lock that the task has taken or given back may be one for
 * writing: not if the kernel's list of the file's locks, which are all its own,
 * has none of these. To look there costs less than to read the user's memory.
 */
static __always_inline bool may_be_writing(struct task_struct *task, u64 inode)
{
	struct file_lock_core *lock;
	u32 in_lock, in_context;
	u64 context, end, at;

	/* By itself: the verifier knows both, and looks at nothing below that a
	 * kernel does not have. */
	if (!has_lock_lists())
		return true;
	if (!inode)
		return true;
	in_lock = bpf_core_field_offset(struct file_lock_core, flc_list);
	in_context = bpf_core_field_offset(struct file_lock_context, flc_posix);
	context = (u64)TYPED(struct inode, (void *)inode)->i_flctx;
	if (!context)
		return true;
	end = context + in_context;
	at = (u64)TYPED(struct file_lock_context, (void *)context)
		     ->flc_posix.next;
	for (u32 i = 0; i < NEAR_LOCKS; i++) {
		if (at == end)
			return false;
		lock = TYPED(struct file_lock_core, (void *)(at - in_lock));
		if (lock->flc_owner != task->files || lock->flc_type == F_WRLCK)
			return true;
		at = (u64)lock->flc_list.next;
	}
	return true;
}

/* The inode, if the kernel keeps the locks of the file as is known. */
static __always_inline u64 keeps_locks(struct file *file)
{
	struct file *known;

	if (!has_lock_lists())
		return 0;
	known = TYPED(struct file, file);
	return known->f_op->lock ? 0 : (u64)known->f_inode;
}

/* Counts the lock that the slot's task has taken or given back, if it is of the
 * file that was locked last, by a command and in a way that are known; false:
 * it is still to be noted, and so are its arguments. */
static __always_inline bool is_locked_again(struct task_struct *task,
					    struct pt_regs *regs,
					    struct vmb_slot *slot)
{
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
	if ((last->command == F_SETLK || last->command == F_SETLKW) &&
	    !may_be_writing(task, last->inode))
		access = VMB_ACCESS_LOCK;
	else
		access = access_of_fcntl(regs, NATIVE_ARCH);
	row = last->row[access & VMB_ACCESS_WRITE ? 1 : 0];
	dentry = (struct dentry *)last->dentry;
	if (is_owned(task, READ_OF(struct dentry, dentry, d_inode)))
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

/* What is noted next may have no row that remember_lock() could use. */
static __always_inline void forget_row(void)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

	if (work)
		work->row = 0;
}

/* That descriptor's file was locked, and that was just noted. */
static __noinline void remember_lock(struct task_struct *task,
				     struct pt_regs *regs, u32 arch)
{
	u32 at, zero = 0, own, fd, command;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct vmb_locked *last;
	struct file *file;
	u64 changes;

	if (!work || !task || !regs)
		return;
	at = task->pid & (VMB_SLOTS - 1);
	last = bpf_map_lookup_elem(&locked, &at);
	fd = argument(regs, arch, 0);
	command = argument(regs, arch, 1);
	file = file_of(task, fd);
	/* A row is in the task's own slot. */
	if (!last || !work->row || !file || !is_lock(command) ||
	    !has_own_descriptors(task))
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
		last->inode = keeps_locks(file);
		last->row[0] = 0;
		last->row[1] = 0;
	}
	last->row[work->file.access & VMB_ACCESS_WRITE ? 1 : 0] = work->row;
}

#endif
