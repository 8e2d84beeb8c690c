/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Checks of capabilities, and where in the kernel they come from. */
#ifndef VAMBRACE_RECORDER_CAPABILITIES_H
#define VAMBRACE_RECORDER_CAPABILITIES_H

/* The number of the kernel stack; ~0 if it could not be kept. */
static __noinline u32 stack_of(void *ctx)
{
	u32 zero = 0, id;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	u64 hash = 0xcbf29ce484222325ULL;

	if (!work)
		return ~0U;
	__builtin_memset(&work->stack, 0, sizeof(work->stack));
	if (bpf_get_stack(ctx, &work->stack, sizeof(work->stack), 0) < 0) {
		count_one(stacks_failed);
		return ~0U;
	}
	for (u32 i = 0; i < 16; i++)
		hash = (hash ^ work->stack.address[i]) * 0x100000001b3ULL;
	id = (u32)(hash >> 32) ^ (u32)hash;
	if (!bpf_map_lookup_elem(&stacks, &id) &&
	    bpf_map_update_elem(&stacks, &id, &work->stack, BPF_NOEXIST)) {
		count_one(stacks_failed);
		return ~0U;
	}
	return id;
}

/* Whose a user namespace is that is not the initial one. */
static __always_inline u32 namespace_of(struct task_struct *task,
					struct user_namespace *target,
					u32 number)
{
	struct vmb_scope *scope = bpf_map_lookup_elem(&scopes, &number);
	u32 home = scope ? scope->user_ns : 0;

	if (home && home == BPF_CORE_READ(target, ns.inum))
		return VMB_CAP_NS_OWN;
	if (target != BPF_CORE_READ(task, real_cred, user_ns))
		return VMB_CAP_NS_OTHER;
	return home ? VMB_CAP_NS_NESTED : VMB_CAP_NS_OWN;
}

static __noinline int note_capability(void *ctx, const struct cred *cred,
				      struct user_namespace *target, u64 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid;
	struct vmb_cap_key key = {.cap = (u32)what, .flags = what >> 32};
	struct vmb_task *known;
	struct vmb_slot *slot;
	u64 pending;

	if (is_stranger(tid, control.epoch))
		return 0;
	known = bpf_map_lookup_elem(&tasks, &tid);
	if (!known || !known->image)
		return 0;
	slot = slot_at(known->slot);
	pending = pending_call(slot, known);
	pending &= ~VMB_PENDING_BITS;
	key.image = known->image;
	key.phase = known->phase;
	if (pending) {
		key.during_arch = (pending - 1) >> 32;
		key.during_nr = (u32)(pending - 1) + 1;
	}
	if (cred != BPF_CORE_READ(task, real_cred))
		key.flags |= VMB_CAP_OVERRIDDEN;
	if (BPF_CORE_READ(target, level) != 0)
		key.flags |= namespace_of(task, target, known->scope);
	key.stack = stack_of(ctx);
	if (!add_tally(&caps, &key, 1, bpf_ktime_get_ns()))
		count_one(caps_refused);
	return 0;
}

/* Linux 6.14 and later: cred, target, capable, cap, result. */
SEC("tp_btf/cap_capable")
int capability_checked(u64 *ctx)
{
	u64 refused = (int)ctx[4] ? VMB_CAP_REFUSED : 0;

	return note_capability(ctx, (const struct cred *)ctx[0],
			       (struct user_namespace *)ctx[1],
			       (u32)ctx[3] | refused << 32);
}

/* Before: cred, target, cap, options, and the result. */
SEC("fexit/cap_capable")
int capability_returns(u64 *ctx)
{
	u64 flags = VMB_CAP_AUDIT_KNOWN;

	if ((int)ctx[4])
		flags |= VMB_CAP_REFUSED;
	if ((u32)ctx[3] & 2) /* CAP_OPT_NOAUDIT */
		flags |= VMB_CAP_NO_AUDIT;
	return note_capability(ctx, (const struct cred *)ctx[0],
			       (struct user_namespace *)ctx[1],
			       (u32)ctx[2] | flags << 32);
}

#endif
