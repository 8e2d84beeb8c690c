/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counting: cells of a slot, and the tables they are flushed into. */
#ifndef VAMBRACE_RECORDER_FACTS_H
#define VAMBRACE_RECORDER_FACTS_H

#define ERROR_SIGSYS 0x10000
#define ENOMEM	     12
#define MOST_CPUS    8192 /* arch/x86/Kconfig, NR_CPUS_RANGE_END */

static __always_inline void hint(u32 kind, u32 image, u32 arch, u32 nr,
				 u32 phase, u32 tgid)
{
	struct vmb_hint *note = bpf_ringbuf_reserve(&hints, sizeof(*note), 0);

	if (!note) {
		count_one(hints_lost);
		return;
	}
	note->time = bpf_ktime_get_ns();
	note->kind = kind;
	note->image = image;
	note->arch = arch;
	note->nr = nr;
	note->phase = phase;
	note->tgid = tgid;
	/* A program's file is read while its process is there, a container's
	 * folders before it is removed; until calls are seen to enter, some of
	 * them are unsure. */
	bpf_ringbuf_submit(note, kind == VMB_HINT_IMAGE ||
						 kind == VMB_HINT_ROOT ||
						 kind == VMB_HINT_END ||
						 kind == VMB_HINT_ENTERS
					 ? BPF_RB_FORCE_WAKEUP
					 : BPF_RB_NO_WAKEUP);
	count_one(hints_sent);
}

/* False if the table is full. */
static __always_inline bool add_tally(void *map, const void *key, u64 count,
				      u64 last)
{
	struct vmb_tally *tally = bpf_map_lookup_elem(map, key);

	if (!tally) {
		struct vmb_tally fresh = {.count = count,
					  .first = bpf_ktime_get_ns(),
					  .last = last};

		if (!bpf_map_update_elem(map, key, &fresh, BPF_NOEXIST))
			return true;
		/* Full, or another task was quicker. */
		tally = bpf_map_lookup_elem(map, key);
		if (!tally)
			return false;
	}
	__sync_fetch_and_add(&tally->count, count);
	if (tally->last < last)
		tally->last = last;
	return true;
}

/*
 * Functions that are not static are verified once by themselves, static ones
 * again at each call: what many paths lead to is not static, has numbers for
 * its arguments and returns one.
 */

static __always_inline struct vmb_slot *slot_at(u32 number)
{
	return number ? &slots[(number - 1) & (VMB_SLOTS - 1)] : NULL;
}

/* Adds to the table of calls; the first time also tells user space. */
__noinline int add_fact(u32 image, u32 phase, u64 call, u64 count, u64 last)
{
	struct vmb_fact_key key = {
		.image = image,
		.phase = phase,
		.arch = call >> 32,
		.nr = (u32)call,
	};
	struct vmb_tally *tally = bpf_map_lookup_elem(&facts, &key);

	if (!tally) {
		struct vmb_tally fresh = {.count = count,
					  .first = bpf_ktime_get_ns(),
					  .last = last};

		if (!bpf_map_update_elem(&facts, &key, &fresh, BPF_NOEXIST)) {
			count_one(facts);
			hint(VMB_HINT_FACT, image, key.arch, key.nr, phase, 0);
			return 0;
		}
		tally = bpf_map_lookup_elem(&facts, &key);
		if (!tally) {
			count_one(facts_refused);
			return 0;
		}
	}
	__sync_fetch_and_add(&tally->count, count);
	if (tally->last < last)
		tally->last = last;
	return 0;
}

/* call: arch << 32 | number. */
__noinline int add_errno(u32 image, u64 call, u32 error, u32 denied, u32 count)
{
	struct vmb_errno_key key = {
		.image = image,
		.arch = call >> 32,
		.nr = (u32)call,
		.error = error,
		.denied = denied,
	};

	if (!add_tally(&errnos, &key, count, bpf_ktime_get_ns()))
		count_one(errnos_refused);
	return 0;
}

/* The slot's task may have other descriptors by now: locks.bpf.h. */
static __always_inline void forget_lock(u32 slot)
{
	u32 at = (slot - 1) & (VMB_SLOTS - 1);
	struct vmb_locked *last = bpf_map_lookup_elem(&locked, &at);

	if (slot && last)
		last->dentry = 0;
}

/* The row of a file has been there since its first access. */
static __noinline int flush_seen(struct vmb_seen *seen, u64 now)
{
	struct vmb_file *known;
	u64 last;

	if (!seen || !seen->count)
		return 0;
	known = bpf_map_lookup_elem(&files, &seen->key);
	if (known) {
		__sync_fetch_and_add(&known->tally.count, seen->count);
		last = now - (u64)((u32)bpf_jiffies64() - seen->last) * tick_ns;
		if (known->tally.last < last)
			known->tally.last = last;
	} else {
		count_one(files_refused);
	}
	seen->count = 0;
	return 0;
}

struct flush {
	struct vmb_slot *slot;
	u64 now;
	u32 jiffies;
};

static long flush_cell(u32 index, struct flush *flush)
{
	struct vmb_cell *cell;
	u32 count;

	if (index >= VMB_NATIVE_CALLS)
		return 1;
	cell = &flush->slot->cells[index];
	count = vmb_calls_in(cell->count);
	if (!count)
		return 0;
	cell->count = 0;
	add_fact(flush->slot->image, flush->slot->phase,
		 (u64)NATIVE_ARCH << 32 | index, count,
		 flush->now - (u64)(flush->jiffies - cell->last) * tick_ns);
	return 0;
}

/* Adds all cells of a slot to the tables and leaves the slot empty. */
__noinline int flush_slot(u32 number)
{
	struct vmb_slot *slot = slot_at(number);
	u32 at = (number - 1) & (VMB_SLOTS - 1);
	struct vmb_seen_files *all;
	struct flush flush = {};

	if (!slot)
		return 0;
	flush.slot = slot;
	flush.now = bpf_ktime_get_ns();
	flush.jiffies = (u32)bpf_jiffies64();
	bpf_loop(VMB_NATIVE_CALLS, flush_cell, &flush, 0);
	for (int i = 0; i < VMB_ERRNO_CELLS; i++) {
		u32 key = slot->errnos[i].key;

		if (!key)
			continue;
		add_errno(slot->image, (u64)NATIVE_ARCH << 32 | (key & 0xffff),
			  key >> 16, 0, slot->errnos[i].count);
		slot->errnos[i].key = 0;
	}
	forget_lock(number);
	all = bpf_map_lookup_elem(&seen, &at);
	if (all && watch_exits)
		for (int i = 0; i < VMB_SEEN; i++)
			flush_seen(&all->file[i], flush.now);
	return 0;
}

/*
 * Counts a call in its cell. A cell that is new (0) or full goes into the table
 * first, so that user space hears of a new call at once and no counter can
 * wrap.
 */
static __noinline void count_cell(struct vmb_slot *slot, u32 nr)
{
	struct vmb_cell *cell;
	u32 count;

	if (!slot || nr >= VMB_NATIVE_CALLS)
		return;
	cell = &slot->cells[nr];
	count = vmb_calls_in(cell->count);
	if (!count || count >= (VMB_CELL_FULL & ~VMB_CELL_LOOK)) {
		add_fact(slot->image, slot->phase, (u64)NATIVE_ARCH << 32 | nr,
			 count, bpf_ktime_get_ns());
		count = 0;
	}
	cell->count = (count + 1) | (ruled[nr] ? VMB_CELL_LOOK : 0);
	cell->last = (u32)bpf_jiffies64();
}

static long forget_here(u32 cpu, void *none)
{
	u32 zero = 0;
	struct vmb_here *here = bpf_map_lookup_percpu_elem(&heres, &zero, cpu);

	if (!here)
		return 1;
	*(volatile u64 *)&here->task = 0;
	return 0;
}

/* A call failed for want of memory: it may have been to make a task. */
static __always_inline void forget_heres(void)
{
	bpf_loop(MOST_CPUS, forget_here, NULL, 0);
}

static __noinline void note_failure(struct vmb_slot *slot, u32 nr, u32 error)
{
	u32 key = error << 16 | nr;
	struct vmb_errno_cell *cell;

	if (!slot)
		return;
	if (error == ENOMEM)
		forget_heres();
	cell = &slot->errnos[(nr ^ error) & (VMB_ERRNO_CELLS - 1)];
	if (cell->key == key && (s32)cell->count > 0) {
		cell->count++;
		return;
	}
	if (cell->key)
		add_errno(slot->image,
			  (u64)NATIVE_ARCH << 32 | (cell->key & 0xffff),
			  cell->key >> 16, 0, cell->count);
	cell->key = key;
	cell->count = 1;
}

#endif
