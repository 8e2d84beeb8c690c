// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The recorder's kernel side. It copies facts and does not judge: what an image
 * is to the workload, which gaps a recording has and what a call is named are
 * for user space to say.
 *
 * A call takes the fast path when the task's slot is up to date: one
 * comparison of (tid, epoch), one counter in memory that no other CPU writes.
 * Everything dearer happens on first occurrences, at fork, exec and exit, and
 * when the epoch moved on (a new phase, a task changed cgroup). Where arguments
 * are kept, the slot remembers the choices made last: those are no news. Nor
 * are the files accessed last, which are counted beside the slot.
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
#include "places.bpf.h"
#include "own.bpf.h"
#include "files.bpf.h"
#include "given.bpf.h"
#include "mounts.bpf.h"
#include "hooks.bpf.h"
#include "mount_hooks.bpf.h"
#include "signals.bpf.h"
#include "selectors.bpf.h"
#include "capabilities.bpf.h"

#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define MAX_ERRNO	    4095
#define SIGSYS		    31
#define SYS_SECCOMP	    1	       /* include/uapi/asm-generic/siginfo.h */
#define PF_SIGNALED	    0x00000400 /* include/linux/sched.h */
#define S_ISUID		    0004000    /* include/uapi/linux/stat.h */
#define S_ISGID		    0002000

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __noinline int enter_slowly(u64 nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, arch, number, what;
	struct vmb_task *known;
	struct vmb_slot *slot;
	u64 call, more = 0;

	if (is_stranger(tid, control.epoch))
		return 0;
	known = refreshed(tid);
	if (!known)
		return 0;
	known->flags &= ~VMB_TASK_FIRST_EXIT;
	call = call_of(task, nr);
	arch = call >> 32;
	number = (u32)call;
	slot = slot_at(known->slot);
	known->pending = call + 1;
	if (slot)
		slot->pending = call + 1;
	if (slot && arch == NATIVE_ARCH && number < VMB_NATIVE_CALLS)
		count_cell(slot, number);
	else
		add_fact(known->image, known->phase, call, 1,
			 bpf_ktime_get_ns());
	if (!note_arguments(known->image, known->phase, call,
			    (watch_exits ? LOOK_FIRST : LOOK_ONLY) << 1))
		more = VMB_PENDING_MORE | VMB_PENDING_UNREAD;
	what = file_work(call);
	if (exits_tell_files ? what : watch_exits && what == VMB_FILE_EXEC)
		more |= VMB_PENDING_MORE | VMB_PENDING_FILE;
	known->pending |= more;
	if (slot)
		slot->pending |= more;
	return 0;
}

/* The first calls of their kind in the slot, and those with arguments to keep
 * or a file to look at. */
static __noinline int enter_counted(u64 *ctx, struct vmb_slot *slot)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	u32 nr = (u32)ctx[1], how;

	if (!slot || nr >= VMB_NATIVE_CALLS)
		return 0;
	count_cell(slot, nr);
	how = ruled[nr & (VMB_RULE_CALLS - 1)];
	if (may_tell(regs, how))
		slot->pending |= VMB_PENDING_MORE | VMB_PENDING_FILE;
	if (how & VMB_RULED_ARGUMENTS && !note_ruled(regs, slot, nr))
		slot->pending |= VMB_PENDING_MORE | VMB_PENDING_UNREAD;
	return 0;
}

/*
 * Every call of every task comes here. No value but the context lives across a
 * call, which would cost registers saved and restored.
 */
SEC("tp_btf/sys_enter")
int call_enters(u64 *ctx)
{
	u32 now = (u32)bpf_jiffies64();
	struct task_struct *task = bpf_get_current_task_btf();
	struct vmb_slot *slot = &slots[(u32)task->pid & (VMB_SLOTS - 1)];
	u64 nr = ctx[1];
	struct vmb_cell *cell;
	u32 count;

	if (unlikely(slot->tag != tag_of(task->pid, control.epoch) ||
		     nr >= VMB_NATIVE_CALLS || is_compat(task)))
		return enter_slowly(nr);
	slot->pending = ((u64)NATIVE_ARCH << 32 | nr) + 1;
	cell = &slot->cells[nr];
	count = cell->count;
	if (unlikely((s32)count <= 0))
		return enter_counted(ctx, slot);
	cell->count = count + 1;
	cell->last = now;
	return 0;
}

/* A filter refused the call, which never entered. */
static __noinline int note_refusal(struct vmb_task *known, u64 call, u32 error)
{
	if (!known)
		return 0;
	count_one(denied);
	add_errno(known->image, call, error, 1, 1);
	note_arguments(known->image, known->phase, call, 1 | LOOK_ONLY << 1);
	return 0;
}

/*
 * No call was pending: a seccomp filter refused this one before it entered, or
 * it is one of the exits that never had an enter.
 */
static __noinline int exit_unmatched(struct pt_regs *regs, s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	s32 nr = number_in(regs);
	u32 tid = task->pid, error;
	struct vmb_task *known;
	u64 call;

	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known) {
		/* Came into scope during this call. */
		refresh_task(tid);
		return 0;
	}
	/* Enters are not noted yet: the first exit is still to come. */
	if (!control.enabled)
		return 0;
	if (known->flags & VMB_TASK_FIRST_EXIT) {
		known->flags &= ~VMB_TASK_FIRST_EXIT;
		return 0;
	}
	if (nr < 0) /* rt_sigreturn has put back other registers */
		return 0;
	known = refreshed(tid);
	if (!known)
		return 0;
	call = call_of(task, (u32)nr);
	if (result < 0 && result >= -MAX_ERRNO)
		error = -result;
	else
		error = 0;
	if (known->flags & VMB_TASK_SIGSYS) {
		known->flags &= ~VMB_TASK_SIGSYS;
		error = ERROR_SIGSYS;
	}
	return note_refusal(known, call, error);
}

static __noinline void look_again(u32 image, u32 phase, u64 call, s64 result)
{
	note_arguments(image, phase, call,
		       (result == -14 /* EFAULT */ ? LOOK_FAULT : LOOK_AGAIN)
			       << 1);
}

/* Of the current task's call, which succeeded or failed when AppArmor had been
 * asked. Each kind has a function of its own, for the sake of the stack. */
static __always_inline int note_file(u32 image, u32 phase, u64 call, u64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct vmb_rule *rule = rule_of(call);
	u64 by = asked_by(image, phase);
	u32 error = 0;

	if (!rule)
		return 0;
	if (result >= (u64)-MAX_ERRNO) {
		if (!failed_when_asked(rule, result))
			return 0;
		error = -(u32)result;
		if (is_open(rule->file) || rule->file == VMB_FILE_EXEC)
			return note_unopened(regs, call, by, rule);
	}
	switch (rule->file) {
	case VMB_FILE_NAMED: return note_names(regs, call, by, rule, error);
	case VMB_FILE_ADDRESS: return note_address(regs, call, by, rule);
	case VMB_FILE_MOUNT:
	case VMB_FILE_UMOUNT:
	case VMB_FILE_PIVOT:
	case VMB_FILE_MOVE_MOUNT: return note_mount_call(call, by, rule->file);
	case VMB_FILE_TRACE:
	case VMB_FILE_TRACE_MEMORY: return note_trace_call(call, rule->file);
	case VMB_FILE_SIGNAL: return note_signal_call(call, by);
	case VMB_FILE_RECVMSG: return note_received(regs, by, call >> 32);
	default: return note_held(regs, by, call >> 32, result, rule->file);
	}
}

/* What the enter left for the exit; pending with its bits. */
__noinline int do_more(u32 image, u32 phase, u64 pending, u64 result)
{
	u64 call = (pending & ~VMB_PENDING_BITS) - 1;

	if (pending & VMB_PENDING_UNREAD)
		look_again(image, phase, call, result);
	if (pending & VMB_PENDING_FILE)
		note_file(image, phase, call, result);
	return 0;
}

static __noinline int exit_slowly(struct pt_regs *regs, s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid;
	struct vmb_task *known;
	struct vmb_slot *slot;
	u64 pending;

	if (is_stranger(tid, control.epoch))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return exit_unmatched(regs, result);
	slot = slot_at(known->slot);
	pending = pending_call(slot, known);
	if (!pending)
		return exit_unmatched(regs, result);
	if (slot)
		slot->pending = 0;
	known->pending = 0;
	if (pending & VMB_PENDING_MORE) {
		do_more(known->image, known->phase, pending, result);
		pending &= ~VMB_PENDING_BITS;
	}
	if (result < 0 && result >= -MAX_ERRNO)
		add_errno(known->image, pending - 1, -result, 0, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int call_exits(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	s64 result = ctx[1];
	u64 pending;

	if (slot->owner != tid)
		return exit_slowly((struct pt_regs *)ctx[0], result);
	pending = slot->pending;
	if (!pending)
		return exit_unmatched((struct pt_regs *)ctx[0], result);
	slot->pending = 0;
	if (unlikely(pending & VMB_PENDING_MORE)) {
		do_more(slot->image, slot->phase, pending, result);
		pending &= ~VMB_PENDING_BITS;
	}
	if (result < 0 && result >= -MAX_ERRNO) {
		u64 call = pending - 1;

		if (call >> 32 == NATIVE_ARCH && (u32)call < VMB_NATIVE_CALLS)
			note_failure(slot, (u32)call, -result);
		else
			add_errno(slot->image, call, -result, 0, 1);
	}
	return 0;
}

SEC("tp_btf/sched_process_fork")
int task_forks(u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0];
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 parent_tid = parent->pid, child_tid = child->pid;
	struct vmb_task *known;

	set_stranger(child_tid, 0);
	known = bpf_map_lookup_elem(&tasks, &parent_tid);
	/* Ran before the recording: the child has that image for its parent. */
	if (known && !known->image && control.enabled)
		find_late_image(parent, known);
	if (known)
		add_task(
			child_tid, known->image, known->scope,
			(known->flags & (VMB_TASK_TREE | VMB_TASK_UNFILTERED)) |
				VMB_TASK_FIRST_EXIT);
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

	u64 pending;

	if (!known)
		return 0;
	pending = pending_call(slot_at(known->slot), known);
	/* Ended inside a call whose memory was still to be read. */
	if (pending & VMB_PENDING_UNREAD)
		count_unread(known->scope);
	if (watch_exits && !pending && is_killed_by_filter(task)) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

		note_refusal(known, call_of(task, (u32)number_in(regs)),
			     ERROR_SIGSYS);
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
	if (!pending_call(slot_at(known->slot), known))
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
