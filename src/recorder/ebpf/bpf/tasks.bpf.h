/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which tasks are in scope, and the slot each of them counts in. */
#ifndef VAMBRACE_RECORDER_TASKS_H
#define VAMBRACE_RECORDER_TASKS_H

#define HARNESS	 0
#define NO_SCOPE 0xffff

static __always_inline u64 tag_of(u32 tid, u32 epoch)
{
	return (u64)tid << 32 | epoch;
}

/* Whether the registers are on that task's stack. By plain loads, as what
 * follows. */
static __always_inline bool is_here(u64 task, u64 regs_at, u64 regs)
{
	return task &&
	       (u64)TYPED(struct task_struct, (void *)task)->stack + regs_at ==
		       regs;
}

#define LARGEST_STACK (1 << 16)

/* As task_here(), asking the kernel; this CPU knows the task from here on. */
static __noinline u64 set_here(u64 regs)
{
	u32 zero = 0;
	struct vmb_here *here = bpf_map_lookup_elem(&heres, &zero);
	struct task_struct *task = bpf_get_current_task_btf();

	if (!here)
		return 0;
	here->regs_at = regs - (u64)task->stack;
	/* Read again as a number; 0 if they are not on its stack at all. */
	*(volatile u64 *)&here->task =
		here->regs_at < LARGEST_STACK ? (u64)task : 0;
	return *(volatile u64 *)&here->task;
}

/* The current task, whose call has these registers; 0: not known. */
static __always_inline u64 task_here(u64 regs)
{
	u32 zero = 0;
	struct vmb_here *here = bpf_map_lookup_elem(&heres, &zero);
	u64 task = here ? *(volatile u64 *)&here->task : 0;

	return here && is_here(task, here->regs_at, regs) ? task
							  : set_here(regs);
}

static __always_inline bool is_stranger(u32 tid, u32 epoch)
{
	u32 index = tid & stranger_mask;
	u64 *tag = bpf_map_lookup_elem(&strangers, &index);

	return tag && *tag == tag_of(tid, epoch);
}

static __always_inline void set_stranger(u32 tid, u64 tag)
{
	u32 index = tid & stranger_mask;
	u64 *known = bpf_map_lookup_elem(&strangers, &index);

	if (known && *known != tag)
		*known = tag;
}

/* The call in progress. The barriers keep the two reads apart: the verifier
 * refuses a sum of a pointer that may still be null. */
static __always_inline u64 pending_call(struct vmb_slot *slot,
					struct vmb_task *known)
{
	u64 pending;

	if (slot) {
		pending = *(volatile u64 *)&slot->pending;
		asm volatile("" : "+r"(pending));
	} else {
		pending = *(volatile u64 *)&known->pending;
		asm volatile("" : "+r"(pending));
	}
	return pending;
}

/* Whether the enters of tasks that are up to this epoch are watched. */
static __always_inline bool sees_enters(u32 epoch)
{
	return epoch >= control.enters_from;
}

/* The call of the current task, which is up to that epoch, plus 1; 0: none. The
 * registers tell one that was not seen to enter. */
static __always_inline u64 current_call(u64 pending, u32 epoch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	s32 nr;

	pending &= ~VMB_PENDING_BITS;
	if (pending || sees_enters(epoch))
		return pending;
	nr = number_in((struct pt_regs *)bpf_task_pt_regs(task));
	return nr == NO_CALL ? 0 : call_of(task, nr) + 1;
}

__noinline int claim_slot(u32 tid)
{
	for (u32 i = 0; i < 4; i++) {
		u32 index = (tid + i * 613) & (VMB_SLOTS - 1);

		if (index < usable_slots &&
		    __sync_val_compare_and_swap(&slots[index].owner, 0, tid) ==
			    0)
			return index + 1;
	}
	count_one(slots_short);
	return 0;
}

static __always_inline void release_slot(u32 number)
{
	u32 at = (number - 1) & (VMB_SLOTS - 1);
	struct vmb_slot *slot = slot_at(number);
	struct vmb_allowed *allowed;

	if (!slot)
		return;
	flush_slot(number);
	/* Another filter may be where this one was. */
	allowed = bpf_map_lookup_elem(&allowed_calls, &at);
	if (allowed)
		allowed->filter = 0;
	slot->tag = 0;
	slot->pending = 0;
	slot->image = 0;
	__sync_val_compare_and_swap(&slot->owner, slot->owner, 0);
}

struct level_search {
	u32 scope;
};

static long try_level(u32 level, struct level_search *search)
{
	u64 cgroup = bpf_get_current_ancestor_cgroup_id(level);
	u32 *scope;

	if (!cgroup)
		return 1;
	scope = bpf_map_lookup_elem(&scope_cgroups, &cgroup);
	if (!scope)
		return 0;
	search->scope = *scope;
	return 0;
}

/* The scope of the current task: the innermost of its cgroups that is one. */
__noinline int cgroup_scope(void)
{
	struct level_search search = {.scope = NO_SCOPE};

	if (control.cgroups)
		bpf_loop(24, try_level, &search, 0);
	return search.scope;
}

static __noinline struct vmb_task *add_task(u32 tid, u32 image, u32 scope,
					    u32 flags)
{
	struct vmb_task fresh = {
		.image = image, .scope = scope, .flags = flags};

	if (bpf_map_update_elem(&tasks, &tid, &fresh, BPF_ANY)) {
		count_one(tasks_refused);
		return NULL;
	}
	return bpf_map_lookup_elem(&tasks, &tid);
}

/* The current task came into the scope from outside. */
static __always_inline u32 entry_image(struct task_struct *task, u32 scope)
{
	struct vmb_scope *entered = bpf_map_lookup_elem(&scopes, &scope);
	u32 kind;

	if (!entered)
		return 0;
	__sync_val_compare_and_swap(&entered->first_tgid, 0, (u32)task->tgid);
	kind = entered->first_tgid == (u32)task->tgid ? VMB_IMAGE_ENTRY_FIRST
						      : VMB_IMAGE_ENTRY_LATER;
	return current_image(scope | kind << 16);
}

/*
 * Does the task have a filter that its parent has not? The parent's own, of
 * a container around this one, is no news.
 */
static __always_inline bool has_new_filter(struct task_struct *task)
{
	return BPF_CORE_READ(task, seccomp.filter_count.counter) >
	       BPF_CORE_READ(task, real_parent, seccomp.filter_count.counter);
}

/*
 * The runtime's process, before its execve, at its first call under the
 * container's filter. A task takes the slow path until then: what the filter
 * had to allow must not be missed, nor what it did not see be added.
 */
static __always_inline void notice_filter(struct task_struct *task,
					  struct vmb_task *known)
{
	struct vmb_image *image;
	struct vmb_slot *slot;
	u32 kind;

	if (!task || !known || !has_new_filter(task))
		return;
	image = bpf_map_lookup_elem(&images, &known->image);
	if (!image)
		return;
	kind = image->key.kind == VMB_IMAGE_ENTRY_FIRST
		       ? VMB_IMAGE_FILTERED_FIRST
		       : VMB_IMAGE_FILTERED_LATER;
	slot = slot_at(known->slot);
	flush_slot(known->slot);
	known->image = current_image(known->scope | kind << 16);
	known->flags &= ~VMB_TASK_UNFILTERED;
	if (slot) {
		slot->image = known->image;
		slot->tag = tag_of(task->pid, known->epoch);
	}
}

/* A task is of a runtime if its image is. */
static __always_inline void note_runtime(struct vmb_task *known)
{
	struct vmb_image *image = bpf_map_lookup_elem(&images, &known->image);

	if (image && (image->key.kind == VMB_IMAGE_ENTRY_FIRST ||
		      image->key.kind == VMB_IMAGE_ENTRY_LATER))
		known->flags |= VMB_TASK_UNFILTERED;
}

/* A thread of a process that is known to be in the scope. */
static __always_inline u32 image_of_leader(struct task_struct *task, u32 scope)
{
	u32 tgid = task->tgid;
	struct vmb_task *leader = bpf_map_lookup_elem(&tasks, &tgid);

	return leader && leader->scope == scope ? leader->image : 0;
}

__noinline int forget_task(u32 tid)
{
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);

	if (!known)
		return 0;
	release_slot(known->slot);
	bpf_map_delete_elem(&tasks, &tid);
	return 0;
}

/* The scope's user namespace is the one its first program begins in. */
static __always_inline void settle_namespace(struct vmb_scope *scope,
					     struct task_struct *task)
{
	if (!scope->user_ns)
		scope->user_ns =
			BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
}

/* The program of the current task, which ran before the recording. */
static __always_inline void find_late_image(struct task_struct *task,
					    struct vmb_task *known)
{
	struct vmb_scope *home;

	if (!task || !known)
		return;
	known->image = current_image(known->scope | VMB_IMAGE_LATE << 16);
	home = bpf_map_lookup_elem(&scopes, &known->scope);
	if (home && home->main_pid == task->tgid) {
		home->main_image = known->image;
		settle_namespace(home, task);
	}
}

/*
 * Brings the current task up to the epoch: is it (still) in scope, in which
 * phase, and does it have a slot? 0: out of scope.
 */
__noinline int refresh_task(u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 epoch = control.epoch, phase, scope = NO_SCOPE;
	struct vmb_task *known = bpf_map_lookup_elem(&tasks, &tid);
	struct vmb_slot *slot;

	if (!control.enabled)
		return 0;
	if (known && known->epoch == epoch) {
		if (known->flags & VMB_TASK_UNFILTERED)
			notice_filter(task, known);
		return 1;
	}
	if (control.cgroups)
		scope = cgroup_scope();
	if (!known) {
		u32 image;

		if (scope == NO_SCOPE) {
			set_stranger(tid, tag_of(tid, epoch));
			return 0;
		}
		image = image_of_leader(task, scope);
		if (!image)
			image = entry_image(task, scope);
		known = add_task(tid, image, scope, 0);
		if (!known)
			return 0;
		note_runtime(known);
	} else if (scope == NO_SCOPE && !(known->flags & VMB_TASK_TREE)) {
		forget_task(tid);
		set_stranger(tid, tag_of(tid, epoch));
		return 0;
	} else if (scope != NO_SCOPE && scope != known->scope) {
		flush_slot(known->slot);
		known->scope = scope;
		known->flags &= ~VMB_TASK_TREE;
		/* A leader would find its own image of the old scope. */
		known->image = 0;
		if (task->pid != task->tgid)
			known->image = image_of_leader(task, scope);
		if (!known->image)
			known->image = entry_image(task, scope);
		note_runtime(known);
	}
	if (!known->image)
		find_late_image(task, known);

	phase = control.phase;
	if (!known->slot)
		known->slot = claim_slot(tid);
	slot = slot_at(known->slot);
	if (slot) {
		if (slot->phase != phase)
			flush_slot(known->slot);
		slot->image = known->image;
		slot->scope = known->scope;
		slot->phase = phase;
		slot->tag = known->flags & VMB_TASK_UNFILTERED
				    ? 0
				    : tag_of(tid, epoch);
	}
	known->phase = phase;
	known->epoch = epoch;
	if (known->flags & VMB_TASK_UNFILTERED)
		notice_filter(task, known);
	if (!counters.moment_ktime) {
		counters.moment_jiffies = bpf_jiffies64();
		counters.moment_ktime = bpf_ktime_get_ns();
	}
	return 1;
}

/* The current task, up to date; null if it is out of scope. */
static __always_inline struct vmb_task *refreshed(u32 tid)
{
	return refresh_task(tid) ? bpf_map_lookup_elem(&tasks, &tid) : NULL;
}

#endif
