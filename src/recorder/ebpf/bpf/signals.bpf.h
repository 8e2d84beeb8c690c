/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Signals that were sent, and whether to a process of the same scope. Each one
 * that passed the kernel's checks passes a tracepoint, in its sender's name and
 * with its receiver. Signal 0 ("exists") is only a check: that AppArmor is
 * asked about it is told by its hook, or by the call's exit.
 */
#ifndef VAMBRACE_RECORDER_SIGNALS_H
#define VAMBRACE_RECORDER_SIGNALS_H

/* include/linux/sched.h */
#define PF_EXITING  0x00000004
#define PF_SIGNALED 0x00000400
/* include/uapi/asm-generic/siginfo.h: between these the kernel sends. */
#define SI_TIMER (-2)
#define SI_SIGIO (-5)

/* VMB_SIDE_... of who gets it. */
static __always_inline u32 side_of(struct vmb_task *sender,
				   struct task_struct *receiver)
{
	u32 tid = BPF_CORE_READ(receiver, pid), parent;
	struct vmb_task *other = bpf_map_lookup_elem(&tasks, &tid);
	struct vmb_scope *home;

	if (other)
		return other->scope == sender->scope ? VMB_SIDE_PROGRAM
						     : VMB_SIDE_OUTSIDE;
	/* Has ended and was not waited for: is its parent's. */
	if (BPF_CORE_READ(receiver, flags) & PF_EXITING) {
		parent = BPF_CORE_READ(receiver, real_parent, tgid);
		other = bpf_map_lookup_elem(&tasks, &parent);
		return other && other->scope == sender->scope
			       ? VMB_SIDE_PROGRAM
			       : VMB_SIDE_UNKNOWN;
	}
	/* One of the scope's cgroup may have made no call yet. */
	home = bpf_map_lookup_elem(&scopes, &sender->scope);
	return home && home->cgroup && !is_stranger(tid, control.epoch)
		       ? VMB_SIDE_UNKNOWN
		       : VMB_SIDE_OUTSIDE;
}

/* who: image << 32 | phase; what: the signal << 32 | side. */
static __noinline int add_signal(u64 who, u64 what)
{
	struct vmb_other_key key = {.image = who >> 32,
				    .phase = (u32)who,
				    .kind = VMB_OTHER_SIGNAL,
				    .family = (u16)what,
				    .type = (u16)(what >> 32)};

	if (!add_tally(&others, &key, 1, bpf_ktime_get_ns()))
		count_one(others_refused);
	return 0;
}

/* The call of the current task, which is known, is one that sends signals. */
static __always_inline bool is_sending(struct vmb_task *known)
{
	u64 call = current_call(pending_call(slot_at(known->slot), known),
				known->epoch);
	struct vmb_rule *rule;

	if (!call)
		return false;
	rule = rule_of(call - 1);
	return rule && rule->special == VMB_SPECIAL_SIGNAL;
}

/* code: the record's si_code. */
static __noinline int note_sent(struct vmb_task *known,
				struct task_struct *receiver, u32 number,
				s32 code)
{
	if (!known || !receiver || !control.enabled || !known->image ||
	    code > 0 || (code <= SI_TIMER && code >= SI_SIGIO) ||
	    !is_sending(known))
		return 0;
	return add_signal((u64)known->image << 32 | known->phase,
			  (u64)number << 32 | side_of(known, receiver));
}

/* Signal 0, as the security modules are asked. */
SEC("lsm/task_kill")
int hook_task_kill(u64 *ctx)
{
	struct task_struct *receiver = (struct task_struct *)ctx[0];
	u32 tid = bpf_get_current_task_btf()->pid;
	struct vmb_task *known;
	struct vmb_question asked = {};

	if ((u32)ctx[2] || !is_asked(&asked))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (known)
		add_signal(asked.by, side_of(known, receiver));
	return 0;
}

/* Of a call with signal 0 that succeeded only the receiver's number is known,
 * by which one that is not a task of the scope may still be one that ended. */
__noinline int note_signal_call(u64 call, u64 by)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct vmb_rule *rule = rule_of(call);
	u32 arch = call >> 32, tid = task->pid, side = VMB_SIDE_UNKNOWN;
	struct vmb_task *known, *other;

	if (!rule || argument(regs, arch, rule->special_index))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	/* The receiver's number stands before the signal. */
	tid = tid_of(task, argument(regs, arch, rule->special_index - 1));
	other = bpf_map_lookup_elem(&tasks, &tid);
	if (known && other && other->scope == known->scope)
		side = VMB_SIDE_PROGRAM;
	return add_signal(by, side);
}

#endif
