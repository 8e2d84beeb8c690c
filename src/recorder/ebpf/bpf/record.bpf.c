// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The recorder's kernel side. It copies facts and does not judge: what an image
 * is to the workload, which gaps a recording has and what a call is named are
 * for user space to say. Calls are in enter_exit.bpf.h; here is what becomes of
 * tasks, and of the cgroups that they are in.
 */
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "event.h"

#define NULL ((void *)0)

#include "maps.bpf.h"
#include "calls.bpf.h"
#include "facts.bpf.h"
#include "paths.bpf.h"
#include "images.bpf.h"
#include "tasks.bpf.h"
#include "arguments.bpf.h"
#include "names.bpf.h"
#include "places.bpf.h"
#include "locks.bpf.h"
#include "own.bpf.h"
#include "files.bpf.h"
#include "given.bpf.h"
#include "mounts.bpf.h"
#include "hooks.bpf.h"
#include "mount_hooks.bpf.h"
#include "signals.bpf.h"
#include "selectors.bpf.h"
#include "capabilities.bpf.h"
#include "filters.bpf.h"
#include "enters.bpf.h"
#include "enter_exit.bpf.h"
#include "blocked.bpf.h"

#define SIGSYS	    31
#define SYS_SECCOMP 1	    /* include/uapi/asm-generic/siginfo.h */
#define S_ISUID	    0004000 /* include/uapi/linux/stat.h */
#define S_ISGID	    0002000

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_fork")
int task_forks(u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0];
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 parent_tid = parent->pid, child_tid = child->pid;
	struct vmb_task *known, *born;

	set_stranger(child_tid, 0);
	known = bpf_map_lookup_elem(&tasks, &parent_tid);
	if (!known)
		return 0;
	/* Ran before the recording: the child has that image for its parent. */
	if (!known->image && control.enabled)
		find_late_image(parent, known);
	born = add_task(child_tid, known->image, known->scope,
			(known->flags & (VMB_TASK_TREE | VMB_TASK_UNFILTERED)) |
				VMB_TASK_FIRST_EXIT);
	if (born && filters_of(child) == known->filter) {
		born->filter = known->filter;
		born->filter_kinds = known->filter_kinds;
	}
	return 0;
}

/*
 * One thread of several, killed by a filter, ends at once and without a signal
 * (kernel/seccomp.c: do_exit(SIGSYS)). Who dies by a signal is marked so; the
 * status of exit() is in the next byte. The mode is SECCOMP_MODE_FILTER before
 * Linux 5.17 and "dead" since: any will do.
 */
static __always_inline bool is_killed_by_filter(struct task_struct *task)
{
	return task->exit_code == SIGSYS && !(task->flags & PF_SIGNALED) &&
	       task->seccomp.mode;
}

/* The leader of the process stands for it. */
static __noinline int note_end(struct task_struct *task, u32 number)
{
	struct vmb_scope *scope = bpf_map_lookup_elem(&scopes, &number);

	if (task && scope && task->pid == task->tgid &&
	    scope->main_pid == task->tgid)
		hint(VMB_HINT_END, number, 0, 0, 0, task->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int task_exits(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	u32 tid = task->pid;
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);
	s32 nr;
	u64 pending;

	if (!known)
		return 0;
	nr = number_in((struct pt_regs *)bpf_task_pt_regs(task));
	pending = pending_call(slot_at(known->slot), known);
	/* Unless a signal ends it, or a filter or the strict mode. */
	if (nr != NO_CALL && !pending && began_unseen(known) &&
	    ends_task(call_of(task, nr)) && !(task->flags & PF_SIGNALED) &&
	    task->seccomp.mode <= SECCOMP_MODE_FILTER) {
		enter_slowly(nr);
		known = bpf_map_lookup_elem(&tasks, &tid);
		if (!known)
			return 0;
	}
	pending = pending_call(slot_at(known->slot), known);
	/* Ended inside a call whose memory was still to be read. */
	if (pending & VMB_PENDING_UNREAD)
		count_unread(known->scope);
	if (watch_exits && !pending && is_killed_by_filter(task)) {
		note_refusal(known, call_of(task, (u32)nr), ERROR_SIGSYS);
	}
	note_end(task, known->scope);
	forget_task(tid);
	return 0;
}

/*
 * A filter's answer is SIGSYS (kernel/seccomp.c, force_sig_seccomp): the exit
 * of the call follows. Others are of interest if the current task's call sends
 * them.
 */
SEC("tp_btf/signal_generate")
int signal_comes(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kernel_siginfo *info = (struct kernel_siginfo *)ctx[1];
	struct task_struct *receiver = (struct task_struct *)ctx[2];
	u32 tid = task->pid;
	struct vmb_task *known;
	s32 code;

	/* Two small values stand for signals of the kernel without such a
	 * record. */
	if (ctx[1] < 2)
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return 0;
	code = BPF_CORE_READ(info, si_code);
	if ((u32)ctx[0] != SIGSYS || code != SYS_SECCOMP || receiver != task)
		return note_sent(known, receiver, ctx[0], code);
	/* The exit tells it. */
	if (!sees_enters(known->epoch))
		return 0;
	/* Somebody may send itself what looks like it. */
	if (!pending_call(slot_at(known->slot), known) &&
	    may_be_refused(task) && !is_sending(known))
		known->flags |= VMB_TASK_SIGSYS;
	return 0;
}

/* The thread that called execve took over the leader's tid. */
static __noinline void move_task(u32 from, u32 to)
{
	struct vmb_task *old = bpf_map_lookup_elem(&tasks, &from);
	struct vmb_task *moved;
	struct vmb_slot *slot;
	u64 pending;

	if (!old)
		return;
	slot = slot_at(old->slot);
	pending = pending_call(slot, old);
	forget_task(to);
	moved = add_task(to, old->image, old->scope, old->flags);
	if (moved) {
		moved->slot = claim_slot(to);
		moved->pending = pending;
		moved->phase = old->phase;
		moved->filter = old->filter;
		moved->filter_kinds = old->filter_kinds;
		slot = slot_at(moved->slot);
		if (slot) {
			slot->image = moved->image;
			slot->phase = moved->phase;
			slot->pending = pending;
		}
	}
	forget_task(from);
}

/* Whether the program's file gave it rights that its starter had not: by its
 * mode, or by capabilities of its own. */
static __always_inline bool is_raised(const struct cred *cred,
				      struct linux_binprm *bprm)
{
	u32 uid = BPF_CORE_READ(cred, uid.val);
	u32 euid = BPF_CORE_READ(cred, euid.val);
	u64 permitted = 0, ambient = 0;
	u16 mode = BPF_CORE_READ(bprm, file, f_inode, i_mode);

	if (uid != euid ||
	    BPF_CORE_READ(cred, gid.val) != BPF_CORE_READ(cred, egid.val))
		return mode & (S_ISUID | S_ISGID);
	if (!uid) /* root has all by itself */
		return false;
	bpf_probe_read_kernel(&permitted, sizeof(permitted),
			      &cred->cap_permitted);
	bpf_probe_read_kernel(&ambient, sizeof(ambient), &cred->cap_ambient);
	return permitted & ~ambient;
}

/*
 * As which user a program starts. In a user namespace of its own the numbers
 * mean something else: nothing is told.
 */
static __noinline void note_user(struct task_struct *task,
				 struct linux_binprm *bprm, u32 image,
				 u32 phase)
{
	struct vmb_other_key key = {
		.image = image, .phase = phase, .kind = VMB_OTHER_USER};
	const struct cred *cred;
	u32 uid, gid;

	if (!task || !bprm)
		return;
	cred = BPF_CORE_READ(task, cred);
	if (!cred || BPF_CORE_READ(cred, user_ns, level))
		return;
	uid = BPF_CORE_READ(cred, uid.val);
	gid = BPF_CORE_READ(cred, gid.val);
	key.type = is_raised(cred, bprm);
	__builtin_memcpy(key.address, &uid, 4);
	__builtin_memcpy(key.address + 4, &gid, 4);
	if (!add_tally(&others, &key, 1, bpf_ktime_get_ns()))
		count_one(others_refused);
}

SEC("tp_btf/sched_process_exec")
int task_execs(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *bprm = (struct linux_binprm *)ctx[2];
	u32 tid = task->pid, old_tid = (u32)ctx[1], before, chosen, root = 0;
	struct vmb_other_key other = {};
	struct vmb_scope *scope;
	struct vmb_task *known;
	struct vmb_slot *slot;

	if (old_tid != tid)
		move_task(old_tid, tid);
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return 0;
	if (known->flags & VMB_TASK_UNFILTERED &&
	    starts_itself(bprm, known->image))
		return 0;
	slot = slot_at(known->slot);
	flush_slot(known->slot);
	if (known->scope == HARNESS && control.selectors) {
		chosen = selected(bprm);
		if (chosen != NO_SCOPE) {
			known->scope = chosen;
			root = VMB_IMAGE_ROOT;
		}
	}
	before = known->image;
	known->flags &= ~VMB_TASK_UNFILTERED;
	known->image = image_for(task, bprm, before, known->scope);
	scope = bpf_map_lookup_elem(&scopes, &known->scope);
	if (scope) {
		struct vmb_image *image = bpf_map_lookup_elem(&images, &before);

		/* What the runtime ends in is the container's first process. */
		if (root || (image && !scope->main_image &&
			     (image->key.kind == VMB_IMAGE_ENTRY_FIRST ||
			      image->key.kind == VMB_IMAGE_FILTERED_FIRST)))
			scope->main_pid = task->tgid;
		if (scope->main_pid == task->tgid) {
			scope->main_image = known->image;
			settle_namespace(scope, task);
		}
	}
	if (slot) {
		slot->image = known->image;
		slot->scope = known->scope;
	}
	if (watch_exits) {
		note_program(task, bprm, before, known);
		note_inherited(task, asked_by(known->image, known->phase));
		note_traced_start(task);
	}
	note_user(task, bprm, known->image, known->phase);
	other.image = before;
	other.phase = known->phase;
	other.kind = VMB_OTHER_EXEC;
	other.protocol = known->image;
	if (!add_tally(&others, &other, 1, bpf_ktime_get_ns()))
		count_one(others_refused);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int task_changes_cgroup(u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];

	/* Hierarchy 0 is cgroup v2. */
	if (control.cgroups && BPF_CORE_READ(cgroup, root, hierarchy_id) == 0)
		__sync_fetch_and_add(&control.epoch, 1);
	return 0;
}

/* A cgroup that a container makes for itself: below one that has tasks. */
static __always_inline bool is_inside_container(struct cgroup *cgroup)
{
	struct cgroup_subsys_state *above = BPF_CORE_READ(cgroup, self.parent);
	struct cgroup *parent =
		(void *)above - bpf_core_field_offset(struct cgroup, self);
	struct vmb_scope *scope;
	u32 *number;
	u64 id;

	if (!above)
		return false;
	id = BPF_CORE_READ(parent, kn, id);
	number = bpf_map_lookup_elem(&scope_cgroups, &id);
	if (!number)
		return false;
	scope = bpf_map_lookup_elem(&scopes, number);
	return scope && scope->first_tgid;
}

SEC("tp_btf/cgroup_mkdir")
int cgroup_appears(u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	struct vmb_scope *scope;
	u32 number;
	u64 id;

	if (!control.provisional ||
	    BPF_CORE_READ(cgroup, root, hierarchy_id) != 0)
		return 0;
	if (is_inside_container(cgroup))
		return 0;
	id = BPF_CORE_READ(cgroup, kn, id);
	number = __sync_fetch_and_add(&control.scopes, 1);
	scope = bpf_map_lookup_elem(&scopes, &number);
	if (!scope) {
		count_one(scopes_refused);
		return 0;
	}
	scope->cgroup = id;
	bpf_probe_read_kernel_str(scope->path, sizeof(scope->path),
				  (void *)ctx[1]);
	if (bpf_map_update_elem(&scope_cgroups, &id, &number, BPF_ANY))
		count_one(scopes_refused);
	hint(VMB_HINT_SCOPE, number, 0, 0, 0, 0);
	__sync_fetch_and_add(&control.epoch, 1);
	return 0;
}
