/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Files, as AppArmor is asked about them: how they were accessed, and the path
 * below the root of the mount namespace. Calls that succeeded tell them, by the
 * file that their descriptor stands for or, without one, by its name; so do
 * calls that failed with an error which comes after the question.
 */
#ifndef VAMBRACE_RECORDER_FILES_H
#define VAMBRACE_RECORDER_FILES_H

/* include/linux/fs.h */
#define FMODE_READ    0x1
#define FMODE_WRITE   0x2
#define FMODE_PATH    0x4000
#define FMODE_CREATED 0x100000
/* include/uapi/asm-generic/fcntl.h */
#define O_ACCMODE 00000003
#define O_RDONLY  00000000
#define O_WRONLY  00000001
#define O_RDWR	  00000002
#define O_CREAT	  00000100
#define O_TRUNC	  00001000
#define O_APPEND  00002000
#define O_PATH	  010000000
#define LOCK_EX	  2
/* include/uapi/linux/fcntl.h */
#define AT_REMOVEDIR 0x200
/* include/uapi/linux/fs.h */
#define RENAME_EXCHANGE 2
/* include/linux/socket.h, include/uapi/linux/un.h */
#define AF_UNIX	      1
#define SUN_PATH      2
#define SUN_PATH_SIZE 108
/* include/uapi/asm-generic/mman-common.h */
#define PROT_READ     1
#define PROT_EXEC     4
#define MAP_ANONYMOUS 0x20
/* include/uapi/linux/personality.h */
#define READ_IMPLIES_EXEC 0x0400000
/* include/linux/errno.h, from ERESTARTSYS on: EINTR for the caller, or the call
 * is made again. */
#define FIRST_RESTART 512
#define LAST_RESTART  516
#define EINTR	      4
#define EISDIR	      21

/* Of struct user_msghdr: where its msg_control is. */
#define MSG_CONTROL 32

static __always_inline struct vmb_rule *rule_of(u64 call)
{
	u32 arch = call >> 32, nr = (u32)call, index;

	if (nr >= VMB_RULE_CALLS || arch >= VMB_ARCHES)
		return NULL;
	index = arch * VMB_RULE_CALLS + nr;
	return bpf_map_lookup_elem(&rules, &index);
}

/* What is to be seen of the file at the call's exit. */
static __always_inline u32 file_work(u64 call)
{
	struct vmb_rule *rule = rule_of(call);

	return rule ? rule->file : VMB_FILE_NOTHING;
}

#define NO_FOLDER (-101) /* none: relative names are lost */

/* The walk begins where the name in the scratch memory is relative to; false if
 * that is not there any more. */
static __always_inline bool enter_folder(struct task_struct *task,
					 struct vmb_scratch *work,
					 struct walk *walk, u32 folder)
{
	struct file *file;
	struct mount *mount;

	if (work->path[0] == '/') {
		walk->dentry = task->fs->root.dentry;
		mount = mount_of(task->fs->root.mnt);
	} else if ((s32)folder == AT_FDCWD) {
		walk->dentry = task->fs->pwd.dentry;
		mount = mount_of(task->fs->pwd.mnt);
	} else {
		file = file_of(task, folder);
		if (!file)
			return false;
		walk->dentry = READ_OF(struct file, file, f_path.dentry);
		mount = mount_of(READ_OF(struct file, file, f_path.mnt));
	}
	enter_mount(walk, mount);
	return true;
}

/* With note_named's access: the name is in the kernel's memory. */
#define NAMED_BY_KERNEL (1U << 31)
/* No descriptor, nor AT_FDCWD. */
#define IS_TOLD	     (-1)
#define IS_FORGOTTEN (-2) /* note_forgotten() is to be called */

/* The name is less than `limit` bytes; its length with the NUL, or an error. */
static __always_inline long read_name(struct vmb_scratch *work, u64 name,
				      u32 access, u32 limit)
{
	u64 most = limit;

	/* Linux 6.1 learns nothing of a number of 64 bits from its half. */
	barrier_var(most);
	if (most > VMB_LONG_PATH)
		most = VMB_LONG_PATH;
	if (access & NAMED_BY_KERNEL)
		return bpf_probe_read_kernel_str(work->path, most,
						 (void *)name);
	return bpf_probe_read_user_str(work->path, most, (void *)name);
}

/* The call goes to where the last link of a name leads. */
static __always_inline bool follows_last(u32 access)
{
	return !(access &
		 (VMB_ACCESS_CREATE | VMB_ACCESS_DELETE | VMB_ACCESS_LINK));
}

/*
 * A file of which nothing is known but its name in the current task's call, of
 * less than `limit` bytes; by: asked_by(). Links in the name are not
 * followed here, but for those that lead each task elsewhere. What is not told
 * then is the file of a descriptor: that one, or `folder` if the name is empty.
 */
__noinline int note_named(u64 name, u32 folder, u64 by, u32 access, u32 limit)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 zero = 0, out;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct walk walk = {};
	long length;
	u64 begin;

	if (!work || !(by >> 32))
		return IS_TOLD;
	begin_file(work, by, (access & ~NAMED_BY_KERNEL) | VMB_FILE_NAMED_ONLY);
	length = read_name(work, name, access, limit);
	begin = length > 0 ? own_begin(zero) : 0;
	out = begin >> 32;
	if (out && (work->path[out & 63] || follows_last(access))) {
		folder = (u32)begin;
		length = read_name(work, name + out, access, limit - out);
	}
	if (length < 0 || length > VMB_LONG_PATH) {
		count_one(files_unread);
		return IS_TOLD;
	}
	/* An empty name has no bytes on Linux 6.1, and its NUL later. */
	if (length <= 1) {
		if ((s32)folder >= 0 || (s32)folder == AT_FDCWD)
			return folder;
		count_one(files_unread); /* another thread emptied it */
		return IS_TOLD;
	}
	walk.mixed = mix_path(work, length);
	if (!enter_folder(task, work, &walk, folder)) {
		count_one(files_unread);
		return IS_TOLD;
	}
	work->named = length;
	return note_place(task, work, &walk, true) ? IS_TOLD : IS_FORGOTTEN;
}

/* As note_named, and the file of a descriptor; AT_FDCWD if it is neither. */
static __always_inline s32 note_name(u64 name, u32 folder, u64 by, u32 access,
				     u32 limit)
{
	s32 fd = note_named(name, folder, by, access, limit);
	struct file *file;

	if (fd == IS_FORGOTTEN)
		note_forgotten(0);
	if (fd == IS_TOLD || fd == IS_FORGOTTEN)
		return IS_TOLD;
	if (fd < 0)
		return fd;
	file = file_of(bpf_get_current_task_btf(), fd);
	if (file)
		note_access((u64)file, by, access & ~NAMED_BY_KERNEL, 0);
	else
		count_one(files_unread);
	return IS_TOLD;
}

/* The names in a call, which tells of no descriptor. error: with which it
 * failed, or 0. */
__noinline int note_names(u64 call, u64 by, u32 error)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 arch = call >> 32, folder, access, flags = 0, moves = 2;
	struct vmb_rule *rule = rule_of(call);

	if (!rule)
		return 0;
	if (rule->flags)
		flags = argument(regs, arch, rule->flags - 1);
	if (rule->name[1].name && flags & RENAME_EXCHANGE)
		moves = 4;
	for (u32 i = 0; i < moves; i++) {
		struct vmb_name *name = &rule->name[i & 1];

		if (!name->name)
			break;
		folder = name->folder ? argument(regs, arch, name->folder - 1)
				      : AT_FDCWD;
		access = rule->name[(i >> 1) ^ (i & 1)].access;
		if (error || moves == 4) /* nothing is new */
			access &= ~VMB_FILE_MADE;
		if (!rule->name[1].name && flags & AT_REMOVEDIR)
			access |= VMB_FILE_FOLDER;
		if (!rule->name[1].name && error == EISDIR)
			access |= VMB_FILE_FOLDER;
		/* Without a name it is the folder itself (AT_EMPTY_PATH). */
		if (note_name(argument(regs, arch, name->name - 1), folder, by,
			      access, VMB_LONG_PATH) == AT_FDCWD)
			count_one(files_unread);
	}
	return 0;
}

/* The file that a socket's address names. */
static __noinline int note_address(struct pt_regs *regs, u64 call, u64 by,
				   struct vmb_rule *rule)
{
	u64 address;
	u32 arch = call >> 32, bytes;
	u16 family = 0;

	if (!regs || !rule)
		return 0;
	address = argument(regs, arch, 1);
	bytes = argument(regs, arch, 2);
	if (bpf_probe_read_user(&family, sizeof(family), (void *)address)) {
		count_one(files_unread);
		return 0;
	}
	if (family != AF_UNIX || bytes <= SUN_PATH)
		return 0;
	bytes -= SUN_PATH;
	if (bytes > SUN_PATH_SIZE)
		bytes = SUN_PATH_SIZE;
	/* Without a name it is abstract. */
	note_name(address + SUN_PATH, AT_FDCWD, by, rule->name[0].access,
		  bytes + 1);
	return 0;
}

struct mapped {
	struct file *file;
};

static long take_file(struct task_struct *task, struct vm_area_struct *vma,
		      struct mapped *mapped)
{
	mapped->file = BPF_CORE_READ(vma, vm_file);
	return 0;
}

/* What AppArmor asks at an open (security/apparmor/include/file.h,
 * aa_map_file_to_perms). */
static __always_inline u32 access_of_open(struct file *file, u32 asked)
{
	u32 mode = READ_OF(struct file, file, f_mode), access = 0;

	if (mode & FMODE_PATH)
		return 0;
	if (mode & FMODE_READ)
		access |= VMB_ACCESS_READ;
	if (mode & FMODE_WRITE)
		access |=
			asked & O_APPEND ? VMB_ACCESS_APPEND : VMB_ACCESS_WRITE;
	if (asked & O_TRUNC)
		access |= VMB_ACCESS_WRITE;
	if (asked & O_CREAT || mode & FMODE_CREATED)
		access |= VMB_ACCESS_CREATE;
	if (mode & FMODE_CREATED)
		access |= VMB_FILE_MADE;
	return access;
}

/* What was asked when it was opened elsewhere. */
static __always_inline u32 without_create(u32 access)
{
	return access & ~(VMB_ACCESS_CREATE | VMB_FILE_MADE);
}

/* What is asked of memory that may be read (mm/util.c, security_mmap_file;
 * mm/mprotect.c). */
static __always_inline u64 protection_asked(u64 protection)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (protection & PROT_READ && task->personality & READ_IMPLIES_EXEC)
		protection |= PROT_EXEC;
	return protection;
}

static __always_inline u32 access_of_mapping(u64 protection)
{
	if (!(protection & PROT_EXEC))
		return 0;
	return VMB_ACCESS_MAP | (protection & PROT_READ ? VMB_ACCESS_READ : 0);
}

/* Whether descriptors may come with a message. What cannot be read yet will be
 * by the exit. */
static __always_inline bool has_control(u64 message)
{
	u64 control = 0;

	return bpf_probe_read_user(&control, sizeof(control),
				   (void *)(message + MSG_CONTROL)) ||
	       control;
}

/* Whether a native call may tell of a file; how: VMB_RULED_.... */
static __always_inline bool may_tell(struct pt_regs *regs, u32 how)
{
	if (how & VMB_RULED_CONTROL)
		return has_control(argument(regs, NATIVE_ARCH, 1));
	if (how & VMB_RULED_MAPPING)
		return access_of_mapping(
			protection_asked(argument(regs, NATIVE_ARCH, 2)));
	if (how & VMB_RULED_COMMAND)
		return is_lock(argument(regs, NATIVE_ARCH, 1));
	return how & VMB_RULED_FILE;
}

/* How a descriptor is open that a program did not open itself. */
static __always_inline u32 access_of_given(struct file *file)
{
	u32 access = without_create(access_of_open(
		file, READ_OF(struct file, file, f_flags) & O_APPEND));

	return access ? access | VMB_ACCESS_INHERIT : 0;
}

static __always_inline bool is_open(u32 call)
{
	return call >= VMB_FILE_OPEN && call <= VMB_FILE_CREAT;
}

/* The flags with which a call opens a file. */
static __always_inline u64 flags_asked(struct pt_regs *regs, u32 arch, u32 what)
{
	u64 asked = 0;

	switch (what) {
	case VMB_FILE_OPEN: return argument(regs, arch, 1);
	case VMB_FILE_OPENAT: return argument(regs, arch, 2);
	case VMB_FILE_CREAT: return O_WRONLY | O_CREAT | O_TRUNC;
	default:
		if (bpf_probe_read_user(&asked, sizeof(asked),
					(void *)argument(regs, arch, 2)))
			count_one(files_unread);
		/* A load of its own: the verifier wants none that may be from
		 * the registers as well. */
		return *(volatile u64 *)&asked;
	}
}

/* What AppArmor was asked about a file that was not opened after all. */
static __always_inline u32 access_of_flags(u64 asked)
{
	u32 access = 0, mode = asked & O_ACCMODE;

	if (asked & O_PATH)
		return 0;
	if (mode == O_RDONLY || mode == O_RDWR)
		access |= VMB_ACCESS_READ;
	if (mode == O_WRONLY || mode == O_RDWR)
		access |=
			asked & O_APPEND ? VMB_ACCESS_APPEND : VMB_ACCESS_WRITE;
	if (asked & O_TRUNC)
		access |= VMB_ACCESS_WRITE;
	if (asked & O_CREAT)
		access |= VMB_ACCESS_CREATE;
	return access;
}

/* Whether a call failed after AppArmor was asked. */
static __always_inline bool failed_when_asked(struct vmb_rule *rule, u64 result)
{
	u32 error = -(u32)result;

	if (error >= FIRST_RESTART && error <= LAST_RESTART)
		error = EINTR;
	return error < 64 && rule->asked >> error & 1;
}

/* Of a call that was to open or to execute what it names, and failed. */
__noinline int note_unopened(u64 call, u64 by)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 arch = call >> 32, folder = AT_FDCWD;
	u32 access = VMB_ACCESS_EXECUTE;
	struct vmb_rule *rule = rule_of(call);

	if (!rule || !rule->name[0].name)
		return 0;
	if (rule->name[0].folder)
		folder = argument(regs, arch, rule->name[0].folder - 1);
	if (rule->file != VMB_FILE_EXEC)
		access = access_of_flags(flags_asked(regs, arch, rule->file));
	if (access)
		note_name(argument(regs, arch, rule->name[0].name - 1), folder,
			  by, access, VMB_LONG_PATH);
	return 0;
}

/* As note_place(), of the file that the current task's call tells of by a
 * descriptor or an address. Not `usual`: also of those that are told otherwise.
 */
static __always_inline bool hold(struct task_struct *task, struct pt_regs *regs,
				 u64 by, u32 arch, u64 result, u32 what,
				 bool usual)
{
	u32 fd, access = 0;
	struct mapped mapped = {};
	struct file *file = NULL;
	u64 asked = 0;

	fd = argument(regs, arch, 0);
	switch (what) {
	case VMB_FILE_OPEN:
	case VMB_FILE_OPENAT:
	case VMB_FILE_OPENAT2:
	case VMB_FILE_CREAT:
		fd = result;
		asked = flags_asked(regs, arch, what);
		break;
	case VMB_FILE_MMAP:
		access = access_of_mapping(
			protection_asked(argument(regs, arch, 2)));
		if (!access || argument(regs, arch, 3) & MAP_ANONYMOUS)
			return true;
		fd = argument(regs, arch, 4);
		break;
	case VMB_FILE_MPROTECT:
		access = access_of_mapping(
			protection_asked(argument(regs, arch, 2)));
		if (usual || !access)
			return true;
		if (bpf_find_vma(task, argument(regs, arch, 0), take_file,
				 &mapped, 0) == -16 /* EBUSY */)
			count_one(files_unread);
		/* Memory without a file has none. */
		return !mapped.file ||
		       access_known((u64)mapped.file, by, access, 0);
	case VMB_FILE_FLOCK:
		access = access_of_lock(
			argument(regs, arch, 1) & LOCK_EX ? F_WRLCK : 0);
		break;
	case VMB_FILE_FCNTL:
		forget_row();
		access = access_of_fcntl(regs, arch);
		if (!access)
			return true;
		break;
	case VMB_FILE_GETFD: fd = result; break;
	case VMB_FILE_FTRUNCATE: access = VMB_ACCESS_WRITE; break;
	case VMB_FILE_FCHMOD: access = VMB_ACCESS_CHMOD; break;
	case VMB_FILE_FCHOWN: access = VMB_ACCESS_CHOWN; break;
	default: return true;
	}
	file = file_of(task, fd);
	if (!file) { /* closed by another thread meanwhile */
		count_one(files_unread);
		return true;
	}
	if (what == VMB_FILE_GETFD)
		access = access_of_given(file);
	else if (!access)
		access = access_of_open(file, asked);
	if (!access) /* a place only (O_PATH) */
		return true;
	return usual ? access_file(task, file, by, access, 0)
		     : access_known((u64)file, by, access, 0);
}

/* By the descriptor or the address in the current task's call; what the call
 * tells of a file is one of VMB_FILE_.... */
__noinline int note_held(u64 by, u32 arch, u64 result, u32 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (!hold(task, regs, by, arch, result, what, false))
		note_forgotten(0);
	if (what == VMB_FILE_FCNTL)
		remember_lock(task, regs, arch);
	return 0;
}

/* A program is started: its starter executes the file, and the kernel maps it
 * and its ELF interpreter for the program itself. */
static __noinline int note_program(struct task_struct *task,
				   struct linux_binprm *bprm, u32 before,
				   struct vmb_task *known)
{
	struct pt_regs *regs;
	struct mapped mapped = {};
	struct file *file;
	const char *name;
	u64 by, starter;

	if (!task || !bprm || !known)
		return 0;
	by = asked_by(known->image, known->phase);
	starter = asked_by(before, known->phase);
	file = BPF_CORE_READ(bprm, file);
	name = BPF_CORE_READ(bprm, filename);
	if (BPF_CORE_READ(bprm, interp) == name)
		note_access((u64)file, starter, VMB_ACCESS_EXECUTE, 0);
	else
		note_name((u64)name, AT_FDCWD, starter,
			  VMB_ACCESS_EXECUTE | NAMED_BY_KERNEL, VMB_LONG_PATH);
	note_access((u64)file, by, VMB_ACCESS_MAP | VMB_ACCESS_READ, 0);
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (bpf_find_vma(task, next_instruction(regs), take_file, &mapped, 0))
		count_one(files_unread);
	if (mapped.file && mapped.file != file)
		note_access((u64)mapped.file, by,
			    VMB_ACCESS_MAP | VMB_ACCESS_READ, 0);
	return 0;
}

#endif
