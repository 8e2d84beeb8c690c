/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Process images: which program a task runs, told apart as evidence needs. */
#ifndef VAMBRACE_RECORDER_IMAGES_H
#define VAMBRACE_RECORDER_IMAGES_H

#define SECCOMP_MODE_FILTER 2
#define PFA_NO_NEW_PRIVS    0

static __always_inline u64 change_time(struct inode *inode)
{
	struct inode___6_6 *middle = (void *)inode;
	struct inode___6_1 *old = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec))
		return ((u64)BPF_CORE_READ(inode, i_ctime_sec) << 30) +
		       BPF_CORE_READ(inode, i_ctime_nsec);
	if (bpf_core_field_exists(middle->__i_ctime))
		return ((u64)BPF_CORE_READ(middle, __i_ctime.tv_sec) << 30) +
		       BPF_CORE_READ(middle, __i_ctime.tv_nsec);
	if (bpf_core_field_exists(old->i_ctime))
		return ((u64)BPF_CORE_READ(old, i_ctime.tv_sec) << 30) +
		       BPF_CORE_READ(old, i_ctime.tv_nsec);
	return 0;
}

/* The file's path below the root of its task, leaf first. */
static __noinline void read_path(struct vmb_image *image, struct file *file,
				 struct task_struct *task)
{
	u32 zero = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct walk walk = {.names = 1};

	if (!work || !image || !file || !task)
		return;
	walk.dentry = BPF_CORE_READ(file, f_path.dentry);
	enter_mount(&walk, mount_of(BPF_CORE_READ(file, f_path.mnt)));
	walk.root_dentry = BPF_CORE_READ(task, fs, root.dentry);
	walk.root_mount = mount_of(BPF_CORE_READ(task, fs, root.mnt));
	bpf_loop(MAX_COMPONENTS, walk_up, &walk, 0);
	bpf_probe_read_kernel(image->path, VMB_PATH_BYTES, work->path);
	image->path_bytes = walk.used;
	if (walk.used > VMB_PATH_BYTES)
		image->path_bytes = VMB_PATH_BYTES;
	if (!walk.done || walk.used > VMB_PATH_BYTES)
		image->flags |= VMB_IMAGE_TRUNCATED;
}

/* Programs whose first argument tells more than their own name. */
static __always_inline bool is_interpreter(const u8 *name)
{
	char head[8] = {};
	u64 word;

	if (bpf_probe_read_kernel_str(head, sizeof(head), name) < 0)
		return false;
	__builtin_memcpy(&word, head, 8);
	return (word & 0xffffffffffffULL) == 0x6e6f68747970ULL || /* python */
	       (word & 0xffffffULL) == 0x6873ULL ||		  /* sh */
	       (word & 0xffffffffffULL) == 0x68736162ULL ||	  /* bash */
	       (word & 0xffffffffffULL) == 0x68736164ULL ||	  /* dash */
	       (word & 0xffffffffULL) == 0x6c726570ULL ||	  /* perl */
	       (word & 0xffffffffULL) == 0x79627572ULL ||	  /* ruby */
	       (word & 0xffffffffffULL) == 0x65646f6eULL ||	  /* node */
	       (word & 0xffffffULL) == 0x706870ULL;		  /* php */
}

/* The same program with the same first words. */
static __always_inline bool same_program(const struct vmb_image_key *a,
					 const struct vmb_image_key *b)
{
	const u64 *x = (const void *)a->arg0, *y = (const void *)b->arg0;

	if (a->inode != b->inode || a->device != b->device ||
	    a->scope != b->scope)
		return false;
	for (u32 i = 0; i < 2 * VMB_ARG_BYTES / 8; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

/*
 * runc starts itself once more, from a read-only mount or a sealed copy of its
 * program; that is not the container's program yet.
 */
static __noinline bool starts_itself(struct linux_binprm *bprm, u32 before)
{
	const char copy[] = "memfd:runc_cloned";
	struct vmb_image *image = bpf_map_lookup_elem(&images, &before);
	char name[sizeof(copy)] = {};
	struct dentry *dentry;

	if (!image || !bprm)
		return false;
	dentry = BPF_CORE_READ(bprm, file, f_path.dentry);
	if (BPF_CORE_READ(dentry, d_inode, i_ino) == image->key.inode &&
	    BPF_CORE_READ(dentry, d_inode, i_sb, s_dev) == image->key.device)
		return true;
	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ(dentry, d_name.name));
	for (u32 i = 0; i < sizeof(copy); i++)
		if (name[i] != copy[i])
			return false;
	return true;
}

/* Is this the runtime before it executes a later program? */
static __always_inline bool is_later_entry(const struct vmb_image *image)
{
	return image->key.kind == VMB_IMAGE_ENTRY_LATER ||
	       image->key.kind == VMB_IMAGE_FILTERED_LATER;
}

/*
 * The number of the image that the task now runs; 0 if the table is full.
 * bprm is null for a task that was not seen at its execve.
 */
static __noinline u32 image_for(struct task_struct *task,
				struct linux_binprm *bprm, u32 parent,
				u32 scope_and_kind)
{
	u32 zero = 0, kind = scope_and_kind >> 16, id = 0, flags = 0, depth = 0;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &zero);
	struct vmb_image *above, *image;
	struct dentry *dentry;
	unsigned long start, end;
	struct inode *inode;
	struct file *file;
	u32 *known;
	long length;

	if (!work || !task)
		return 0;
	if (bprm)
		file = BPF_CORE_READ(bprm, file);
	else
		file = BPF_CORE_READ(task, mm, exe_file);
	if (!file)
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	inode = BPF_CORE_READ(dentry, d_inode);
	start = BPF_CORE_READ(task, mm, arg_start);
	end = BPF_CORE_READ(task, mm, arg_end);

	__builtin_memset(&work->key, 0, sizeof(work->key));
	work->key.inode = BPF_CORE_READ(inode, i_ino);
	work->key.ctime = change_time(inode);
	work->key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	work->key.scope = scope_and_kind & 0xffff;
	work->key.kind = kind;
	if (is_interpreter(BPF_CORE_READ(dentry, d_name.name)))
		flags |= VMB_IMAGE_INTERPRETER;
	above = bpf_map_lookup_elem(&images, &parent);
	if (kind == VMB_IMAGE_EXEC || flags & VMB_IMAGE_INTERPRETER) {
		length = bpf_probe_read_user_str(work->key.arg0, VMB_ARG_BYTES,
						 (void *)start);
		if (length < 0) {
			count_unread(work->key.scope);
			flags |= VMB_IMAGE_ARGS_UNREAD;
		} else if (above && parent && is_later_entry(above) &&
			   start + length < end) {
			/* A probe and a session of one program differ in all
			 * their words. */
			u64 rest = end - start - length;

			if (rest > VMB_ARG_BYTES - 1)
				rest = VMB_ARG_BYTES - 1;
			if (bpf_probe_read_user(work->key.arg1, rest,
						(void *)start + length) < 0)
				count_unread(work->key.scope);
		} else if (flags & VMB_IMAGE_INTERPRETER &&
			   start + length < end) {
			if (bpf_probe_read_user_str(work->key.arg1,
						    VMB_ARG_BYTES,
						    (void *)start + length) < 0)
				count_unread(work->key.scope);
		}
	}

	/* Programs that start themselves over and over do not add up. */
	if (above && parent) {
		depth = above->depth + 1;
		if (kind == VMB_IMAGE_EXEC && above->key.kind == kind &&
		    (depth > VMB_MAX_DEPTH ||
		     same_program(&above->key, &work->key))) {
			parent = above->key.parent;
			depth = above->depth;
		}
	}
	work->key.parent = parent;

	known = bpf_map_lookup_elem(&image_ids, &work->key);
	if (known)
		return *known;

	id = __sync_fetch_and_add(&counters.images, 1) + 1;
	image = bpf_map_lookup_elem(&images, &id);
	if (!image || id >= max_images) {
		count_one(images_refused);
		return 0;
	}
	if (bpf_map_update_elem(&image_ids, &work->key, &id, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&image_ids, &work->key);
		if (known)
			return *known;
		count_one(images_refused);
		return 0;
	}

	image->key = work->key;
	image->first = bpf_ktime_get_ns();
	image->tgid = BPF_CORE_READ(task, tgid);
	image->depth = depth;
	if (BPF_CORE_READ(task, seccomp.mode) == SECCOMP_MODE_FILTER)
		flags |= VMB_IMAGE_FILTERED;
	if (BPF_CORE_READ(task, atomic_flags) & (1UL << PFA_NO_NEW_PRIVS))
		flags |= VMB_IMAGE_NO_NEW_PRIVS;
	image->flags = flags;
	read_path(image, file, task);
	if (bprm) {
		const char *filename = BPF_CORE_READ(bprm, filename);

		bpf_probe_read_kernel_str(image->filename, VMB_NAME_BYTES,
					  filename);
		if (BPF_CORE_READ(bprm, interp) != filename)
			image->flags |= VMB_IMAGE_SCRIPT;
	}
	if (end > start && end - start < VMB_NAME_BYTES)
		length = bpf_probe_read_user(
			image->args, (end - start) & (VMB_NAME_BYTES - 1),
			(void *)start);
	else
		length = bpf_probe_read_user(image->args, VMB_NAME_BYTES - 1,
					     (void *)start);
	image->flags |= VMB_IMAGE_READY;
	hint(VMB_HINT_IMAGE, id, 0, 0, 0, image->tgid);
	return id;
}

/* Of the current task, which was not seen at its execve. */
__noinline u32 current_image(u32 scope_and_kind)
{
	return image_for(bpf_get_current_task_btf(), NULL, 0, scope_and_kind);
}

#endif
