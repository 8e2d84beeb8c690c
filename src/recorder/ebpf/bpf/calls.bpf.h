/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One system call: its architecture, its arguments, what they name. */
#ifndef VAMBRACE_RECORDER_CALLS_H
#define VAMBRACE_RECORDER_CALLS_H

#define ARCH_X86_64  0
#define ARCH_I386    1
#define ARCH_X32     2
#define ARCH_AARCH64 3
#define X32_BIT	     0x40000000
#define TS_COMPAT    2
#define NO_CALL	     (-1)
/* include/uapi/linux/audit.h */
#define AUDIT_ARCH_I386 0x40000003U

#if defined(__TARGET_ARCH_x86)
#define NATIVE_ARCH	  ARCH_X86_64
#define AUDIT_ARCH_NATIVE 0xc000003eU

static __always_inline bool is_compat(struct task_struct *task)
{
	return task->thread_info.status & TS_COMPAT;
}

/* arch << 32 | number, for any number. */
static __always_inline u64 call_of(struct task_struct *task, u64 nr)
{
	u32 number = (u32)nr;

	if (is_compat(task))
		return (u64)ARCH_I386 << 32 | number;
	if (number & X32_BIT && (s32)number >= 0)
		return (u64)ARCH_X32 << 32 | (number & ~X32_BIT);
	return (u64)ARCH_X86_64 << 32 | number;
}

/* The number, until the exit; NO_CALL outside of calls, and at the exit of one
 * that put back the registers of a signal's receiver. */
static __always_inline s32 number_in(struct pt_regs *regs)
{
	return (s32)regs->orig_ax;
}

/* What a call returns whose registers the kernel puts back to send a signal for
 * it (syscall_rollback). */
static __always_inline u64 undone_result(struct pt_regs *regs)
{
	return (s64)number_in(regs);
}

/* asm/unistd_64.h; the two that begin with I386 are of asm/unistd_32.h. Which
 * call number_in() tells of by NO_CALL is SIGNAL_RETURN. */
#define NR_CLOSE	      3
#define NR_IOCTL	      16
#define NR_DUP2		      33
#define NR_CLONE	      56
#define NR_DUP3		      292
#define NR_BPF		      321
#define NR_CLONE3	      435
#define NR_CLOSE_RANGE	      436
#define SIGNAL_RETURN	      15
#define I386_SIGNAL_RETURN    119
#define I386_RT_SIGNAL_RETURN 173

/* include/linux/thread_info.h, enum syscall_work_bit */
#define SYSCALL_WORK_SECCOMP	   (1UL << 0)
#define SYSCALL_WORK_SYSCALL_TRACE (1UL << 2)
#define SYSCALL_WORK_SYSCALL_EMU   (1UL << 3)

/* Not every call that exits has entered: a tracer or a filter may forbid it. */
static __always_inline bool is_supervised(struct task_struct *task)
{
	return task->thread_info.syscall_work &
	       (SYSCALL_WORK_SECCOMP | SYSCALL_WORK_SYSCALL_TRACE |
		SYSCALL_WORK_SYSCALL_EMU);
}

static __always_inline bool is_traced(struct task_struct *task)
{
	return task->thread_info.syscall_work &
	       (SYSCALL_WORK_SYSCALL_TRACE | SYSCALL_WORK_SYSCALL_EMU);
}

/* A tracer makes its calls for it. */
static __always_inline bool is_emulated(struct task_struct *task)
{
	return task->thread_info.syscall_work & SYSCALL_WORK_SYSCALL_EMU;
}

static __always_inline bool may_be_refused(struct task_struct *task)
{
	return task->thread_info.syscall_work &
	       (SYSCALL_WORK_SECCOMP | SYSCALL_WORK_SYSCALL_EMU);
}

/* The calls that have no exit: exit and exit_group, whose numbers x32 shares.
 */
static __always_inline bool ends_task(u64 call)
{
	u32 number = (u32)call;

	if (call >> 32 == ARCH_I386)
		return number == 1 || number == 252;
	return number == 60 || number == 231;
}

static __always_inline u64 next_instruction(struct pt_regs *regs)
{
	return regs->ip;
}

static __always_inline u64 argument(struct pt_regs *regs, u32 arch, u32 index)
{
	if (arch == ARCH_I386) {
		switch (index) {
		case 0: return (u32)regs->bx;
		case 1: return (u32)regs->cx;
		case 2: return (u32)regs->dx;
		case 3: return (u32)regs->si;
		case 4: return (u32)regs->di;
		default: return (u32)regs->bp;
		}
	}
	switch (index) {
	case 0: return regs->di;
	case 1: return regs->si;
	case 2: return regs->dx;
	case 3: return regs->r10;
	case 4: return regs->r8;
	default: return regs->r9;
	}
}
#elif defined(__TARGET_ARCH_arm64)
#define NATIVE_ARCH	      ARCH_AARCH64
#define AUDIT_ARCH_NATIVE     0xc00000b7U

static __always_inline bool is_compat(struct task_struct *task)
{
	return false;
}

static __always_inline u64 call_of(struct task_struct *task, u64 nr)
{
	return (u64)ARCH_AARCH64 << 32 | (u32)nr;
}

static __always_inline s32 number_in(struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline u64 undone_result(struct pt_regs *regs)
{
	return regs->orig_x0;
}

/* include/uapi/asm-generic/unistd.h */
#define NR_DUP3		      24
#define NR_IOCTL	      29
#define NR_CLOSE	      57
#define NR_CLONE	      220
#define NR_BPF		      280
#define NR_CLONE3	      435
#define NR_CLOSE_RANGE	      436
#define SIGNAL_RETURN	      139
#define I386_SIGNAL_RETURN    119 /* of no use: is_compat() */
#define I386_RT_SIGNAL_RETURN 173

static __always_inline bool is_supervised(struct task_struct *task)
{
	return task->seccomp.mode || task->ptrace;
}

static __always_inline bool is_traced(struct task_struct *task)
{
	return task->ptrace;
}

static __always_inline bool is_emulated(struct task_struct *task)
{
	return false;
}

static __always_inline bool may_be_refused(struct task_struct *task)
{
	return task->seccomp.mode;
}

static __always_inline bool ends_task(u64 call)
{
	return (u32)call == 93 || (u32)call == 94;
}

static __always_inline u64 next_instruction(struct pt_regs *regs)
{
	return regs->pc;
}

static __always_inline u64 argument(struct pt_regs *regs, u32 arch, u32 index)
{
	/* At the exit, the first register holds the result. */
	return index ? regs->regs[index & 7] : regs->orig_x0;
}
#endif

#endif
