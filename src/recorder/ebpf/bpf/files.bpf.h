/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Files, as AppArmor is asked about them: how they were accessed, and the path
 * below the root of the mount namespace. Calls that succeeded tell them, by the
 * file that their descriptor stands for or, without one, by its name.
 */
#ifndef VAMBRACE_RECORDER_FILES_H
#define VAMBRACE_RECORDER_FILES_H

/* include/linux/fs.h */
#define FMODE_READ    0x1
#define FMODE_WRITE   0x2
#define FMODE_PATH    0x4000
#define FMODE_CREATED 0x100000
/* One of these; the number changed in Linux 6.12. */
#define FMODE_BACKING (0x2000000 | 0x1000000)
#define SB_NOUSER     (1UL << 31)
/* fs/mount.h */
#define MNT_NS_INTERNAL (-22)
/* include/uapi/asm-generic/fcntl.h */
#define O_CREAT	   00000100
#define O_TRUNC	   00001000
#define O_APPEND   00002000
#define F_WRLCK	   1
#define LOCK_EX	   2
#define F_SETLEASE 1024
/* include/uapi/linux/fcntl.h */
#define AT_FDCWD     (-100)
#define AT_REMOVEDIR 0x200
/* include/linux/socket.h, include/uapi/linux/un.h */
#define AF_UNIX	      1
#define SUN_PATH      2
#define SUN_PATH_SIZE 108
/* include/uapi/linux/stat.h */
#define S_IFMT	0170000
#define S_IFDIR 0040000
/* include/uapi/asm-generic/mman-common.h */
#define PROT_READ     1
#define PROT_EXEC     4
#define MAP_ANONYMOUS 0x20

#define MAX_INHERITED 4096

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

/* Reads the names of a new place and keeps them; false if that failed. */
static __always_inline bool keep_path(struct vmb_scratch *work,
				      struct vmb_path_key *place)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = (struct dentry *)place->dentry;
	struct vmb_path *path = &work->fresh.path;
	struct vmb_path_bytes *all;
	struct walk walk = {.names = 1};
	struct mount *top;
	u32 zero = 0, used;
	u64 at;

	all = bpf_map_lookup_elem(&path_bytes, &zero);
	if (!all)
		return false;
	walk.dentry = dentry;
	if (work->file.access & VMB_FILE_NAMED_ONLY)
		walk.used = work->named;
	enter_mount(&walk, (struct mount *)place->mount);
	bpf_loop(MAX_COMPONENTS, walk_up, &walk, 0);
	used = walk.used;
	top = walk.mount;
	path->flags = 0;
	path->mount_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (work->file.access & VMB_FILE_INTERNAL) {
		long length = -1;

		if (used <= VMB_LONG_PATH)
			length = bpf_probe_read_kernel_str(
				&work->path[used], VMB_NAME_BYTES,
				BPF_CORE_READ(dentry, d_inode, i_sb, s_type,
					      name));
		if (length > 0)
			used += length;
	} else if (BPF_CORE_READ(top, mnt_ns) !=
		   BPF_CORE_READ(task, nsproxy, mnt_ns)) {
		path->flags |= VMB_PATH_DISCONNECTED;
	}
	if (!walk.done || used > VMB_LONG_PATH) {
		path->flags |= VMB_PATH_TRUNCATED;
		used = 0;
	}
	at = __sync_fetch_and_add(&counters.path_bytes, used);
	if (at > VMB_ALL_PATHS - VMB_LONG_PATH)
		return false;
	bpf_probe_read_kernel(&all->bytes[at], used, work->path);
	path->at = at;
	path->bytes = used;
	return !bpf_map_update_elem(&paths, place, path, BPF_ANY);
}

static __always_inline int count_access(struct vmb_file *known)
{
	u64 now = bpf_ktime_get_ns();

	__sync_fetch_and_add(&known->tally.count, 1);
	if (known->tally.last < now)
		known->tally.last = now;
	return 0;
}

/* A file that is accessed for the first time in this way; its key is in the
 * scratch memory. */
static __noinline int add_file(struct vmb_scratch *work)
{
	struct vmb_path *path;
	struct vmb_file *known;

	if (!work)
		return 0;
	path = bpf_map_lookup_elem(&paths, &work->file.place);
	if (path) {
		work->fresh.path = *path;
	} else if (!keep_path(work, &work->file.place)) {
		count_one(paths_refused);
		return 0;
	}
	work->fresh.tally.count = 1;
	work->fresh.tally.first = bpf_ktime_get_ns();
	work->fresh.tally.last = work->fresh.tally.first;
	if (!bpf_map_update_elem(&files, &work->file, &work->fresh,
				 BPF_NOEXIST))
		return 0;
	/* Full, or another task was quicker. */
	known = bpf_map_lookup_elem(&files, &work->file);
	if (known)
		__sync_fetch_and_add(&known->tally.count, 1);
	else
		count_one(files_refused);
	return 0;
}

/* Of a layer that an overlay has mounted for itself alone. */
static __always_inline bool is_backing(struct file *file, struct mount *mount,
				       struct dentry *dentry)
{
	struct backing_file *backing = (struct backing_file *)file;
	u32 mode = READ_OF(struct file, file, f_mode);

	return bpf_core_field_exists(backing->user_path) &&
	       mode & FMODE_BACKING &&
	       (s64)BPF_CORE_READ(mount, mnt_ns) == MNT_NS_INTERNAL &&
	       !(BPF_CORE_READ(dentry, d_inode, i_sb, s_flags) & SB_NOUSER);
}

/* What the file is. */
static __always_inline u32 kind_of(struct dentry *dentry)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *inode = READ_OF(struct dentry, dentry, d_inode);
	struct super_block *super = READ_OF(struct inode, inode, i_sb);
	u32 kind = 0;

	if ((READ_OF(struct inode, inode, i_mode) & S_IFMT) == S_IFDIR)
		kind |= VMB_FILE_FOLDER;
	if (READ_OF(struct inode, inode, i_uid.val) == task->cred->fsuid.val)
		kind |= VMB_FILE_OWNED;
	if (READ_OF(struct super_block, super, s_flags) & SB_NOUSER)
		kind |= VMB_FILE_INTERNAL;
	return kind;
}

/* Where the current task remembers that file; null if it has no slot at the
 * place where slots begin to be looked for. */
static __always_inline struct vmb_seen *seen_at(struct vmb_file_key *key)
{
	u32 tid = bpf_get_current_task_btf()->pid;
	u32 at = tid & (VMB_SLOTS - 1);
	struct vmb_seen_files *all;

	if (slots[at].owner != tid)
		return NULL;
	all = bpf_map_lookup_elem(&seen, &at);
	return all ? &all->file[key->place.mixed >> 62] : NULL;
}

static __always_inline bool is_same(struct vmb_file_key *a,
				    struct vmb_file_key *b)
{
	return a->image == b->image && a->phase == b->phase &&
	       a->access == b->access && a->place.dentry == b->place.dentry &&
	       a->place.mount == b->place.mount &&
	       a->place.mixed == b->place.mixed;
}

/* An access to what is where the walk begins; by: image << 32 | phase. */
static __always_inline int note_place(struct vmb_scratch *work,
				      struct walk *walk, u64 by, u32 access)
{
	struct vmb_file_key *key = &work->file;
	struct vmb_file *known;
	struct vmb_seen *mine;

	key->image = by >> 32;
	key->phase = (u32)by;
	key->access = access;
	key->unused = 0;
	key->place.dentry = (u64)walk->dentry;
	key->place.mount = (u64)walk->mount;
	bpf_loop(MAX_COMPONENTS, walk_up, walk, 0);
	key->place.mixed = walk->mixed;
	mine = seen_at(key);
	if (mine && is_same(&mine->key, key) && (s32)mine->count >= 0) {
		mine->count++;
		mine->last = (u32)bpf_jiffies64();
		return 0;
	}
	known = bpf_map_lookup_elem(&files, key);
	if (!known)
		return add_file(work);
	if (!mine)
		return count_access(known);
	flush_seen(mine, bpf_ktime_get_ns());
	mine->key = *key;
	mine->path = known->path;
	mine->last = (u32)bpf_jiffies64();
	mine->count = 1;
	return 0;
}

/* which: a struct file; access: VMB_ACCESS_... */
__noinline int note_access(u64 which, u32 image, u32 phase, u32 access)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct file *file = (struct file *)which;
	struct backing_file *backing;
	struct mount *mount;
	struct walk walk = {};

	if (!work || !file || !image)
		return 0;
	walk.dentry = READ_OF(struct file, file, f_path.dentry);
	mount = mount_of(READ_OF(struct file, file, f_path.mnt));
	if (is_backing(file, mount, walk.dentry)) {
		backing = (struct backing_file *)file;
		walk.dentry = BPF_CORE_READ(backing, user_path.dentry);
		mount = mount_of(BPF_CORE_READ(backing, user_path.mnt));
	}
	enter_mount(&walk, mount);
	access |= kind_of(walk.dentry);
	/* Pipes and sockets that are handed on. */
	if (access & VMB_ACCESS_INHERIT && access & VMB_FILE_INTERNAL)
		return 0;
	return note_place(work, &walk, (u64)image << 32 | phase, access);
}

/* The file of a descriptor of the current task; null if there is none. */
static __always_inline struct file *file_of(u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = task->files->fdt;
	struct file **slot = table->fd, *file = NULL;
	u32 zero = 0;

	if (fd >= table->max_fds)
		return NULL;
	if (plain_loads) {
		struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

		if (!work)
			return NULL;
		/* A struct of one pointer, read again as the number that a
		 * function can be given. */
		*(volatile u64 *)&work->number =
			(u64)TYPED(struct hlist_head, slot + fd)->first;
		return (struct file *)*(volatile u64 *)&work->number;
	}
	bpf_probe_read_kernel(&file, sizeof(file), slot + fd);
	return file;
}

static long mix_name(u32 index, struct walk *walk)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);

	if (!work || index >= VMB_LONG_PATH / 8)
		return 1;
	mix(walk, ((u64 *)work->path)[index]);
	return 0;
}

/*
 * A file of which nothing is known but its name in the current task's call, of
 * less than `limit` bytes; by: image << 32 | phase. Links in the name are not
 * followed here. False if the name is empty.
 */
__noinline int note_named(u64 name, u32 folder, u64 by, u32 access, u32 limit)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct task_struct *task = bpf_get_current_task_btf();
	struct walk walk = {};
	struct file *file;
	struct mount *mount;
	long length;

	if (!work || !(by >> 32))
		return 1;
	if (limit > VMB_LONG_PATH)
		limit = VMB_LONG_PATH;
	length = bpf_probe_read_user_str(work->path, limit, (void *)name);
	if (length <= 0 || length > VMB_LONG_PATH) {
		count_one(files_unread);
		return 1;
	}
	if (length == 1)
		return 0;
	__builtin_memset(&work->path[length], 0, 8);
	bpf_loop((u32)(length + 7) >> 3, mix_name, &walk, 0);
	if (work->path[0] == '/') {
		walk.dentry = BPF_CORE_READ(task, fs, root.dentry);
		mount = mount_of(BPF_CORE_READ(task, fs, root.mnt));
	} else if ((s32)folder == AT_FDCWD) {
		walk.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
		mount = mount_of(BPF_CORE_READ(task, fs, pwd.mnt));
	} else {
		file = file_of(folder);
		if (!file) {
			count_one(files_unread);
			return 1;
		}
		walk.dentry = BPF_CORE_READ(file, f_path.dentry);
		mount = mount_of(BPF_CORE_READ(file, f_path.mnt));
	}
	enter_mount(&walk, mount);
	work->named = length;
	note_place(work, &walk, by, access | VMB_FILE_NAMED_ONLY);
	return 1;
}

/* The names in a call, which tells of no descriptor. */
static __noinline int note_names(struct pt_regs *regs, u64 call, u64 by,
				 struct vmb_rule *rule)
{
	u32 arch = call >> 32, folder, access;
	struct file *file;

	if (!regs || !rule)
		return 0;
	for (int i = 0; i < 2; i++) {
		struct vmb_name *name = &rule->name[i];

		if (!name->name)
			break;
		folder = name->folder ? argument(regs, arch, name->folder - 1)
				      : AT_FDCWD;
		access = name->access;
		if (rule->removal &&
		    argument(regs, arch, rule->removal - 1) & AT_REMOVEDIR)
			access |= VMB_FILE_FOLDER;
		if (note_named(argument(regs, arch, name->name - 1), folder, by,
			       access, VMB_LONG_PATH))
			continue;
		/* The descriptor itself (AT_EMPTY_PATH). */
		file = file_of(folder);
		if (file)
			note_access((u64)file, by >> 32, by, access);
		else
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
	note_named(address + SUN_PATH, AT_FDCWD, by, rule->name[0].access,
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
	return access;
}

static __always_inline u32 access_of_lock(u32 type)
{
	return VMB_ACCESS_LOCK | (type == F_WRLCK ? VMB_ACCESS_WRITE : 0);
}

static __always_inline u32 access_of_fcntl(struct pt_regs *regs, u32 arch)
{
	u32 command = argument(regs, arch, 1);
	u64 named = argument(regs, arch, 2);
	u16 type = 0;

	switch (command) {
	case 6:	 /* F_SETLK */
	case 7:	 /* F_SETLKW */
	case 13: /* F_SETLK64 */
	case 14: /* F_SETLKW64 */
	case 37: /* F_OFD_SETLK */
	case 38: /* F_OFD_SETLKW */
		if (bpf_probe_read_user(&type, sizeof(type), (void *)named))
			count_one(files_unread);
		return access_of_lock(type);
	case F_SETLEASE: return access_of_lock(named);
	default: return 0;
	}
}

static __always_inline u32 access_of_mapping(u64 protection)
{
	if (!(protection & PROT_EXEC))
		return 0;
	return VMB_ACCESS_MAP | (protection & PROT_READ ? VMB_ACCESS_READ : 0);
}

/* By the descriptor or the address in the current task's call. */
static __noinline int note_held(u32 image, u32 phase, u64 call, u64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u32 arch = call >> 32, fd, access = 0;
	struct mapped mapped = {};
	struct file *file = NULL;
	u64 asked = 0;

	fd = argument(regs, arch, 0);
	switch (file_work(call)) {
	case VMB_FILE_OPEN:
		fd = result;
		asked = argument(regs, arch, 1);
		break;
	case VMB_FILE_OPENAT:
		fd = result;
		asked = argument(regs, arch, 2);
		break;
	case VMB_FILE_OPENAT2:
		fd = result;
		if (bpf_probe_read_user(&asked, sizeof(asked),
					(void *)argument(regs, arch, 2)))
			count_one(files_unread);
		break;
	case VMB_FILE_CREAT:
		fd = result;
		asked = O_CREAT | O_TRUNC;
		break;
	case VMB_FILE_MMAP:
		access = access_of_mapping(argument(regs, arch, 2));
		if (!access || argument(regs, arch, 3) & MAP_ANONYMOUS)
			return 0;
		fd = argument(regs, arch, 4);
		break;
	case VMB_FILE_MPROTECT:
		access = access_of_mapping(argument(regs, arch, 2));
		if (!access)
			return 0;
		if (bpf_find_vma(task, argument(regs, arch, 0), take_file,
				 &mapped, 0) == -16 /* EBUSY */)
			count_one(files_unread);
		/* Memory without a file has none. */
		return mapped.file ? note_access((u64)mapped.file, image, phase,
						 access)
				   : 0;
	case VMB_FILE_FLOCK:
		access = access_of_lock(
			argument(regs, arch, 1) & LOCK_EX ? F_WRLCK : 0);
		break;
	case VMB_FILE_FCNTL:
		access = access_of_fcntl(regs, arch);
		if (!access)
			return 0;
		break;
	case VMB_FILE_FTRUNCATE: access = VMB_ACCESS_WRITE; break;
	case VMB_FILE_FCHMOD: access = VMB_ACCESS_CHMOD; break;
	case VMB_FILE_FCHOWN: access = VMB_ACCESS_CHOWN; break;
	default: return 0;
	}
	file = file_of(fd);
	if (!file) { /* closed by another thread meanwhile */
		count_one(files_unread);
		return 0;
	}
	if (!access)
		access = access_of_open(file, asked);
	if (!access) /* a place only (O_PATH) */
		return 0;
	return note_access((u64)file, image, phase, access);
}

/* Of the current task's call, which succeeded. Each kind has a function of its
 * own, for the sake of the stack. */
static __always_inline int note_file(u32 image, u32 phase, u64 call, u64 result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct vmb_rule *rule = rule_of(call);
	u64 by = (u64)image << 32 | phase;

	if (!rule)
		return 0;
	switch (rule->file) {
	case VMB_FILE_NAMED: return note_names(regs, call, by, rule);
	case VMB_FILE_ADDRESS: return note_address(regs, call, by, rule);
	default: return note_held(image, phase, call, result);
	}
}

struct inherited {
	struct file **slots;
	u32 image;
	u32 phase;
};

static long inherit(u32 fd, struct inherited *by)
{
	struct file *file = NULL;
	u32 access;

	bpf_probe_read_kernel(&file, sizeof(file), by->slots + fd);
	if (!file)
		return 0;
	access = access_of_open(file, BPF_CORE_READ(file, f_flags) & O_APPEND);
	if (access)
		note_access((u64)file, by->image, by->phase,
			    (access & ~VMB_ACCESS_CREATE) | VMB_ACCESS_INHERIT);
	return 0;
}

/* The descriptors that a program finds open. */
static __noinline int note_inherited(struct task_struct *task, u32 image,
				     u32 phase)
{
	struct fdtable *table;
	struct inherited by = {.image = image, .phase = phase};
	u32 count;

	if (!task)
		return 0;
	table = BPF_CORE_READ(task, files, fdt);
	count = BPF_CORE_READ(table, max_fds);
	by.slots = BPF_CORE_READ(table, fd);
	if (count > MAX_INHERITED)
		count = MAX_INHERITED;
	bpf_loop(count, inherit, &by, 0);
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
	u32 image, phase;

	if (!task || !bprm || !known)
		return 0;
	image = known->image;
	phase = known->phase;
	file = BPF_CORE_READ(bprm, file);
	note_access((u64)file, before, phase, VMB_ACCESS_EXECUTE);
	note_access((u64)file, image, phase, VMB_ACCESS_MAP | VMB_ACCESS_READ);
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (bpf_find_vma(task, next_instruction(regs), take_file, &mapped, 0))
		count_one(files_unread);
	if (mapped.file && mapped.file != file)
		note_access((u64)mapped.file, image, phase,
			    VMB_ACCESS_MAP | VMB_ACCESS_READ);
	return 0;
}

#endif
