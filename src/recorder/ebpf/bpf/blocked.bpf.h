/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Calls that tasks are in when the recording or a phase ends, where only exits
 * are watched: a task that leaves the processor may be in one. */
#ifndef VAMBRACE_RECORDER_BLOCKED_H
#define VAMBRACE_RECORDER_BLOCKED_H

/* __TASK_STOPPED and __TASK_TRACED: include/linux/sched.h */
#define TASK_HALTED 0xc

/*
 * The call that a task blocks in may be its last one, or that of a phase. It is
 * in the tables from here on; its exit counts it. What the registers tell may
 * also be the call before, when a task stops or waits on its way back from it:
 * that was made, too, unless its filters refuse it.
 */
static __noinline int note_blocked(u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);
	s32 nr = number_in(regs);
	struct vmb_slot *slot;
	u64 call;

	if (!known || nr == NO_CALL || !began_unseen(known) ||
	    task->flags & (PF_EXITING | PF_SIGNALED | PF_IO_WORKER |
			   PF_USER_WORKER) ||
	    pending_call(slot_at(known->slot), known))
		return 0;
	/* Up to the epoch it would look as if its enter had been watched. */
	if (!sees_enters(control.epoch))
		known = refreshed(tid);
	if (!known)
		return 0;
	call = call_of(task, nr);
	/* The program may be another one by now. */
	if (file_work(call) == VMB_FILE_EXEC)
		return 0;
	if (may_be_refused(task) && waits_refused(tid))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known)
		return 0;
	slot = slot_at(known->slot);
	/* A filter that comes meanwhile does not refuse it any more. */
	if (!may_be_refused(task) && slot && call >> 32 == NATIVE_ARCH) {
		known->blocked = call + 1;
		known->blocked_count = calls_so_far(slot, call);
	}
	if (!calls_so_far(slot, call))
		add_fact(known->image, known->phase, call, 0,
			 bpf_ktime_get_ns());
	note_arguments(known->image, known->phase, call, LOOK_BLOCKED << 1);
	return 0;
}

/* The task is outside of any call, and its next one will be seen to enter. */
static __noinline int note_outside(u32 tid)
{
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);

	if (known && began_unseen(known))
		refresh_task(tid);
	return 0;
}

/* preempt, from, to, and the state in which the first is left. */
SEC("tp_btf/sched_switch")
int task_blocks(u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, nr;
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];

	nr = number_in((struct pt_regs *)bpf_task_pt_regs(task));
	if ((s32)nr == NO_CALL)
		return sees_enters(control.epoch) ? note_outside(tid) : 0;
	/* It goes on at once, or is stopped, which may be before its call. */
	if (ctx[0] & 1 || !(u32)ctx[3] || (u32)ctx[3] & TASK_HALTED)
		return 0;
	if (slot->tag == tag_of(tid, control.epoch) && nr < VMB_NATIVE_CALLS &&
	    !ruled[nr & (VMB_RULE_CALLS - 1)] && slot->cells[nr].count &&
	    !is_compat(task))
		return 0;
	return note_blocked(tid);
}

#endif
