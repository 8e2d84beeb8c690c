/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every call of every task comes twice: as it enters and as it exits, or
 * only once, as it exits. The enters cost as much as the exits, and tell one
 * thing that these do not: whether a call that failed was refused before it
 * began. Of a seccomp filter that can be found out in another way
 * (filters.bpf.h). So a command's calls are not seen to enter unless one of its
 * tasks is traced, or a filter leaves its answer to another process
 * (control.enters_from); they are noted when they exit, as if they entered
 * then. So are, in their own ways, those that have no exit or lose their
 * registers: exit (task_exits), execve (exec_prepares), rt_sigreturn, and calls
 * that their tasks are still in when the recording or a phase ends
 * (task_blocks).
 *
 * A call takes the fast path when the task's slot is up to date: one
 * comparison of (tid, epoch), one counter in memory that no other CPU writes.
 * Everything dearer happens on first occurrences and when the epoch moved on (a
 * new phase, a task changed cgroup). Where arguments are kept, the slot
 * remembers the choices made last: those are no news. Nor are the files
 * accessed last, which are counted beside the slot.
 */
#ifndef VAMBRACE_RECORDER_ENTER_EXIT_H
#define VAMBRACE_RECORDER_ENTER_EXIT_H

/* Asks user space to have the calls seen as they enter. */
static __always_inline void ask_for_enters(void)
{
	if (!__sync_val_compare_and_swap(&counters.enters_asked, 0, 1))
		hint(VMB_HINT_ENTERS, 0, 0, 0, 0, 0);
}

/* The task's call, if there is one, was not seen to enter, since that was not
 * watched. */
static __always_inline bool began_unseen(struct vmb_task *known)
{
	return control.enabled && !sees_enters(known->epoch) &&
	       !(known->flags & (VMB_TASK_FIRST_EXIT | VMB_TASK_SIGSYS));
}

/* How often the slot's task has left that call since it was flushed; 0 as well
 * for calls that are not counted there. */
static __always_inline u32 calls_so_far(struct vmb_slot *slot, u64 call)
{
	u64 index = (u32)call;

	barrier_var(index);
	if (!slot || call >> 32 != NATIVE_ARCH || index >= VMB_NATIVE_CALLS)
		return 0;
	return vmb_calls_in(slot->cells[index].count);
}

/* The task blocked in that call before it had a filter, and has not left it
 * since. */
static __always_inline bool has_blocked(struct vmb_task *known, u64 call)
{
	return known->blocked == call + 1 &&
	       known->blocked_count == calls_so_far(slot_at(known->slot), call);
}

/* Whether the current task's call, which exits with that result, was refused;
 * where nobody knows, calls have to be seen to enter from here on. */
__noinline int look_closer(u64 call, s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, fate = VMB_CALL_MADE;
	struct vmb_task *known;

	if (is_traced(task) || call >> 32 != NATIVE_ARCH)
		ask_for_enters();
	if (is_emulated(task))
		fate = VMB_CALL_UNSURE;
	else if (may_be_refused(task))
		fate = fate_of(tid, result);
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return 0;
	if (fate == VMB_CALL_UNSURE || known->filter_kinds & ~VMB_FILTER_QUIET)
		ask_for_enters();
	if (has_blocked(known, call))
		fate = VMB_CALL_MADE;
	known->blocked = 0;
	if (fate == VMB_CALL_UNSURE && result < 0 && result >= -MAX_ERRNO)
		add_errno(known->image, call, -result, VMB_UNSURE, 1);
	if (fate == VMB_CALL_TRAPPED)
		known->flags |= VMB_TASK_SIGSYS;
	return fate == VMB_CALL_REFUSED || fate == VMB_CALL_TRAPPED;
}

/* The call of the current task, which is known, exits with that result. */
static __always_inline void enter_at_exit(s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	s32 nr = number_in((struct pt_regs *)bpf_task_pt_regs(task));

	if (nr != NO_CALL) {
		if (!look_closer(call_of(task, nr), result))
			enter_slowly(nr);
		return;
	}
	/* A return from a signal; a refused one would have put back nothing.
	 * The registers do not tell the kind of a foreign one: it may be
	 * either. */
	if (is_compat(task)) {
		enter_slowly(I386_SIGNAL_RETURN);
		enter_slowly(I386_RT_SIGNAL_RETURN);
	} else {
		enter_slowly(SIGNAL_RETURN);
	}
}

/* A filter refused the call, which never entered. */
static __noinline int note_refusal(struct vmb_task *known, u64 call, u32 error)
{
	if (!known)
		return 0;
	count_one(denied);
	add_errno(known->image, call, error, VMB_REFUSED, 1);
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
		/* Its next call will be seen to enter: not as of a task that
		 * has not come up to that epoch. */
		if (control.enters_from && sees_enters(control.epoch))
			refresh_task(tid);
		return 0;
	}
	if (nr == NO_CALL) { /* rt_sigreturn has put back other registers */
		known->flags &= ~VMB_TASK_SIGSYS;
		return 0;
	}
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
			return note_unopened(call, by);
	}
	switch (rule->file) {
	case VMB_FILE_NAMED: return note_names(call, by, error);
	case VMB_FILE_ADDRESS: return note_address(regs, call, by, rule);
	case VMB_FILE_MOUNT:
	case VMB_FILE_UMOUNT:
	case VMB_FILE_PIVOT:
	case VMB_FILE_MOVE_MOUNT: return note_mount_call(call, by, rule->file);
	case VMB_FILE_TRACE:
	case VMB_FILE_TRACE_MEMORY: return note_trace_call(call, rule->file);
	case VMB_FILE_SIGNAL: return note_signal_call(call, by);
	case VMB_FILE_RECVMSG: return note_received(regs, by, call >> 32);
	default: return note_held(by, call >> 32, result, rule->file);
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

__noinline int exit_slowly(s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 tid = task->pid;
	struct vmb_task *known;
	struct vmb_slot *slot;
	u64 pending;

	if (result == -ENOMEM)
		forget_heres();
	if (is_stranger(tid, control.epoch))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return exit_unmatched(regs, result);
	slot = slot_at(known->slot);
	pending = pending_call(slot, known);
	if (!pending && began_unseen(known)) {
		enter_at_exit(result);
		known = bpf_map_lookup_elem(&tasks, &tid);
		if (!known)
			return 0;
		slot = slot_at(known->slot);
		pending = pending_call(slot, known);
	}
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

enum { UNUSUAL, IS_NOTED, TO_NOTE, NAMES_IT };

/* What a native call of the current task tells of a file by its descriptor,
 * with what is at hand. TO_NOTE: note_forgotten() is to be called; NAMES_IT:
 * note_names(). */
static __noinline int note_usual(struct task_struct *task, struct pt_regs *regs,
				 struct vmb_slot *slot, u32 nr, s64 result)
{
	struct vmb_rule *rule = rule_of((u64)NATIVE_ARCH << 32 | nr);

	if (!rule || !task || !regs || !slot)
		return IS_NOTED;
	switch (result < 0 ? VMB_FILE_NOTHING : rule->file) {
	case VMB_FILE_OPEN:
	case VMB_FILE_OPENAT:
	case VMB_FILE_FCNTL:
	case VMB_FILE_FTRUNCATE:
	case VMB_FILE_FCHMOD:
	case VMB_FILE_FCHOWN:
		return hold(task, regs, asked_by(slot->image, slot->phase),
			    NATIVE_ARCH, result, rule->file, true)
			       ? IS_NOTED
			       : TO_NOTE;
	case VMB_FILE_NAMED: return NAMES_IT;
	default: return UNUSUAL;
	}
}

/* As enter_counted(), and the exit. What is left to do, as `pending`, or 0. */
static __noinline u64 exit_counted(u64 *ctx, struct vmb_slot *slot)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	struct task_struct *task;
	u64 nr = (u32)number_in(regs), more = 0, call;
	s64 result = ctx[1];
	struct vmb_cell *cell;
	u32 how, noted;

	barrier_var(nr);
	if (!slot || nr >= VMB_NATIVE_CALLS)
		return 0;
	call = (u64)NATIVE_ARCH << 32 | nr;
	cell = &slot->cells[nr];
	/* What count_cell() would do, without calling it. */
	if (cell->count > VMB_CELL_LOOK && cell->count < VMB_CELL_FULL) {
		cell->count++;
		cell->last = (u32)bpf_jiffies64();
	} else {
		count_cell(slot, nr);
	}
	how = ruled[nr & (VMB_RULE_CALLS - 1)];
	if (may_tell(regs, how)) {
		task = bpf_get_current_task_btf();
		if (how & VMB_RULED_COMMAND && !result &&
		    is_locked_again(task, regs, slot))
			return 0;
		noted = note_usual(task, regs, slot, nr, result);
		if (noted == UNUSUAL)
			more |= VMB_PENDING_MORE | VMB_PENDING_FILE;
		else if (noted == NAMES_IT)
			note_names(call, asked_by(slot->image, slot->phase), 0);
		else if (noted == TO_NOTE)
			note_forgotten(0);
		if (how & VMB_RULED_COMMAND && noted != UNUSUAL)
			remember_lock(task, regs, NATIVE_ARCH);
	}
	if (how & VMB_RULED_ARGUMENTS && !note_ruled(regs, slot, nr))
		more |= VMB_PENDING_MORE | VMB_PENDING_UNREAD;
	if (more)
		return more | (call + 1);
	if (result < 0 && result >= -MAX_ERRNO)
		note_failure(slot, nr, -result);
	return 0;
}

/* Of a call that was not seen to enter. False if it has to be looked at. */
static __always_inline int exit_alone(struct vmb_slot *slot, u64 nr, s64 result)
{
	struct vmb_cell *cell;
	u32 count;

	/* The verifier learns nothing of an index from a comparison of its
	 * half, which is what the compiler would do. */
	barrier_var(nr);
	if (nr >= VMB_NATIVE_CALLS)
		return 0;
	cell = &slot->cells[nr];
	count = cell->count;
	if (unlikely((s32)count <= 0))
		return 0;
	cell->count = count + 1;
	cell->last = (u32)bpf_jiffies64();
	if (unlikely(result < 0 && result >= -MAX_ERRNO))
		note_failure(slot, nr, -result);
	return 1;
}

/* As exit_alone(), where a filter or a tracer may have refused the call; -1 if
 * that may be so. */
static __noinline int exit_supervised(u64 *ctx)
{
	u32 tid = bpf_get_current_task_btf()->pid;
	u32 nr = number_in((struct pt_regs *)ctx[0]);
	s64 result = ctx[1];

	if (!is_surely_made(nr, result))
		return -1;
	return exit_alone(&slots[tid & (VMB_SLOTS - 1)], nr, result);
}

/* There was more to do, or the call failed. */
static __noinline int exit_pending(u64 *ctx, u64 pending)
{
	u32 tid = bpf_get_current_task_btf()->pid;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	s64 result = ctx[1];
	u64 call;

	if (pending & VMB_PENDING_MORE) {
		do_more(slot->image, slot->phase, pending, result);
		pending &= ~VMB_PENDING_BITS;
	}
	call = pending - 1;
	if (result >= 0 || result < -MAX_ERRNO)
		return 0;
	if (call >> 32 == NATIVE_ARCH && (u32)call < VMB_NATIVE_CALLS)
		note_failure(slot, (u32)call, -result);
	else
		add_errno(slot->image, call, -result, 0, 1);
	return 0;
}

/* As call_exits(), of the current task. */
static __always_inline int exit_call(u64 *ctx, struct task_struct *task)
{
	u32 nr = number_in((struct pt_regs *)ctx[0]);
	u32 epoch = control.epoch, tid = task->pid;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	s64 result = ctx[1];
	u64 pending;

	if (slot->owner != tid)
		return exit_slowly(result);
	pending = slot->pending;
	if (pending) {
		slot->pending = 0;
		if (unlikely(pending & VMB_PENDING_MORE ||
			     (result < 0 && result >= -MAX_ERRNO)))
			return exit_pending(ctx, pending);
		return 0;
	}
	if (unlikely(slot->tag != tag_of(tid, epoch) || sees_enters(epoch) ||
		     nr >= VMB_NATIVE_CALLS || is_compat(task)))
		return exit_slowly(result);
	if (unlikely(is_supervised(task))) {
		int seen = exit_supervised(ctx);

		if (seen)
			return seen < 0 ? exit_slowly(ctx[1]) : 0;
	} else if (exit_alone(slot, nr, result)) {
		return 0;
	}
	pending = exit_counted(ctx, slot);
	return pending ? exit_pending(ctx, pending) : 0;
}

SEC("tp_btf/sys_exit")
int call_exits(u64 *ctx)
{
	u64 here = task_here(ctx[0]);

	return here ? exit_call(ctx, TYPED(struct task_struct, (void *)here))
		    : exit_slowly(ctx[1]);
}

SEC("tp_btf/sys_exit")
int call_exits_old(u64 *ctx)
{
	return exit_call(ctx, bpf_get_current_task_btf());
}

/* The registers of the call are lost when it succeeds. */
SEC("tp_btf/sched_prepare_exec")
int exec_prepares(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	s32 nr = number_in((struct pt_regs *)bpf_task_pt_regs(task));
	u32 tid = task->pid;
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);

	if (known && nr != NO_CALL && began_unseen(known) &&
	    !pending_call(slot_at(known->slot), known))
		enter_slowly(nr);
	return 0;
}

#endif
