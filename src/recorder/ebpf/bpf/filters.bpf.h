/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a task's seccomp filters say to a call. The exit of a call does not tell
 * whether it was refused, so its filters are run here once more: they see
 * nothing but the number and the registers, which are still there, and so they
 * answer as they did at the enter. The kernel keeps their programs as they were
 * given (CONFIG_CHECKPOINT_RESTORE), and has worked out which calls all of them
 * allow whatever the arguments are (kernel/seccomp.c, seccomp_cache_prepare).
 */
#ifndef VAMBRACE_RECORDER_FILTERS_H
#define VAMBRACE_RECORDER_FILTERS_H

/* include/uapi/linux/seccomp.h */
#define SECCOMP_MODE_FILTER	2
#define SECCOMP_RET_TRAP	0x00030000U
#define SECCOMP_RET_ERRNO	0x00050000U
#define SECCOMP_RET_USER_NOTIF	0x7fc00000U
#define SECCOMP_RET_TRACE	0x7ff00000U
#define SECCOMP_RET_LOG		0x7ffc0000U
#define SECCOMP_RET_ALLOW	0x7fff0000U
#define SECCOMP_RET_ACTION_FULL 0xffff0000U
#define SECCOMP_RET_DATA	0x0000ffffU
/* include/linux/ptrace.h, PTRACE_O_SUSPEND_SECCOMP */
#define PT_SUSPEND_SECCOMP (1U << 24)
/* struct seccomp_data, which is 64 bytes */
#define SECCOMP_DATA_BYTES 64

/* kernel/seccomp.c, MAX_INSNS_PER_PATH */
#define MAX_FILTER_STEPS 32768

/* include/uapi/linux/bpf_common.h and filter.h: a class in the low three bits,
 * where the other operand is, and what to do. */
enum {
	BPF_CLASS_LD = 0,
	BPF_CLASS_LDX = 1,
	BPF_CLASS_ST = 2,
	BPF_CLASS_STX = 3,
	BPF_CLASS_ALU = 4,
	BPF_CLASS_JMP = 5,
	BPF_CLASS_RET = 6,
	BPF_CLASS_MISC = 7,
	BPF_MODE_IMM = 0x00,
	BPF_MODE_ABS = 0x20,
	BPF_MODE_MEM = 0x60,
	BPF_MODE_LEN = 0x80,
	BPF_OPERAND_X = 0x08,
	BPF_RET_A = 0x10,
	BPF_TXA = 0x80,
};

/* What is remembered of the filters that a task has. */
enum {
	/* They may answer a call that they refuse with success. */
	VMB_FILTER_QUIET = 1,
	/* They may leave it to another process. */
	VMB_FILTER_ASKS = 2,
	/* They could not be read. */
	VMB_FILTER_UNREAD = 4,
};

/* A filter that runs or is read. */
struct filter_run {
	struct vmb_machine *machine;
	u64 until; /* the filter at which to end; 0: after the last */
	u32 kinds;
};

/* False if it can't be read. */
static __always_inline bool enter_filter(struct vmb_machine *machine,
					 u64 address)
{
	struct seccomp_filter *filter = (struct seccomp_filter *)address;
	struct sock_fprog_kern *program =
		BPF_CORE_READ(filter, prog, orig_prog);

	if (!program)
		return false;
	machine->next = (u64)BPF_CORE_READ(filter, prev);
	machine->code = (u64)BPF_CORE_READ(program, filter);
	machine->length = BPF_CORE_READ(program, len);
	machine->at = 0;
	machine->a = 0;
	machine->x = 0;
	return machine->code;
}

static __always_inline bool next_step(struct vmb_machine *machine,
				      struct sock_filter *step)
{
	if (machine->at >= machine->length ||
	    bpf_probe_read_kernel(
		    step, sizeof(*step),
		    (void *)(machine->code + machine->at * sizeof(*step))))
		return false;
	machine->at++;
	return true;
}

static __always_inline u32 computed(u32 code, u32 a, u32 by)
{
	switch (code >> 4) {
	case 0: return a + by;
	case 1: return a - by;
	case 2: return a * by;
	case 3: return by ? a / by : 0;
	case 4: return a | by;
	case 5: return a & by;
	case 6: return a << (by & 31);
	case 7: return a >> (by & 31);
	case 8: return -a;
	default: return a ^ by;
	}
}

static __always_inline bool holds(u32 code, u32 a, u32 b)
{
	switch (code >> 4) {
	case 1: return a == b;
	case 2: return a > b;
	case 3: return a >= b;
	default: return a & b;
	}
}

static __always_inline void load(struct vmb_machine *machine, u32 mode, u32 k,
				 u32 *into)
{
	switch (mode) {
	case BPF_MODE_ABS: *into = machine->data[k >> 2 & 15]; break;
	case BPF_MODE_MEM: *into = machine->memory[k & 15]; break;
	case BPF_MODE_LEN: *into = SECCOMP_DATA_BYTES; break;
	default: *into = k; break;
	}
}

/* The answer with the least number wins, which are signed (kernel/seccomp.c,
 * seccomp_run_filters); the next filter is the one that was loaded before. */
static __always_inline long answered(struct vmb_machine *machine, u32 answer)
{
	if ((s32)(answer & SECCOMP_RET_ACTION_FULL) <
	    (s32)(machine->answer & SECCOMP_RET_ACTION_FULL))
		machine->answer = answer;
	if (!machine->next)
		machine->done = 1;
	return machine->done || !enter_filter(machine, machine->next);
}

/* The instructions that a filter may have: kernel/seccomp.c,
 * seccomp_check_filter. */
static long run_step(u32 index, struct filter_run *run)
{
	struct vmb_machine *machine = run->machine;
	struct sock_filter step;
	u32 by, code;

	if (!next_step(machine, &step))
		return 1;
	code = step.code;
	by = code & BPF_OPERAND_X ? machine->x : step.k;
	switch (code & 7) {
	case BPF_CLASS_LD:
		load(machine, code & 0xe0, step.k, &machine->a);
		break;
	case BPF_CLASS_LDX:
		load(machine, code & 0xe0, step.k, &machine->x);
		break;
	case BPF_CLASS_ST: machine->memory[step.k & 15] = machine->a; break;
	case BPF_CLASS_STX: machine->memory[step.k & 15] = machine->x; break;
	case BPF_CLASS_ALU:
		/* A division by 0 ends the filter (net/core/filter.c). */
		if (code >> 4 == 3 && !by)
			return answered(machine, 0);
		machine->a = computed(code, machine->a, by);
		break;
	case BPF_CLASS_JMP:
		if (!(code >> 4))
			machine->at += step.k;
		else
			machine->at +=
				holds(code, machine->a, by) ? step.jt : step.jf;
		break;
	case BPF_CLASS_RET:
		return answered(machine,
				code & BPF_RET_A ? machine->a : step.k);
	default:
		if (code & BPF_TXA)
			machine->a = machine->x;
		else
			machine->x = machine->a;
		break;
	}
	return 0;
}

/* What else than failures and signals a filter may answer with. */
static long look_step(u32 index, struct filter_run *run)
{
	struct vmb_machine *machine = run->machine;
	struct sock_filter step;

	if (machine->at == machine->length) {
		if (machine->next == run->until)
			machine->done = 1;
		return machine->done || !enter_filter(machine, machine->next);
	}
	if (!next_step(machine, &step))
		return 1;
	if ((step.code & 7) != BPF_CLASS_RET)
		return 0;
	if (step.code & BPF_RET_A)
		run->kinds |= VMB_FILTER_QUIET | VMB_FILTER_ASKS;
	else if (step.k == SECCOMP_RET_ERRNO)
		run->kinds |= VMB_FILTER_QUIET;
	else if ((step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE ||
		 (step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
		run->kinds |= VMB_FILTER_ASKS;
	return 0;
}

/* VMB_FILTER_... of the current task's filters that came after that one. */
__noinline u32 kinds_of_filters(u64 newest, u64 until)
{
	struct filter_run run = {.until = until};
	struct vmb_scratch *work;
	u32 zero = 0;

	work = bpf_map_lookup_elem(&scratch, &zero);
	if (!work)
		return VMB_FILTER_UNREAD;
	run.machine = &work->machine;
	run.machine->done = 0;
	if (enter_filter(run.machine, newest))
		bpf_loop(MAX_FILTER_STEPS, look_step, &run, 0);
	return run.kinds | (run.machine->done ? 0 : VMB_FILTER_UNREAD);
}

/* What the filters of the current task answer to its call; -1 if they could not
 * be read. */
__noinline s64 answer_to(u64 newest)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 arch = is_compat(task) ? ARCH_I386 : NATIVE_ARCH, zero = 0;
	struct filter_run run = {};
	struct vmb_machine *machine;
	struct vmb_scratch *work;

	work = bpf_map_lookup_elem(&scratch, &zero);
	if (!work)
		return -1;
	machine = &work->machine;
	machine->data[0] = number_in(regs);
	machine->data[1] =
		arch == ARCH_I386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_NATIVE;
	machine->data[2] = (u32)next_instruction(regs);
	machine->data[3] = next_instruction(regs) >> 32;
	for (u32 i = 0; i < 6; i++) {
		u64 value = argument(regs, arch, i);

		machine->data[4 + 2 * i] = (u32)value;
		machine->data[5 + 2 * i] = value >> 32;
	}
	machine->answer = SECCOMP_RET_ALLOW;
	machine->done = 0;
	run.machine = machine;
	if (enter_filter(machine, newest))
		bpf_loop(MAX_FILTER_STEPS, run_step, &run, 0);
	return machine->done ? machine->answer : -1;
}

static __always_inline u64 filters_of(struct task_struct *task)
{
	return (u64)BPF_CORE_READ(task, seccomp.filter);
}

/*
 * The kernel's bits are good for the numbers that it has; those behind them,
 * with which it fills the last word, are not. So many it has had since Linux
 * 6.10, before which nobody asks here.
 */
#define CACHED_CALLS 463

/* Whether the filter that came last, and those before it, allow a native call
 * whatever its arguments are. */
static __always_inline bool always_allows(const u64 *calls, u64 nr)
{
	return nr < CACHED_CALLS &&
	       calls[nr >> 6 & (VMB_ALLOWED_WORDS - 1)] >> (nr & 63) & 1;
}

/*
 * Remembers which filters the current task has; true if it has others than as
 * its call began, which nobody has seen. (Another thread may load one for it.)
 */
__noinline int follow_filters(u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);
	struct vmb_allowed *allowed;
	u64 newest;
	u32 at, changed;

	if (!known)
		return 0;
	newest = filters_of(task);
	changed = known->filter != newest;
	if (changed) {
		known->filter_kinds |= kinds_of_filters(newest, known->filter);
		known->filter = newest;
	}
	if (!known->slot)
		return changed;
	at = (known->slot - 1) & (VMB_SLOTS - 1);
	allowed = bpf_map_lookup_elem(&allowed_calls, &at);
	if (!allowed || allowed->filter == newest)
		return changed;
	allowed->filter = 0;
	allowed->kinds = known->filter_kinds;
	if (!bpf_probe_read_kernel(
		    allowed->calls, sizeof(allowed->calls),
		    &((struct seccomp_filter *)newest)->cache.allow_native))
		allowed->filter = newest;
	return changed;
}

enum {
	VMB_CALL_MADE = 0,
	VMB_CALL_REFUSED = 1,
	VMB_CALL_TRAPPED = 2, /* refused by SIGSYS */
	VMB_CALL_UNSURE = 3,
};

/* Whether the newest of the current task's filters, and those before it, allow
 * its call whatever the arguments are. */
static __always_inline bool always_allowed(u64 newest)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 calls[VMB_ALLOWED_WORDS] = {};

	if (is_compat(task))
		return false;
	bpf_probe_read_kernel(
		calls, sizeof(calls),
		&((struct seccomp_filter *)newest)->cache.allow_native);
	return always_allows(calls, (u32)number_in(regs));
}

/* A tracer may keep the filters from being asked. */
static __always_inline bool is_unfiltered(struct task_struct *task)
{
	return task->ptrace & PT_SUSPEND_SECCOMP;
}

/* Of the current task's call, which exits with that result; the task has
 * filters. */
__noinline u32 fate_of(u32 tid, s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 undone = undone_result((struct pt_regs *)bpf_task_pt_regs(task));
	u32 changed, refused, mode = task->seccomp.mode;
	struct vmb_task *known;
	s64 answer;

	/* Any exit is that of the call that the task is killed for. */
	if (mode > SECCOMP_MODE_FILTER && (u64)result == undone)
		return VMB_CALL_TRAPPED;
	/* The strict mode refuses by a signal. */
	if (mode != SECCOMP_MODE_FILTER || is_unfiltered(task))
		return VMB_CALL_MADE;
	changed = follow_filters(tid);
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known || always_allowed(known->filter))
		return VMB_CALL_MADE;
	if (result >= 0 && (u64)result != undone &&
	    !(known->filter_kinds & VMB_FILTER_QUIET))
		return VMB_CALL_MADE;
	answer = answer_to(known->filter);
	if (answer < 0)
		return VMB_CALL_UNSURE;
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		answer &= SECCOMP_RET_DATA;
		refused = result == -(answer < 4095 ? answer : 4095);
		break;
	case SECCOMP_RET_TRAP:
		if ((u64)result != undone)
			return VMB_CALL_MADE;
		return changed ? VMB_CALL_UNSURE : VMB_CALL_TRAPPED;
	case SECCOMP_RET_TRACE:
		if (task->ptrace)
			return VMB_CALL_UNSURE;
		refused = result == -38; /* ENOSYS */
		break;
	case SECCOMP_RET_USER_NOTIF: return VMB_CALL_UNSURE;
	default: return VMB_CALL_MADE;
	}
	if (!refused)
		return VMB_CALL_MADE;
	return changed ? VMB_CALL_UNSURE : VMB_CALL_REFUSED;
}

/* As fate_of(), of what is remembered: its filters allowed the call for
 * certain. */
__noinline int is_surely_made(u64 nr, s64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 undone = undone_result((struct pt_regs *)bpf_task_pt_regs(task));
	u32 at = (u32)task->pid & (VMB_SLOTS - 1);
	struct vmb_allowed *allowed = bpf_map_lookup_elem(&allowed_calls, &at);

	if (!allowed || allowed->filter != filters_of(task) || is_traced(task))
		return 0;
	return always_allows(allowed->calls, nr) ||
	       (result >= 0 && (u64)result != undone &&
		!(allowed->kinds & VMB_FILTER_QUIET));
}

/*
 * Whether the current task, which waits, does so on its way back from a call
 * that its filters refused, and not in that call. Filters that came since its
 * last exit say nothing of it.
 */
__noinline int waits_refused(u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);
	u32 mode = task->seccomp.mode;
	s64 answer;

	if (mode > SECCOMP_MODE_FILTER)
		return 1;
	if (!known || mode != SECCOMP_MODE_FILTER || is_unfiltered(task) ||
	    known->filter != filters_of(task) || always_allowed(known->filter))
		return 0;
	answer = answer_to(known->filter);
	switch (answer & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW: return 0;
	case SECCOMP_RET_TRACE: return !task->ptrace;
	default: return answer >= 0;
	}
}

#endif
