/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Checks of capabilities, and where in the kernel they come from. */
#ifndef VAMBRACE_RECORDER_CAPABILITIES_H
#define VAMBRACE_RECORDER_CAPABILITIES_H

/*
 * To follow a kernel stack costs microseconds, since the kernel looks up each
 * frame's size in a table; a database on tmpfs makes the kernel check a
 * capability at most of its writes. So a stack that was followed is remembered
 * with the places of its return addresses in memory. The context of a program
 * is on that stack, at the same distance from its caller each time; what a
 * frame's return address is tells where the next one is. If all those places
 * hold the same addresses again, it is the same stack.
 *
 * A stack in whose memory one of the addresses stands twice is not remembered:
 * one of the two is what an earlier call left there. The outermost frame, the
 * entry of the call below the registers of user space, is not looked at, since
 * the kernel may vary its distance at each call (randomize_kstack_offset).
 */

/* Frames of this program: follow_stack() and the hook. */
#define OWN_FRAMES 2

/* How much of the stack's memory there is to look at, in words. */
static __always_inline u32 words_above(struct task_struct *task, void *context)
{
	/* The entry's return address is the word before the registers. */
	u64 end = (u64)bpf_task_pt_regs(task) - sizeof(u64);
	u64 bytes = end - (u64)context;

	return bytes > VMB_STACK_WORDS * sizeof(u64) ? VMB_STACK_WORDS
						     : bytes / sizeof(u64);
}

/* A word of the stack, `at` words from the context on. */
static __always_inline u64 word_at(u64 context, struct vmb_scratch *work,
				   u32 at)
{
	if (plain_loads) /* a struct of one word */
		return (u64)TYPED(struct hlist_head,
				  (void *)(context + at * sizeof(u64)))
			->first;
	return work->memory[at];
}

/* Whether the return addresses are where they were before. */
static __always_inline bool is_followed(struct vmb_followed *known, u64 context,
					struct vmb_scratch *work)
{
	u64 bytes = known->words * sizeof(u64);

	if (!plain_loads) {
		if (bytes > sizeof(work->memory))
			return false;
		if (bpf_probe_read_kernel(work->memory, bytes, (void *)context))
			return false;
	}
	for (u32 i = 0; i < VMB_FRAMES; i++) {
		if (i < known->first)
			continue;
		if (i >= known->end)
			break;
		if (word_at(context, work, known->at[i]) !=
		    known->stack.address[i])
			return false;
	}
	return true;
}

struct frame_search {
	u32 first; /* the first frame that was found */
	u32 next;
	u32 doubled;
};

/* Looks for the next return address; those of the tracing itself, below the
 * context, are not found. */
static long find_frame(u32 index, struct frame_search *search)
{
	u32 zero = 0, next = search->next;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	u64 word;

	if (!work || index >= VMB_STACK_WORDS)
		return 1;
	word = work->memory[index];
	if (!word)
		return 0;
	for (u32 i = 0; i < VMB_FRAMES; i++) {
		if (work->followed.stack.address[i] != word)
			continue;
		if (i < next) {
			search->doubled = 1;
			return 1;
		}
		if (i != next && next)
			return 0;
		if (!next)
			search->first = i;
		work->followed.at[i] = index;
		work->followed.words = index + 1;
		search->next = i + 1;
		return 0;
	}
	return 0;
}

/* Remembers the stack in the scratch memory, which was just followed. */
static __noinline int remember_stack(void *context,
				     struct vmb_followed_set *set)
{
	struct frame_search search = {};
	u32 zero = 0, words = words_above(bpf_get_current_task_btf(), context),
	    frames = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

	if (!work || !set || words > VMB_STACK_WORDS)
		return 0;
	if (bpf_probe_read_kernel(work->memory, words * sizeof(u64), context))
		return 0;
	bpf_loop(words, find_frame, &search, 0);
	for (u32 i = 0; i < VMB_FRAMES; i++)
		if (work->followed.stack.address[i])
			frames = i + 1;
	/* All but the entry's, which is not there if so many are kept. */
	if (search.doubled ||
	    search.next < frames - (frames < VMB_FRAMES ? 1 : 0))
		return 0;
	work->followed.first = search.first;
	work->followed.end = search.next;
	set->way[set->replaced++ & (VMB_FOLLOWED_WAYS - 1)] = work->followed;
	return 0;
}

/* The number of the kernel stack that is followed; ~0 if it could not be kept.
 */
static __noinline u32 follow_stack(void *context, struct vmb_followed_set *set)
{
	u32 zero = 0, id;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct vmb_stack *stack;
	u64 hash = 0xcbf29ce484222325ULL;

	if (!work)
		return ~0U;
	__builtin_memset(&work->followed, 0, sizeof(work->followed));
	stack = &work->followed.stack;
	if (bpf_get_stack(context, stack, sizeof(*stack), OWN_FRAMES) < 0) {
		count_one(stacks_failed);
		return ~0U;
	}
	for (u32 i = 0; i < VMB_FRAMES; i++)
		hash = (hash ^ stack->address[i]) * 0x100000001b3ULL;
	id = (u32)(hash >> 32) ^ (u32)hash;
	/* If it can't be added: full, or another task was quicker. */
	if (!bpf_map_lookup_elem(&stacks, &id) &&
	    bpf_map_update_elem(&stacks, &id, stack, BPF_NOEXIST) &&
	    !bpf_map_lookup_elem(&stacks, &id)) {
		count_one(stacks_failed);
		return ~0U;
	}
	work->followed.id = id;
	remember_stack(context, set);
	return id;
}

/* The number of the kernel stack of this check; ~0 if it could not be kept. */
static __always_inline u32 stack_of(struct task_struct *task, void *context,
				    struct vmb_cap_key *key)
{
	u32 zero = 0, words = words_above(task, context);
	u32 at = (key->cap * 31 + key->during_nr) & (VMB_FOLLOWED - 1);
	struct vmb_followed_set *set = bpf_map_lookup_elem(&followed, &at);
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	u64 place;

	if (!set || !work)
		return ~0U;
	/* The pointer as a number, with which the verifier lets us reckon. */
	*(volatile u64 *)&work->number = (u64)context;
	place = *(volatile u64 *)&work->number;
	for (u32 i = 0; i < VMB_FOLLOWED_WAYS; i++) {
		struct vmb_followed *known = &set->way[i];

		if (known->words && known->words <= words &&
		    is_followed(known, place, work))
			return known->id;
	}
	return follow_stack(context, set);
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

/* Its row has been there since the first such check. */
static __noinline int flush_check(struct vmb_check *check, u64 now)
{
	u64 since;

	if (!check || !check->count)
		return 0;
	since = (u64)((u32)bpf_jiffies64() - check->last) * tick_ns;
	if (!add_tally(&caps, &check->key, check->count, now - since))
		count_one(caps_refused);
	check->count = 0;
	return 0;
}

static __always_inline bool is_same_check(const struct vmb_cap_key *one,
					  const struct vmb_cap_key *other)
{
	return one->image == other->image && one->phase == other->phase &&
	       one->cap == other->cap && one->flags == other->flags &&
	       one->during_arch == other->during_arch &&
	       one->during_nr == other->during_nr && one->stack == other->stack;
}

/* Beside the slot `at`, which the current task holds, or in the table. What was
 * checked in the same jiffy keeps its place; what is there when the task ends
 * stays until another check takes the place, or the recording ends. */
static __always_inline int count_check(struct vmb_cap_key *key, u32 at)
{
	struct vmb_checks *all = bpf_map_lookup_elem(&checks, &at);
	u32 way, now = (u32)bpf_jiffies64();
	struct vmb_check *mine;

	if (!all || !key)
		return 0;
	way = (key->cap ^ key->during_nr ^ key->stack) & (VMB_CHECKS - 1);
	mine = &all->check[way];
	if ((s32)mine->count >= 0 && is_same_check(&mine->key, key)) {
		mine->count++;
		mine->last = now;
		return 0;
	}
	if (!add_tally(&caps, key, 1, bpf_ktime_get_ns())) {
		count_one(caps_refused);
		return 0;
	}
	if (mine->key.image && mine->last == now)
		return 0;
	flush_check(mine, bpf_ktime_get_ns());
	mine->key = *key;
	mine->last = now;
	return 0;
}

static __always_inline int note_capability(void *ctx, const struct cred *cred,
					   struct user_namespace *target,
					   u64 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task->pid, scope;
	struct vmb_cap_key key = {.cap = (u32)what, .flags = what >> 32};
	struct vmb_slot *slot = &slots[tid & (VMB_SLOTS - 1)];
	struct vmb_task *known;
	u64 pending;
	u32 epoch;

	if (slot->owner == tid) {
		epoch = (u32)slot->tag;
		pending = slot->pending;
		key.image = slot->image;
		key.phase = slot->phase;
		scope = slot->scope;
	} else {
		if (is_stranger(tid, control.epoch))
			return 0;
		known = bpf_map_lookup_elem(&tasks, &tid);
		if (!known)
			return 0;
		epoch = known->epoch;
		pending = pending_call(slot_at(known->slot), known);
		key.image = known->image;
		key.phase = known->phase;
		scope = known->scope;
	}
	if (!key.image)
		return 0;
	pending = current_call(pending, epoch);
	if (pending) {
		key.during_arch = (pending - 1) >> 32;
		key.during_nr = (u32)(pending - 1) + 1;
	}
	if (cred != task->real_cred)
		key.flags |= VMB_CAP_OVERRIDDEN;
	if (READ_OF(struct user_namespace, target, level) != 0)
		key.flags |= namespace_of(task, target, scope);
	key.stack = stack_of(task, ctx, &key);
	if (slot->owner == tid)
		return count_check(&key, tid & (VMB_SLOTS - 1));
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
