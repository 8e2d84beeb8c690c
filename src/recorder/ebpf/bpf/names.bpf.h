/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The name of a file, mixed into one number that stands for it. */
#ifndef VAMBRACE_RECORDER_NAMES_H
#define VAMBRACE_RECORDER_NAMES_H

/* Up to so many bytes a function for each word takes longer than the mixing. */
#define NEAR_NAME 64

struct mixing {
	u64 mixed;
	u32 work; /* which scratch memory */
};

static long mix_name(u32 index, struct mixing *name)
{
	u32 at = name->work;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);

	if (!work || index >= VMB_LONG_PATH / 8)
		return 1;
	name->mixed = mix(name->mixed, ((u64 *)work->path)[index]);
	return 0;
}

/* The name in the scratch memory, of so many bytes with its NUL. */
static __always_inline u64 mix_path(struct vmb_scratch *work, u32 length)
{
	struct mixing name = {.work = work->at};

	if (length > VMB_LONG_PATH)
		return 0;
	__builtin_memset(&work->path[length], 0, 8);
	if (length > NEAR_NAME) {
		bpf_loop((length + 7) >> 3, mix_name, &name, 0);
		return name.mixed;
	}
	for (u32 i = 0; i < NEAR_NAME / 8 && i * 8 < length; i++)
		name.mixed = mix(name.mixed, ((u64 *)work->path)[i]);
	return name.mixed;
}

/* The own name of the place is its link's, which is read and mixed: never 0,
 * which stands for a mount's own name. */
static __always_inline int mix_own_name(struct vmb_scratch *work)
{
	long length;

	work->named = 0;
	work->file.place.leaf = 1;
	length = bpf_probe_read_kernel_str(work->path, VMB_NAME_BYTES,
					   work->link.name);
	if (length < 0) {
		count_one(kernel_reads_failed);
		return 0;
	}
	work->named = length;
	work->file.place.leaf = mix_path(work, length) | 1;
	return 0;
}

/* A word of a name, whose bytes from `length` on are not. */
static __always_inline u64 word_of(const unsigned char *name, u32 at,
				   u32 length)
{
	const u32 offset = bpf_core_field_offset(struct qstr, hash_len);
	/* A struct with a word. */
	u64 word =
		TYPED(struct qstr, (void *)((u64)name + at - offset))->hash_len;
	u32 left = length - at;

	return left < 8 ? word & ((1ULL << left * 8) - 1) : word;
}

/* Whether the place in that scratch memory has that name: mix_own_name(). */
__noinline int is_named(u32 at, u64 leaf)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	u64 mixed = 0;
	u32 length;

	if (!work)
		return 0;
	if (!work->link.name)
		return leaf == work->file.place.leaf;
	length = work->link.hash_len >> 32;
	if (plain_loads && length < NEAR_NAME) {
		for (u32 i = 0; i <= length; i += 8)
			mixed = mix(mixed, word_of(work->link.name, i, length));
		return leaf == (mixed | 1);
	}
	mix_own_name(work);
	return leaf == work->file.place.leaf;
}

#endif
