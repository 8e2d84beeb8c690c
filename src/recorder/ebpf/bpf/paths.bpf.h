/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where a file is: the way up from its dentry, over the mounts. */
#ifndef VAMBRACE_RECORDER_PATHS_H
#define VAMBRACE_RECORDER_PATHS_H

#define MAX_COMPONENTS 2048

/*
 * Memory of the kernel, of this type as we say. Since Linux 6.2 a plain load
 * reads it (0 where nothing is mapped), a fraction of what the helper costs
 * that earlier kernels need.
 */
extern void *bpf_rdonly_cast(const void *pointer, u32 type) __ksym __weak;
#define TYPED(type, pointer)                                                   \
	((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))
#define READ_OF(type, pointer, member)                                         \
	(plain_loads ? TYPED(type, pointer)->member                            \
		     : BPF_CORE_READ((type *)(pointer), member))

struct walk {
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *mount_root; /* of `mount` */
	/* Where to end; null: at the root of the mount namespace. */
	struct dentry *root_dentry;
	struct mount *root_mount;
	u64 mixed;
	u32 names; /* are read into the scratch memory */
	u32 used;
	u32 done;
	u32 work; /* which scratch memory */
};

static __always_inline bool read_link(struct vmb_link *link,
				      struct dentry *dentry)
{
	const u32 at = bpf_core_field_offset(dentry->d_parent);

	if (plain_loads) {
		struct dentry *known = TYPED(struct dentry, dentry);

		link->parent = known->d_parent;
		link->hash_len = known->d_name.hash_len;
		link->name = known->d_name.name;
		return link->parent;
	}
	if (bpf_core_field_offset(dentry->d_name) == at + 8)
		return !bpf_probe_read_kernel(link, sizeof(*link),
					      (void *)dentry + at);
	link->parent = BPF_CORE_READ(dentry, d_parent);
	link->hash_len = BPF_CORE_READ(dentry, d_name.hash_len);
	link->name = BPF_CORE_READ(dentry, d_name.name);
	return link->parent;
}

/* A number and no pointer, with which the verifier lets nobody reckon. */
static __always_inline u64 low_bits(void *pointer)
{
	u32 bits;

	asm("%0 = %1" : "=w"(bits) : "w"(pointer));
	return bits;
}

static __always_inline u64 mix(u64 mixed, u64 value)
{
	return ((mixed << 7 | mixed >> 57) ^ value) * 0x9e3779b97f4a7c15ULL;
}

static __always_inline void enter_mount(struct walk *walk, struct mount *mount)
{
	walk->mount = mount;
	walk->mount_root = READ_OF(struct mount, mount, mnt.mnt_root);
}

/* One step; false at the end. The link has a name if the step left a file or a
 * folder, rather than a mount. */
static __always_inline bool step_up(struct walk *walk, struct vmb_link *link)
{
	struct dentry *dentry = walk->dentry;
	struct mount *mount = walk->mount;

	link->name = NULL;
	if (dentry == walk->root_dentry && mount == walk->root_mount) {
		walk->done = 1;
		return false;
	}
	if (!read_link(link, dentry)) {
		link->name = NULL;
		count_one(kernel_reads_failed);
		return false;
	}
	if (dentry == walk->mount_root) {
		struct mount *parent = READ_OF(struct mount, mount, mnt_parent);

		walk->mixed = mix(walk->mixed, low_bits(mount));
		if (parent && parent != mount) {
			walk->dentry =
				READ_OF(struct mount, mount, mnt_mountpoint);
			enter_mount(walk, parent);
			link->name = NULL;
			return true;
		}
		/* A program whose mount is detached (runc's own): go on
		 * inside its file system. */
		if (link->parent == dentry || !walk->root_mount) {
			walk->done = 1;
			link->name = NULL;
			return false;
		}
	}
	walk->mixed = mix(walk->mixed, low_bits(dentry));
	walk->mixed = mix(walk->mixed, link->hash_len);
	walk->dentry = link->parent;
	walk->done = link->parent == dentry; /* memfd */
	return !walk->done;
}

static long walk_up(u32 index, struct walk *walk)
{
	u32 used = walk->used, at = walk->work;
	struct vmb_scratch *work;
	struct vmb_link link;
	bool goes_on = step_up(walk, &link);
	long length;

	if (walk->names && link.name) {
		work = bpf_map_lookup_elem(&scratch, &at);
		if (!work || used > VMB_LONG_PATH) {
			walk->done = 0;
			return 1;
		}
		length = bpf_probe_read_kernel_str(&work->path[used],
						   VMB_NAME_BYTES, link.name);
		if (length <= 0) {
			count_one(kernel_reads_failed);
			walk->done = 0;
			return 1;
		}
		walk->used = used + (u32)length;
	}
	return !goes_on;
}

#define NEAR_STEPS 8

/* The first steps without names, by plain loads: a function called for each
 * would cost more than they do. False if they reached the end. */
__noinline int walk_near(struct walk *walk)
{
	bool goes_on = true;
	struct vmb_link link;
	struct walk near;

	if (!walk)
		return 0;
	near = *walk;
	for (u32 i = 0; goes_on && i < NEAR_STEPS; i++)
		goes_on = step_up(&near, &link);
	*walk = near;
	return goes_on;
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

#endif
