/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The maps. Their sizes are the defaults; user space may set others. */
#ifndef VAMBRACE_RECORDER_MAPS_H
#define VAMBRACE_RECORDER_MAPS_H

#define VMB_HASH(name, entries, key_type, value_type)                          \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_HASH);                               \
		__uint(max_entries, entries);                                  \
		__type(key, key_type);                                         \
		__type(value, value_type);                                     \
	} name SEC(".maps")

#define VMB_ARRAY(name, entries, value_type, flags)                            \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_ARRAY);                              \
		__uint(max_entries, entries);                                  \
		__uint(map_flags, flags);                                      \
		__type(key, u32);                                              \
		__type(value, value_type);                                     \
	} name SEC(".maps")

/* The file that a task locked last by a descriptor: locks.bpf.h. */
struct vmb_locked {
	u64 dentry; /* 0: none */
	struct vmb_path_key place;
	u64 changes; /* descriptor_changes() at that time */
	/* Where the kernel keeps its locks; 0 if a file system may do so. */
	u64 inode;
	u32 fd;
	u32 command; /* fcntl's */
	u32 row[2];  /* of `seen`, + 1, for reading and for writing; 0: none */
};

/*
 * By the low bits of the tid. A section and no map: the verifier then knows the
 * place of an element, and no lookup has to find it. (A section this large
 * needs Linux 6.0.)
 */
struct vmb_slot slots[VMB_SLOTS] __attribute__((aligned(4096)));
/* Tags (tid << 32 | epoch) of tasks known to be out of scope. */
VMB_ARRAY(strangers, 65536, u64, BPF_F_MMAPABLE);
VMB_HASH(tasks, 32768, u32, struct vmb_task);

VMB_ARRAY(images, 4096, struct vmb_image, 0);
VMB_HASH(image_ids, 4096, struct vmb_image_key, u32);

VMB_HASH(facts, 65536, struct vmb_fact_key, struct vmb_tally);
VMB_HASH(errnos, 32768, struct vmb_errno_key, struct vmb_tally);
VMB_HASH(tuples, 65536, struct vmb_tuple_key, u32);
VMB_HASH(tuple_counts, 16384, struct vmb_tuple_count_key, u32);
VMB_HASH(others, 16384, struct vmb_other_key, struct vmb_tally);
VMB_HASH(caps, 16384, struct vmb_cap_key, struct vmb_tally);
VMB_HASH(files, 65536, struct vmb_file_key, struct vmb_file);
VMB_HASH(mounts, 8192, struct vmb_mount_key, struct vmb_mount);
/* By slot, as the cells: written by the task that holds the slot. */
VMB_ARRAY(seen, VMB_SLOTS, struct vmb_seen_files, BPF_F_MMAPABLE);
VMB_ARRAY(checks, VMB_SLOTS, struct vmb_checks, BPF_F_MMAPABLE);
VMB_ARRAY(locked, VMB_SLOTS, struct vmb_locked, 0);
VMB_ARRAY(allowed_calls, VMB_SLOTS, struct vmb_allowed, 0);
/* Of mounts, which have two each. */
VMB_HASH(paths, 8192, struct vmb_path_key, struct vmb_path);
/* The names of all paths, one after the other. */
struct vmb_path_bytes {
	char bytes[VMB_ALL_PATHS];
};
VMB_ARRAY(path_bytes, 1, struct vmb_path_bytes, BPF_F_MMAPABLE);
VMB_ARRAY(rules, VMB_ARCHES *VMB_RULE_CALLS, struct vmb_rule, 0);

VMB_ARRAY(scopes, VMB_MAX_SCOPES, struct vmb_scope, 0);
VMB_HASH(scope_cgroups, VMB_MAX_SCOPES, u64, u32);
VMB_HASH(selectors, 64, struct vmb_selector_key, u32);
VMB_ARRAY(phases, VMB_MAX_PHASES, struct vmb_phase, BPF_F_MMAPABLE);

/* Kernel stacks by their hash. A stack map would lose those whose buckets
 * collide. */
#define VMB_FRAMES 16

struct vmb_stack {
	u64 address[VMB_FRAMES];
};
VMB_HASH(stacks, 8192, u32, struct vmb_stack);

/* A stack that was followed, and where in memory its return addresses were:
 * capabilities.bpf.h. Written by programs that are not interrupted by one
 * another. */
#define VMB_STACK_WORDS	  256 /* of memory, from the program's context on */
#define VMB_FOLLOWED	  64
#define VMB_FOLLOWED_WAYS 2

struct vmb_followed {
	struct vmb_stack stack;
	u8 at[VMB_FRAMES]; /* in words from the context on */
	u8 first, end;	   /* of the frames that are looked at */
	u16 words;	   /* of memory that these need; 0: empty */
	u32 id;
};

struct vmb_followed_set {
	struct vmb_followed way[VMB_FOLLOWED_WAYS];
	u64 replaced;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VMB_FOLLOWED);
	__type(key, u32);
	__type(value, struct vmb_followed_set);
} followed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} hints SEC(".maps");

/* What one step needs of a dentry, which has it in this order. */
struct vmb_link {
	struct dentry *parent;
	u64 hash_len;
	const unsigned char *name;
};

/* The names of a folder and of those above it, which are in the table of paths
 * for one of its files. */
struct vmb_folder {
	u64 mixed; /* as the place of that file, without its own name */
	u64 mount;
	u32 mount_ns; /* of the task */
	u32 at;
	u32 bytes; /* 0: empty */
	u32 flags;
};

#define VMB_FOLDERS 8

/*
 * The tracepoints' is the first: they are not interrupted by one another. A
 * hook may be, by that of another task, and takes one of the others.
 */
#define VMB_SCRATCHES 5

/* A seccomp filter that is run, or looked through. */
struct vmb_machine {
	u64 next; /* the filter after this one */
	u64 code; /* its instructions */
	u32 length;
	u32 at;
	u32 a;
	u32 x;
	u32 answer; /* of all so far */
	u32 done;
	u32 memory[16];
	u32 data[16]; /* struct seccomp_data */
};

struct vmb_scratch {
	u32 at; /* this one's number */
	u32 busy;
	struct vmb_image_key key;
	struct vmb_selector_key selector;
	struct vmb_followed followed;
	u64 memory[VMB_STACK_WORDS]; /* of the kernel stack */
	struct vmb_machine machine;
	struct vmb_file_key file;
	struct vmb_file fresh;
	struct vmb_mount_key mount_key;
	struct vmb_mount mount;
	u64 number;
	u64 start;	      /* the dentry that `file` is about */
	struct vmb_link link; /* of that */
	u32 named;	      /* bytes of a file's name, which is in `path` */
	u32 row;	      /* of `seen` that counts it, + 1; 0: none */
	struct vmb_folder folder[VMB_FOLDERS];
	char path[VMB_LONG_PATH + 2 * VMB_NAME_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VMB_SCRATCHES);
	__type(key, u32);
	__type(value, struct vmb_scratch);
} scratch SEC(".maps");

/*
 * The task that a CPU saw last in a call: to ask the kernel for it takes longer
 * than all that is done for most calls. It is still the current one if the
 * registers of the call are on its stack. That of a task that has ended is not
 * its own any more (kernel/fork.c, free_thread_stack); one that is being made
 * has for a moment that of its parent (dup_task_struct), which is then at work
 * and leaves no call. If it can't be made, what is left has that stack, too:
 * forget_heres().
 */
struct vmb_here {
	u64 task;    /* 0: none */
	u64 regs_at; /* where the registers are on its stack */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct vmb_here);
} heres SEC(".maps");

volatile struct vmb_control control SEC(".data.control");
volatile struct vmb_counters counters SEC(".data.counters");

/* Set before loading. */
const volatile u32 usable_slots = VMB_SLOTS;
const volatile u32 stranger_mask = 65535;
const volatile u32 max_images = 4096;
const volatile u64 tick_ns = 4000000;
/* 0: the exits of calls are not watched. */
const volatile u32 watch_exits = 1;
/* Files are told by the exits of calls, and not by hooks. */
const volatile u32 exits_tell_files = 1;
/* The kernel has bpf_rdonly_cast. */
const volatile u32 plain_loads;
/* What to do at each native call: VMB_RULED_...; a power of two of them, since
 * Linux 6.1 keeps no better bound of a number of 32 bits than its mask. */
const volatile u8 ruled[VMB_RULE_CALLS];

#define count_one(field) __sync_fetch_and_add(&counters.field, 1)

/* User memory could not be read for a task of the scope. */
static __noinline int count_unread(u32 scope)
{
	struct vmb_scope *home = bpf_map_lookup_elem(&scopes, &scope);

	count_one(user_reads_failed);
	if (home)
		__sync_fetch_and_add(&home->reads_failed, 1);
	return 0;
}

#endif
