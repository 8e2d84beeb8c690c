/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the BPF programs and user space share: the values of the maps and the
 * hints in the ring buffer. Fixed widths, no padding; the sizes are asserted on
 * the C++ side.
 *
 * The maps are the truth. A hint only says that something new is in a map; a
 * lost hint loses no fact, and is counted.
 */
#ifndef VAMBRACE_RECORDER_EVENT_H
#define VAMBRACE_RECORDER_EVENT_H

#ifdef __cplusplus
#include <stdint.h>
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
#endif

enum {
	VMB_SLOTS = 4096, /* tasks with counters of their own */
	/* Numbers counted in a slot's cells; makes a slot one page. */
	VMB_NATIVE_CALLS = 472,
	VMB_RECENT = 8,	   /* choices of arguments that a slot remembers */
	VMB_SEEN = 16,	   /* and files, beside it; a power of two */
	VMB_SEEN_WAYS = 2, /* in which of them one may be */
	VMB_CHECKS = 4,	   /* and checks of capabilities; a power of two */
	VMB_ALLOWED_WORDS = 8,
	VMB_ARCHES = 4, /* as kernel::Arch: x86_64, i386, x32, aarch64 */
	VMB_RULE_CALLS =
		512, /* numbers per architecture that can have a rule */
	VMB_ERRNO_CELLS = 4,
	VMB_MAX_TUPLES = 64,
	VMB_MAX_SCOPES = 256,
	VMB_MAX_PHASES = 256,
	VMB_PHASE_NAME = 64,
	VMB_PATH_BYTES = 1024,
	VMB_NAME_BYTES = 256,
	VMB_ARG_BYTES = 128,
	VMB_LONG_PATH = 4096, /* of a file */
	VMB_ALL_PATHS = 1 << 24,
	VMB_MAX_DEPTH = 24, /* of the parent chain of images */
};

/*
 * In `pending`: there is more to do at the exit. An argument named memory that
 * could not be read at the enter (the kernel faults it in), or the call tells
 * of a file.
 */
#define VMB_PENDING_MORE   (1ULL << 63)
#define VMB_PENDING_UNREAD (1ULL << 62)
#define VMB_PENDING_FILE   (1ULL << 61)
#define VMB_PENDING_BITS   (7ULL << 61)

/*
 * Calls of one kind by one task since the last flush. Where each of them has to
 * be looked at (its arguments are kept), the top bit is set and the rest
 * counts; otherwise a count with that bit alone is due to be flushed.
 */
struct vmb_cell {
	u32 count;
	u32 last; /* low half of jiffies */
};

#define VMB_CELL_LOOK 0x80000000U
#define VMB_CELL_FULL 0xffffffffU /* of those, a count that is due as well */

static inline u32 vmb_calls_in(u32 count)
{
	return count == VMB_CELL_LOOK ? count : count & ~VMB_CELL_LOOK;
}

/* Failed calls: errno << 16 | number; 0 is empty. */
struct vmb_errno_cell {
	u32 key;
	u32 count;
};

/* Arguments of a native call that the table has already. */
struct vmb_recent {
	u64 value[3];
	u32 image; /* 0: empty */
	u32 nr;
};

/*
 * The counters of one running task, written by that task alone: one page, so
 * that a call needs one entry of the TLB. The first 64 bytes are one cache
 * line.
 */
struct vmb_slot {
	u64 tag;     /* tid << 32 | epoch while the slot is up to date */
	u64 pending; /* arch << 32 | number + 1 of the call in progress; 0: none
		      */
	u32 owner;   /* tid, 0: free */
	u32 image;
	u32 phase;
	u32 scope;
	struct vmb_errno_cell errnos[VMB_ERRNO_CELLS];
	struct vmb_recent recent[VMB_RECENT];
	struct vmb_cell cells[VMB_NATIVE_CALLS];
};

enum {
	VMB_TASK_FIRST_EXIT = 1, /* its next exit may belong to no enter */
	VMB_TASK_LATE = 2,	 /* ran before the recording */
	VMB_TASK_TREE = 4,	 /* in scope by descent, whatever its cgroup */
	VMB_TASK_UNFILTERED = 8, /* a runtime's, before it loads a filter */
	VMB_TASK_SIGSYS = 16,	 /* a filter sent it SIGSYS for this call */
};

/* A task in scope. */
struct vmb_task {
	u64 pending; /* for a task without a slot */
	/* As pending: the last call that it blocked in without a filter and
	 * that was not seen to enter. */
	u64 blocked;
	u64 filter;	  /* the newest of its filters as its last call ended */
	u32 filter_kinds; /* filters.bpf.h */
	u32 image;	  /* 0: to be found at its next call */
	u32 slot;	  /* index + 1, 0: none */
	u32 epoch;
	u32 phase;
	u32 scope;
	u32 flags;
	u32 blocked_count; /* of that call in the task's slot, then */
};

/* Beside a slot: which native calls the filters of its task allow, whatever the
 * arguments are; a bit each. */
struct vmb_allowed {
	u64 filter; /* the newest of these; 0: nothing is known */
	u64 calls[VMB_ALLOWED_WORDS];
	u32 kinds;
	u32 unused;
};

enum {
	VMB_IMAGE_EXEC = 0,	/* a program started by execve */
	VMB_IMAGE_LAUNCHER = 1, /* our own child before the command's execve */
	VMB_IMAGE_ENTRY_FIRST =
		2, /* first to enter the cgroup, before execve */
	VMB_IMAGE_ENTRY_LATER = 3, /* entered later (exec session) */
	VMB_IMAGE_LATE = 4,	   /* ran before the recording */
	/* The two above from the first call that a new filter allowed. */
	VMB_IMAGE_FILTERED_FIRST = 5,
	VMB_IMAGE_FILTERED_LATER = 6,
	/* Set by user space: entered while it ran, without being a runtime. */
	VMB_IMAGE_MOVED = 7,
};

enum {
	VMB_IMAGE_READY = 1,
	VMB_IMAGE_TRUNCATED = 2, /* the path has more components */
	VMB_IMAGE_FILTERED =
		4, /* a seccomp filter was installed at its start */
	VMB_IMAGE_NO_NEW_PRIVS = 8,
	VMB_IMAGE_SCRIPT = 16, /* started through #! */
	VMB_IMAGE_INTERPRETER = 32,
	VMB_IMAGE_ARGS_UNREAD = 64,
	VMB_IMAGE_ROOT = 128, /* first program of a workload */
};

/* What makes two execs the same image. */
struct vmb_image_key {
	u64 inode;
	u64 ctime;
	u32 device;
	u32 parent;
	u32 scope;
	u32 kind;
	char arg0[VMB_ARG_BYTES];
	char arg1[VMB_ARG_BYTES]; /* of interpreters only */
};

struct vmb_image {
	struct vmb_image_key key;
	u64 first; /* ktime */
	u32 tgid;  /* the process that brought it */
	u32 flags;
	u32 depth;
	u32 path_bytes;
	char path[VMB_PATH_BYTES]; /* components, leaf first, each with its NUL
				    */
	char filename[VMB_NAME_BYTES];
	char args[VMB_NAME_BYTES]; /* arg0 NUL arg1 NUL ... */
};

struct vmb_fact_key {
	u32 image;
	u32 phase;
	u32 arch;
	u32 nr;
};

struct vmb_errno_key {
	u32 image;
	u32 arch;
	u32 nr;
	u32 error;  /* errno; 0x10000 for SIGSYS */
	u32 denied; /* VMB_REFUSED, or VMB_UNSURE of a failure that is counted
		       without it, too */
};

/* By a filter: the call never entered. It was not watched whether it did. */
enum { VMB_REFUSED = 1, VMB_UNSURE = 2 };

struct vmb_tally {
	u64 count;
	u64 first; /* ktime */
	u64 last;
};

struct vmb_tuple_key {
	u32 image;
	u16 arch;
	u16 denied;
	u32 nr;
	u32 used; /* how many of the values count */
	u64 value[3];
};

struct vmb_tuple_count_key {
	u32 image;
	u16 arch;
	u16 denied;
	u32 nr;
};

enum {
	VMB_OTHER_SOCKET = 1,
	VMB_OTHER_BIND = 2,
	VMB_OTHER_CONNECT = 3,
	VMB_OTHER_LISTEN = 4,
	VMB_OTHER_ACCEPT = 5,
	VMB_OTHER_SIGNAL = 6,
	VMB_OTHER_EXEC = 7,
	VMB_OTHER_USER = 8, /* uid and gid in the address, at a start */
	VMB_OTHER_TRACE = 9,
	VMB_OTHER_GIVEN = 10, /* a socket that the program did not make */
};

/* Of a trace: how. Of a trace or a signal: whom. */
enum { VMB_TRACE_READ = 1, VMB_TRACE_TRACE = 2 };
enum { VMB_SIDE_PROGRAM = 0, VMB_SIDE_OUTSIDE = 1, VMB_SIDE_UNKNOWN = 2 };

/* Facts that are not calls: sockets, signals sent, programs started, looks into
 * other processes. */
struct vmb_other_key {
	u32 image;
	u32 phase;
	u16 kind;
	u16 family;   /* or VMB_SIDE_... of a trace or a signal */
	u16 type;     /* of a socket, the signal, 1: raised by its file, or
			 VMB_TRACE_... */
	u16 port;     /* host order */
	u32 protocol; /* of a socket, or the image that was started or traced */
	u32 unnamed;  /* 1: the address could not be read */
	u8 address[16];
};

enum {
	VMB_CAP_REFUSED = 1,
	VMB_CAP_OVERRIDDEN = 2,
	VMB_CAP_AUDIT_KNOWN = 4,
	VMB_CAP_NO_AUDIT = 8,
	VMB_CAP_NS_OWN = 16,
	VMB_CAP_NS_OTHER = 32,
	VMB_CAP_NS_NESTED = 64, /* the task's own, made within the scope */
};

struct vmb_cap_key {
	u32 image;
	u32 phase;
	u32 cap;
	u32 flags;
	u32 during_arch;
	u32 during_nr; /* number + 1; 0: outside any call */
	u32 stack;     /* id in the stack map, or ~0 */
	u32 unused;
};

/* A check that a task comes to again, and how often since the last flush; the
 * table of capabilities has the same key. */
struct vmb_check {
	struct vmb_cap_key key; /* image 0: empty */
	u32 count;
	u32 last; /* low half of jiffies */
};

struct vmb_checks {
	struct vmb_check check[VMB_CHECKS];
};

enum {
	VMB_SPECIAL_NONE = 0,
	VMB_SPECIAL_POINTER =
		1, /* the value is the u64 that the argument names */
	VMB_SPECIAL_SOCKET = 2,
	VMB_SPECIAL_BIND = 3,
	VMB_SPECIAL_CONNECT = 4,
	VMB_SPECIAL_LISTEN = 5,
	VMB_SPECIAL_ACCEPT = 6,
	VMB_SPECIAL_SIGNAL = 7,
};

/* What a call tells of a file that succeeds, or fails after AppArmor was asked.
 */
enum {
	VMB_FILE_NOTHING = 0,
	VMB_FILE_OPEN = 1,    /* flags in the second argument */
	VMB_FILE_OPENAT = 2,  /* in the third */
	VMB_FILE_OPENAT2 = 3, /* in memory that the third names */
	VMB_FILE_CREAT = 4,
	VMB_FILE_MMAP = 5,
	VMB_FILE_MPROTECT = 6,
	VMB_FILE_FLOCK = 7,
	VMB_FILE_FCNTL = 8,
	VMB_FILE_FTRUNCATE = 9,
	VMB_FILE_FCHMOD = 10,
	VMB_FILE_FCHOWN = 11,
	VMB_FILE_NAMED = 12,   /* no descriptor: one or two names */
	VMB_FILE_ADDRESS = 13, /* a socket's, which may be in the file system */
	VMB_FILE_EXEC = 14,    /* told by its tracepoint if it succeeds */
	/* No files, but told in the same place. */
	VMB_FILE_MOUNT = 15,
	VMB_FILE_UMOUNT = 16,
	VMB_FILE_PIVOT = 17,
	VMB_FILE_MOVE_MOUNT = 18,
	VMB_FILE_TRACE = 19,
	VMB_FILE_TRACE_MEMORY = 20,
	VMB_FILE_SIGNAL = 21,
	VMB_FILE_RECVMSG = 22,
	VMB_FILE_GETFD = 23, /* a descriptor of another process */
};

/* How a file was accessed, as AppArmor is asked; below that, what it is. */
enum {
	VMB_ACCESS_READ = 1,
	VMB_ACCESS_WRITE = 2,
	VMB_ACCESS_APPEND = 4,
	VMB_ACCESS_CREATE = 8,
	VMB_ACCESS_EXECUTE = 16,
	VMB_ACCESS_MAP = 32,
	VMB_ACCESS_LOCK = 64,
	VMB_ACCESS_CHMOD = 128,
	VMB_ACCESS_CHOWN = 256,
	VMB_ACCESS_INHERIT = 512, /* at execve, rather than opened */
	VMB_ACCESS_DELETE = 1024,
	VMB_ACCESS_LINK = 2048,
	VMB_FILE_OWNED = 1 << 16, /* by the task's own file system user */
	VMB_FILE_FOLDER = 1 << 17,
	/* On a file system of the kernel's own: memfd, pipes and the like. */
	VMB_FILE_INTERNAL = 1 << 18,
	/* Not seen itself: the place is that of the folder to which the name in
	 * the call is relative, and the name. */
	VMB_FILE_NAMED_ONLY = 1 << 19,
	VMB_FILE_NONE = 1 << 20, /* of a mount's source: it has none */
	VMB_FILE_MADE = 1 << 21, /* by that open or rename */
};

/*
 * A place in the tree of mounts: its own name, mixed (0 if that is a mount's);
 * the mount; dentries and names of all folders above it, mixed. A file that is
 * removed and made again is where it was, whatever its dentry is.
 */
struct vmb_path_key {
	u64 leaf;
	u64 mount;
	u64 mixed;
};

enum {
	VMB_PATH_TRUNCATED = 1,
	/* Under no mount of the task's namespace. */
	VMB_PATH_DISCONNECTED = 2,
};

/* Where the names are: leaf first, each with its NUL. (A name in a call counts
 * as one, whatever it is made of.) */
struct vmb_path {
	u32 at;
	u32 bytes;
	u32 flags;
	u32 mount_ns; /* of mounts, by inode */
};

struct vmb_file_key {
	u32 image;
	u32 phase;
	u32 access;
	u32 unused;
	struct vmb_path_key place;
};

struct vmb_file {
	struct vmb_tally tally;
	struct vmb_path path;
};

enum {
	VMB_MOUNT_NEW = 1,
	VMB_MOUNT_REMOUNT = 2,
	VMB_MOUNT_BIND = 3,
	VMB_MOUNT_MOVE = 4,
	VMB_MOUNT_TYPE = 5, /* of propagation */
	VMB_MOUNT_UMOUNT = 6,
	VMB_MOUNT_PIVOT = 7,
	VMB_TYPE_BYTES = 32,
};

/* A change to what is mounted where. */
struct vmb_mount_key {
	u32 image;
	u32 phase;
	u32 operation; /* VMB_MOUNT_... */
	u32 flags;     /* MS_..., those that AppArmor is asked with */
	u32 target_is; /* VMB_FILE_FOLDER, _NAMED_ONLY */
	u32 source_is; /* or _NONE; of both, 0 with an empty path: not known */
	char fstype[VMB_TYPE_BYTES];
	struct vmb_path_key target;
	struct vmb_path_key source; /* of a pivot_root: the old root's */
};

struct vmb_mount {
	struct vmb_tally tally;
	struct vmb_path target;
	struct vmb_path source;
};

/* A file that a task accesses again, and how often since the last flush: one
 * cache line. The table of files has the same key. Dentry, and length and hash
 * of its name, stand for the name, which then need not be read. */
struct vmb_seen {
	struct vmb_file_key key; /* image 0: empty */
	u64 dentry;
	u64 hash_len;
	u32 count;
	u32 last; /* low half of jiffies */
};

struct vmb_seen_files {
	struct vmb_seen file[VMB_SEEN];
};

/* What to do at a native call. */
enum {
	VMB_RULED_ARGUMENTS = 1,
	VMB_RULED_FILE = 2,
	/* Only a mapping that may be executed tells of its file, */
	VMB_RULED_MAPPING = 4,
	/* and of fcntl's commands only those about locks. */
	VMB_RULED_COMMAND = 8,
	/* and of messages only those that may come with descriptors. */
	VMB_RULED_CONTROL = 16,
};

/* A file that a call names: arguments by index + 1, 0 for none. */
struct vmb_name {
	u8 name;
	u8 folder; /* AT_FDCWD if none */
	u16 unused;
	u32 access;
};

/* Which arguments of a call are kept. */
struct vmb_rule {
	u64 mask[3];
	/* Errors, a bit each, with which it fails after AppArmor was asked. */
	u64 asked;
	u8 index[3];
	u8 used;
	u8 special;
	u8 special_index;
	u8 file; /* VMB_FILE_... */
	/* Of VMB_FILE_NAMED: flags, index + 1, where AT_REMOVEDIR tells that
	 * one name is a folder's, RENAME_EXCHANGE that both of two move. */
	u8 flags;
	/* What it opens or executes has one name and no access here. */
	struct vmb_name name[2];
};

/* One watched set of tasks; 0 is the harness. */
struct vmb_scope {
	u64 cgroup; /* 0: by descent */
	u32 main_pid;
	u32 main_image;
	u32 first_tgid;	  /* the first process that came in from outside */
	u32 reads_failed; /* of user memory */
	u32 user_ns;	  /* of the first program, by inode; 0: not known */
	u32 unused;
	char path[VMB_NAME_BYTES];
};

struct vmb_selector_key {
	u64 inode;
	u32 device;
	u32 unused;
	char name[VMB_ARG_BYTES];
};

struct vmb_phase {
	u64 start; /* ktime */
	char name[VMB_PHASE_NAME];
};

/* Written by user space (and the epoch by both). */
struct vmb_control {
	u32 epoch;
	u32 phase;
	u32 phases; /* how many have a name */
	u32 enabled;
	u32 cgroups;	 /* scopes are looked up by cgroup */
	u32 provisional; /* each new cgroup becomes a scope */
	u32 scopes;	 /* next free scope number */
	u32 selectors;
	u32 stop; /* somebody asks for the recording to end */
	/* Of a task that is up to this epoch or a later one each call was seen
	 * to enter; 0 if all are, VMB_NEVER if none is. */
	u32 enters_from;
};

#define VMB_NEVER (~0U)

/* Counted where something can get lost, or to be reconciled. */
struct vmb_counters {
	u64 facts;
	u64 hints_sent;
	u64 hints_lost;
	u64 hints_seen; /* written by user space */
	u64 images;
	u64 facts_refused;
	u64 errnos_refused;
	u64 tuples_refused;
	u64 others_refused;
	u64 caps_refused;
	u64 images_refused;
	u64 tasks_refused;
	u64 scopes_refused;
	u64 slots_short; /* tasks counted without a slot: slower, not lost */
	u64 user_reads_failed;
	u64 kernel_reads_failed;
	u64 stacks_failed;
	u64 files_refused;
	u64 paths_refused;
	u64 files_unread;
	u64 mounts_refused;
	u64 path_bytes; /* taken, or asked for in vain */
	u64 denied;
	u64 enters_asked; /* 1: once VMB_HINT_ENTERS was sent */
	/* One moment by both clocks; set once. */
	u64 moment_ktime;
	u64 moment_jiffies;
};

enum {
	VMB_HINT_FACT = 1,
	VMB_HINT_IMAGE = 2,
	VMB_HINT_SCOPE = 3,
	/* The task's root may be that of a namespace that is not known yet. */
	VMB_HINT_ROOT = 4,
	/* The first process of a scope ends, and a container with it. */
	VMB_HINT_END = 5,
	/* From here on calls have to be seen to enter (enters_asked). */
	VMB_HINT_ENTERS = 6,
};

struct vmb_hint {
	u64 time;
	u32 kind;
	u32 image; /* or the scope */
	u32 arch;
	u32 nr;
	u32 phase;
	u32 tgid;
};

#endif
