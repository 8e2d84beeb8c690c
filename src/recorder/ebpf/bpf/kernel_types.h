/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The few kernel types that the recorder reads, with only the members it uses.
 * libbpf finds their real offsets in the running kernel's BTF (CO-RE), so the
 * order and the types left out do not matter.
 */
#ifndef VAMBRACE_RECORDER_KERNEL_TYPES_H
#define VAMBRACE_RECORDER_KERNEL_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

#define VMB_CORE __attribute__((preserve_access_index))

struct thread_info {
	unsigned long syscall_work;
	u32 status;
} VMB_CORE;

typedef struct {
	int counter;
} vmb_atomic;

typedef struct {
	int counter;
} atomic_t;

/* include/uapi/linux/filter.h */
struct sock_filter {
	u16 code;
	u8 jt;
	u8 jf;
	u32 k;
};

struct sock_fprog_kern {
	u16 len;
	struct sock_filter *filter;
} VMB_CORE;

struct bpf_prog {
	struct sock_fprog_kern *orig_prog;
} VMB_CORE;

/* A bit for each call. */
struct action_cache {
	unsigned long allow_native[8];
} VMB_CORE;

struct seccomp_filter {
	struct action_cache cache;
	struct seccomp_filter *prev;
	struct bpf_prog *prog;
} VMB_CORE;

struct seccomp {
	int mode;
	atomic_t filter_count;
	struct seccomp_filter *filter;
} VMB_CORE;

struct kernfs_node {
	u64 id;
} VMB_CORE;

struct cgroup_root {
	int hierarchy_id;
} VMB_CORE;

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
} VMB_CORE;

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_root *root;
} VMB_CORE;

struct file_system_type {
	const char *name;
} VMB_CORE;

struct super_block {
	u32 s_dev;
	unsigned long s_flags;
	struct file_system_type *s_type;
} VMB_CORE;

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

struct list_head {
	struct list_head *next;
} VMB_CORE;

/* Of locks; since Linux 6.9. */
struct file_lock_core {
	struct list_head flc_list;
	void *flc_owner;
	unsigned char flc_type;
} VMB_CORE;

struct file_lock_context {
	struct list_head flc_posix;
} VMB_CORE;

struct inode {
	struct file_lock_context *i_flctx;
	unsigned short i_mode;
	kuid_t i_uid;
	unsigned long i_ino;
	struct super_block *i_sb;
	s64 i_ctime_sec;
	u32 i_ctime_nsec;
} VMB_CORE;

struct vmb_timespec {
	s64 tv_sec;
	long tv_nsec;
};

/* Before Linux 6.11 and before 6.6. */
struct inode___6_6 {
	struct vmb_timespec __i_ctime;
} VMB_CORE;

struct inode___6_1 {
	struct vmb_timespec i_ctime;
} VMB_CORE;

struct qstr {
	u64 hash_len;
	const unsigned char *name;
} VMB_CORE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
} VMB_CORE;

struct vfsmount {
	struct dentry *mnt_root;
} VMB_CORE;

struct ns_common {
	unsigned int inum;
} VMB_CORE;

struct mnt_namespace {
	struct ns_common ns;
} VMB_CORE;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
} VMB_CORE;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} VMB_CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} VMB_CORE;

struct file_operations {
	void *lock;
} VMB_CORE;

struct file {
	const struct file_operations *f_op;
	u32 f_mode;
	u32 f_flags;
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
} VMB_CORE;

/* The file below an overlay's, which a mapping then has; since Linux 6.7 its
 * own path is that of the layer. */
struct backing_file {
	struct file file;
	struct path user_path;
} VMB_CORE;

struct sock_common {
	unsigned short skc_family;
} VMB_CORE;

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
} VMB_CORE;

struct socket {
	struct sock *sk;
} VMB_CORE;

struct unix_sock {
	struct path path;
} VMB_CORE;

struct hlist_node;

struct hlist_head {
	struct hlist_node *first;
} VMB_CORE;

struct fdtable {
	u32 max_fds;
	struct file **fd;
} VMB_CORE;

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
} VMB_CORE;

struct vm_area_struct {
	struct file *vm_file;
} VMB_CORE;

struct fs_struct {
	struct path root;
	struct path pwd;
} VMB_CORE;

struct user_namespace {
	int level;
	struct ns_common ns;
} VMB_CORE;

/* A number, or two of 32 bits before Linux 6.3. */
typedef struct {
	unsigned long long val;
} kernel_cap_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_ambient;
	struct user_namespace *user_ns;
} VMB_CORE;

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
} VMB_CORE;

struct pid {
	unsigned int level;
} VMB_CORE;

struct task_struct {
	void *stack;
	struct thread_info thread_info;
	int pid;
	int tgid;
	int exit_code;
	u32 flags;
	u32 personality;
	unsigned long atomic_flags;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct io_uring_task *io_uring;
	struct nsproxy *nsproxy;
	const struct cred *real_cred;
	const struct cred *cred;
	struct seccomp seccomp;
	struct task_struct *real_parent;
	struct task_struct *parent; /* or the tracer */
	u32 ptrace;
	struct pid *thread_pid;
} VMB_CORE;

struct kernel_siginfo {
	int si_code;
} VMB_CORE;

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
} VMB_CORE;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp;
	unsigned long bx;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
} VMB_CORE;
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	u64 regs[31];
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
} VMB_CORE;
#endif

#endif
