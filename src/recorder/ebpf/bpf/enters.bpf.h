/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Calls as they enter; enter_exit.bpf.h says when that is watched. */
#ifndef VAMBRACE_RECORDER_ENTERS_H
#define VAMBRACE_RECORDER_ENTERS_H

#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define MAX_ERRNO	    4095

/* A call that has no cell in the task's slot. */
static __always_inline void enter_uncounted(struct vmb_task *known, u64 call)
{
	forget_lock(known->slot);
	add_fact(known->image, known->phase, call, 1, bpf_ktime_get_ns());
}

__noinline int enter_slowly(u64 nr)
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
		enter_uncounted(known, call);
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

/* As call_enters(), of the current task. */
static __always_inline int enter_call(u64 *ctx, struct task_struct *task)
{
	u32 now = (u32)bpf_jiffies64(), tid = task->pid;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	u64 nr = ctx[1];
	struct vmb_cell *cell;
	u32 count;

	if (unlikely(slot->tag != tag_of(tid, control.epoch) ||
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

/*
 * Every call of every task comes here. On the way that is taken most no
 * function is called, and behind most others none but the last: registers that
 * live across a call are saved and restored each time.
 */
SEC("tp_btf/sys_enter")
int call_enters(u64 *ctx)
{
	u64 here = task_here(ctx[0]);

	return here ? enter_call(ctx, TYPED(struct task_struct, (void *)here))
		    : enter_slowly(ctx[1]);
}

/* Where there are no plain loads. */
SEC("tp_btf/sys_enter")
int call_enters_old(u64 *ctx)
{
	return enter_call(ctx, bpf_get_current_task_btf());
}

#endif
