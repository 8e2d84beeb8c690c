/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Descriptors that a program did not open itself: those that came with a
 * message, and those that it finds open when it is started.
 */
#ifndef VAMBRACE_RECORDER_GIVEN_H
#define VAMBRACE_RECORDER_GIVEN_H

/* include/linux/socket.h */
#define SOL_SOCKET	 1
#define SCM_RIGHTS	 1
#define MAX_DESCRIPTORS	 253 /* include/net/scm.h, SCM_MAX_FD */
#define CONTROL_MESSAGES 4

#define MAX_INHERITED 4096

struct received {
	u64 at; /* of the descriptors, in memory */
	u64 by;
};

static long receive(u32 index, struct received *given)
{
	struct file *file;
	u32 fd, access;

	if (bpf_probe_read_user(&fd, sizeof(fd),
				(void *)(given->at + index * sizeof(fd)))) {
		count_one(files_unread);
		return 1;
	}
	file = file_of(bpf_get_current_task_btf(), fd);
	if (!file) { /* closed by another thread meanwhile */
		count_one(files_unread);
		return 0;
	}
	access = access_of_given(file);
	if (access)
		note_access((u64)file, given->by, access, 0);
	return 0;
}

/* The descriptors that came with a message (recvmsg of this architecture). */
static __noinline int note_received(struct pt_regs *regs, u64 by, u32 arch)
{
	struct {
		u64 bytes;
		u32 level;
		u32 type;
	} head;
	struct {
		u64 at;
		u64 bytes;
	} left;
	struct received given = {.by = by};
	u64 count;

	if (!regs || arch != NATIVE_ARCH)
		return 0;
	if (bpf_probe_read_user(
		    &left, sizeof(left),
		    (void *)(argument(regs, arch, 1) + MSG_CONTROL))) {
		count_one(files_unread);
		return 0;
	}
	for (u32 i = 0; i < CONTROL_MESSAGES; i++) {
		if (!left.at || left.bytes < sizeof(head))
			return 0;
		if (bpf_probe_read_user(&head, sizeof(head), (void *)left.at)) {
			count_one(files_unread);
			return 0;
		}
		if (head.bytes < sizeof(head) || head.bytes > left.bytes)
			return 0;
		if (head.level == SOL_SOCKET && head.type == SCM_RIGHTS) {
			count = (head.bytes - sizeof(head)) / sizeof(u32);
			if (count > MAX_DESCRIPTORS)
				count = MAX_DESCRIPTORS;
			given.at = left.at + sizeof(head);
			bpf_loop(count, receive, &given, 0);
			return 0;
		}
		head.bytes = (head.bytes + 7) & ~7ULL;
		left.at += head.bytes;
		left.bytes =
			left.bytes > head.bytes ? left.bytes - head.bytes : 0;
	}
	return 0;
}

struct inherited {
	struct file **slots;
	u64 by;
};

static long inherit(u32 fd, struct inherited *by)
{
	struct file *file = NULL;
	u32 access;

	bpf_probe_read_kernel(&file, sizeof(file), by->slots + fd);
	if (!file)
		return 0;
	access = access_of_given(file);
	if (access)
		note_access((u64)file, by->by, access, 0);
	return 0;
}

/* The descriptors that a program finds open. */
static __noinline int note_inherited(struct task_struct *task, u64 by)
{
	struct fdtable *table;
	struct inherited held = {.by = by};
	u32 count;

	if (!task)
		return 0;
	table = BPF_CORE_READ(task, files, fdt);
	count = BPF_CORE_READ(table, max_fds);
	held.slots = BPF_CORE_READ(table, fd);
	if (count > MAX_INHERITED)
		count = MAX_INHERITED;
	bpf_loop(count, inherit, &held, 0);
	return 0;
}

#endif
