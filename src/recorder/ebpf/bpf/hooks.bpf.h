/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Files, from the hooks of the security modules: where
 * AppArmor itself is asked, with the same file, before the call has ended. The
 * access that each asks for is in security/apparmor/lsm.c.
 *
 * A hook may be preempted, and runs in calls that other calls contain: an open
 * that makes a file asks path_mknod first. What the call in progress is tells
 * these apart.
 */
#ifndef VAMBRACE_RECORDER_HOOKS_H
#define VAMBRACE_RECORDER_HOOKS_H

/* include/linux/sched.h */
#define PF_IO_WORKER   0x00000010
#define PF_USER_WORKER 0x00004000 /* Linux 6.4 */

/* What is asked in the current task's name. */
struct vmb_question {
	u64 by;	  /* asked_by() */
	u32 call; /* VMB_FILE_... of the call in progress */
	u32 unused;
};

/* A thread that works off its process's io_uring begins with no fork that is
 * seen. */
static __always_inline struct vmb_task *
known_or_leader(struct task_struct *task)
{
	u32 tid = task->pid, leader = task->tgid;
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);

	if (!known && task->flags & PF_IO_WORKER)
		known = bpf_map_lookup_elem(&tasks, &leader);
	return known;
}

/*
 * Whether a recorded program asks, and in which call. With other credentials
 * than its own it is the kernel that does (an overlay, below itself), and what
 * an execve does is told by the tracepoint at its end.
 */
static __noinline int is_asked(struct vmb_question *question)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	struct vmb_task *known;
	u64 pending;

	if (!question || !control.enabled || task->cred != task->real_cred)
		return 0;
	if (slot->owner == tid) {
		pending = slot->pending;
		question->by = asked_by(slot->image, slot->phase);
	} else {
		if (is_stranger(tid, control.epoch))
			return 0;
		known = known_or_leader(task);
		if (!known)
			return 0;
		pending = pending_call(slot_at(known->slot), known);
		question->by = asked_by(known->image, known->phase);
	}
	pending &= ~VMB_PENDING_BITS;
	question->call = pending ? file_work(pending - 1) : VMB_FILE_NOTHING;
	return question->by >> 32 && question->call != VMB_FILE_EXEC;
}

/* Scratch memory of this hook alone; 0 if there is none. */
static __always_inline u32 claim_scratch(void)
{
	struct vmb_scratch *work;
	u32 at;

	for (u32 i = 1; i < VMB_SCRATCHES; i++) {
		at = i;
		work = bpf_map_lookup_elem(&scratch, &at);
		if (work && !__sync_val_compare_and_swap(&work->busy, 0, 1)) {
			work->at = at;
			return at;
		}
	}
	count_one(files_unread);
	return 0;
}

static __noinline int ask_file(struct file *file, u64 by, u32 access)
{
	struct vmb_scratch *work;
	u32 at;

	if (!file || !access)
		return 0;
	at = claim_scratch();
	work = bpf_map_lookup_elem(&scratch, &at);
	if (!at || !work)
		return 0;
	/* The pointer as a number, which a function can be given. */
	*(volatile u64 *)&work->number = (u64)file;
	note_access(*(volatile u64 *)&work->number, by, access, at);
	work->busy = 0;
	return 0;
}

/* A name on a mount; what it is, is told by `like`, or by `access` if that is
 * null: a file that its maker will own. */
static __noinline int ask_entry(struct dentry *dentry, u64 mnt,
				struct dentry *like, u64 by, u32 access)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct walk walk = {};
	struct vmb_scratch *work;
	u32 at;

	if (!dentry)
		return 0;
	at = claim_scratch();
	work = bpf_map_lookup_elem(&scratch, &at);
	if (!at || !work)
		return 0;
	access |= like ? kind_of(task, like) : VMB_FILE_OWNED;
	begin_file(work, by, access);
	walk.work = at;
	*(volatile u64 *)&work->number = (u64)dentry;
	walk.dentry = (struct dentry *)*(volatile u64 *)&work->number;
	enter_mount(&walk, mount_of((struct vfsmount *)mnt));
	if (!note_place(task, work, &walk, false))
		note_forgotten(at);
	work->busy = 0;
	return 0;
}

static __always_inline u64 mnt_of(struct path *path)
{
	return (u64)BPF_CORE_READ(path, mnt);
}

static __always_inline int ask_path(struct path *path, u64 by, u32 access)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);

	return ask_entry(dentry, mnt_of(path), dentry, by, access);
}

/* The socket in the file system; an abstract one has no place there. */
static __always_inline int ask_socket(struct sock *other)
{
	struct unix_sock *named = (struct unix_sock *)other;
	struct vmb_question asked = {};
	struct dentry *dentry;

	if (!is_asked(&asked))
		return 0;
	dentry = BPF_CORE_READ(named, path.dentry);
	return ask_entry(dentry, (u64)BPF_CORE_READ(named, path.mnt), dentry,
			 asked.by, VMB_ACCESS_READ | VMB_ACCESS_WRITE);
}

SEC("lsm/file_open")
int hook_file_open(u64 *ctx)
{
	struct file *file = (struct file *)ctx[0];
	struct vmb_question asked = {};

	if (!is_asked(&asked))
		return 0;
	ask_file(file, asked.by,
		 access_of_open(file, READ_OF(struct file, file, f_flags)));
	return 0;
}

SEC("lsm/mmap_file")
int hook_mmap_file(u64 *ctx)
{
	struct vmb_question asked = {};

	if (ctx[0] && is_asked(&asked))
		ask_file((struct file *)ctx[0], asked.by,
			 access_of_mapping(ctx[2]));
	return 0;
}

SEC("lsm/file_mprotect")
int hook_file_mprotect(u64 *ctx)
{
	struct vm_area_struct *memory = (struct vm_area_struct *)ctx[0];
	struct vmb_question asked = {};
	u32 access = access_of_mapping(ctx[2]);

	if (access && is_asked(&asked))
		ask_file(BPF_CORE_READ(memory, vm_file), asked.by, access);
	return 0;
}

SEC("lsm/file_lock")
int hook_file_lock(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_file((struct file *)ctx[0], asked.by,
			 access_of_lock(ctx[1]));
	return 0;
}

/* A descriptor that another process gave. */
SEC("lsm/file_receive")
int hook_file_receive(u64 *ctx)
{
	struct file *file = (struct file *)ctx[0];
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_file(file, asked.by, access_of_given(file));
	return 0;
}

/* Before Linux 6.2 also for a descriptor. */
SEC("lsm/path_truncate")
int hook_path_truncate(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked) && !is_open(asked.call))
		ask_path((struct path *)ctx[0], asked.by, VMB_ACCESS_WRITE);
	return 0;
}

SEC("lsm/file_truncate")
int hook_file_truncate(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked) && !is_open(asked.call))
		ask_file((struct file *)ctx[0], asked.by, VMB_ACCESS_WRITE);
	return 0;
}

static __always_inline int ask_changed(u64 *ctx, u32 access)
{
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_path((struct path *)ctx[0], asked.by, access);
	return 0;
}

SEC("lsm/path_chmod")
int hook_path_chmod(u64 *ctx)
{
	return ask_changed(ctx, VMB_ACCESS_CHMOD);
}

SEC("lsm/path_chown")
int hook_path_chown(u64 *ctx)
{
	return ask_changed(ctx, VMB_ACCESS_CHOWN);
}

static __always_inline int ask_removed(u64 *ctx)
{
	struct dentry *dentry = (struct dentry *)ctx[1];
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_entry(dentry, mnt_of((struct path *)ctx[0]), dentry,
			  asked.by, VMB_ACCESS_DELETE);
	return 0;
}

SEC("lsm/path_unlink")
int hook_path_unlink(u64 *ctx)
{
	return ask_removed(ctx);
}

SEC("lsm/path_rmdir")
int hook_path_rmdir(u64 *ctx)
{
	return ask_removed(ctx);
}

static __always_inline int ask_new(u64 *ctx, u32 kind)
{
	struct vmb_question asked = {};

	if (is_asked(&asked) && !is_open(asked.call))
		ask_entry((struct dentry *)ctx[1],
			  mnt_of((struct path *)ctx[0]), NULL, asked.by,
			  VMB_ACCESS_CREATE | kind);
	return 0;
}

SEC("lsm/path_mkdir")
int hook_path_mkdir(u64 *ctx)
{
	return ask_new(ctx, VMB_FILE_FOLDER);
}

SEC("lsm/path_mknod")
int hook_path_mknod(u64 *ctx)
{
	return ask_new(ctx, 0);
}

SEC("lsm/path_symlink")
int hook_path_symlink(u64 *ctx)
{
	return ask_new(ctx, 0);
}

/* The old name, the new one's folder and itself; the owner is the file's. */
SEC("lsm/path_link")
int hook_path_link(u64 *ctx)
{
	struct vmb_question asked = {};

	if (is_asked(&asked))
		ask_entry((struct dentry *)ctx[2],
			  mnt_of((struct path *)ctx[1]),
			  (struct dentry *)ctx[0], asked.by, VMB_ACCESS_LINK);
	return 0;
}

static __always_inline void ask_move(struct dentry *from, u64 from_mnt,
				     struct dentry *to, u64 to_mnt, u64 by,
				     u32 made)
{
	ask_entry(from, from_mnt, from, by,
		  VMB_ACCESS_READ | VMB_ACCESS_WRITE | VMB_ACCESS_DELETE);
	ask_entry(to, to_mnt, from, by,
		  VMB_ACCESS_WRITE | VMB_ACCESS_CREATE | made);
}

/* Folder and name of the old, of the new, and the flags. */
SEC("lsm/path_rename")
int hook_path_rename(u64 *ctx)
{
	u64 from_mnt = mnt_of((struct path *)ctx[0]);
	u64 to_mnt = mnt_of((struct path *)ctx[2]);
	struct dentry *from = (struct dentry *)ctx[1];
	struct dentry *to = (struct dentry *)ctx[3];
	struct vmb_question asked = {};

	if (!is_asked(&asked))
		return 0;
	if ((u32)ctx[4] & RENAME_EXCHANGE) {
		ask_move(from, from_mnt, to, to_mnt, asked.by, 0);
		ask_move(to, to_mnt, from, from_mnt, asked.by, 0);
	} else {
		ask_move(from, from_mnt, to, to_mnt, asked.by, VMB_FILE_MADE);
	}
	return 0;
}

SEC("lsm/unix_stream_connect")
int hook_unix_stream_connect(u64 *ctx)
{
	return ask_socket((struct sock *)ctx[1]);
}

SEC("lsm/unix_may_send")
int hook_unix_may_send(u64 *ctx)
{
	struct socket *other = (struct socket *)ctx[1];

	return ask_socket(BPF_CORE_READ(other, sk));
}

#endif
