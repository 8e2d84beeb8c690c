/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names that lead through what the kernel shows each task of itself, its
 * folders and descriptors: whoever follows their links later finds his own.
 */
#ifndef VAMBRACE_RECORDER_OWN_H
#define VAMBRACE_RECORDER_OWN_H

/* include/uapi/linux/fcntl.h */
#define AT_FDCWD (-100)

#define MAX_DIGITS 8

/* Of a name's begin: how many bytes to leave out, and to which folder the rest
 * is relative. Never 0. */
static __always_inline u64 begin_at(u32 bytes, u32 folder)
{
	return (u64)bytes << 32 | folder;
}

/* What is below a folder, with one slash between them. */
static __always_inline u64 below(struct vmb_scratch *work, u32 at, u32 folder)
{
	char next = work->path[at + 1];

	if (work->path[at] != '/' || !next || next == '/')
		return 0;
	return begin_at(at + 1, folder);
}

static __always_inline u64 begin_at_descriptor(struct vmb_scratch *work, u32 at,
					       u32 fd)
{
	return work->path[at] ? below(work, at, fd) : begin_at(at, fd);
}

/* A descriptor's number. */
static __always_inline u64 begin_at_number(struct vmb_scratch *work, u32 at)
{
	u32 fd = 0, i;

	for (i = 0; i < MAX_DIGITS; i++) {
		u32 digit = (u32)(u8)work->path[at + i] - '0';

		if (digit > 9)
			break;
		fd = fd * 10 + digit;
	}
	return i ? begin_at_descriptor(work, at + i, fd) : 0;
}

/* Compared here, since a helper takes longer. */
static __always_inline bool begins(const char *name, const char *text,
				   u32 length)
{
	for (u32 i = 0; i < length; i++)
		if (name[i] != text[i])
			return false;
	return true;
}

#define BEGINS(work, at, text) begins(&(work)->path[at], text, sizeof(text) - 1)

/* Below /proc/self/. */
static __always_inline u64 begin_at_self(struct vmb_scratch *work, u32 at)
{
	if (BEGINS(work, at, "fd/"))
		return begin_at_number(work, at + 3);
	if (BEGINS(work, at, "cwd/"))
		return below(work, at + 3, AT_FDCWD);
	if (BEGINS(work, at, "root/"))
		return begin_at(at + 4, AT_FDCWD);
	return 0;
}

/*
 * Where the name in the scratch memory really begins, see begin_at(): what is
 * left of it is below the task's root (with its slash), its current folder or
 * a descriptor, or is that itself (nothing is left). 0: where it says.
 * /dev/fd and /dev/stdout are links into /proc/self wherever they are.
 */
__noinline u64 own_begin(u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);

	if (!work || work->path[0] != '/')
		return 0;
	if (BEGINS(work, 0, "/proc/self/"))
		return begin_at_self(work, 11);
	if (BEGINS(work, 0, "/proc/thread-self/"))
		return begin_at_self(work, 18);
	if (!BEGINS(work, 0, "/dev/"))
		return 0;
	if (BEGINS(work, 5, "fd/"))
		return begin_at_number(work, 8);
	if (BEGINS(work, 5, "stdin"))
		return begin_at_descriptor(work, 10, 0);
	if (BEGINS(work, 5, "stdout"))
		return begin_at_descriptor(work, 11, 1);
	if (BEGINS(work, 5, "stderr"))
		return begin_at_descriptor(work, 11, 2);
	return 0;
}

#endif
