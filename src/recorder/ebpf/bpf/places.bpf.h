/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The table of files: one row per program, phase, place and way of access, and
 * the path of a place below the root of the mount namespace.
 */
#ifndef VAMBRACE_RECORDER_PLACES_H
#define VAMBRACE_RECORDER_PLACES_H

/* include/linux/fs.h */
/* One of these; the number changed in Linux 6.12. */
#define FMODE_BACKING (0x2000000 | 0x1000000)
#define SB_NOUSER     (1UL << 31)
/* fs/mount.h */
#define MNT_NS_INTERNAL (-22)
/* include/uapi/linux/stat.h */
#define S_IFMT	 0170000
#define S_IFDIR	 0040000
#define S_IFSOCK 0140000

/* The file of a descriptor of the current task; null if there is none. */
static __always_inline struct file *file_of(struct task_struct *task, u32 fd)
{
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

/* Who accesses a file, in one number. */
static __always_inline u64 asked_by(u32 image, u32 phase)
{
	return (u64)image << 32 | phase;
}

/* Where the names of a file's folder may be remembered; null if it has none of
 * its own. */
static __always_inline struct vmb_folder *folder_of(struct vmb_scratch *work,
						    struct vmb_path_key *place)
{
	if (!place->leaf ||
	    work->file.access & (VMB_FILE_NAMED_ONLY | VMB_FILE_INTERNAL))
		return NULL;
	return &work->folder[place->mixed >> 32 & (VMB_FOLDERS - 1)];
}

/* The names of a file in a folder whose own are known; false if they are not.
 */
static __always_inline bool keep_name(struct vmb_scratch *work,
				      struct vmb_path_bytes *all,
				      struct vmb_folder *folder, u32 mount_ns)
{
	struct vmb_path_key *place = &work->file.place;
	struct vmb_path *path = &work->fresh.path;
	u64 named = work->named, above = folder->bytes, from = folder->at, at;

	if (!named || !above)
		return false;
	/* Linux 6.1 learns nothing of a number of 64 bits from its half. */
	barrier_var(named);
	barrier_var(above);
	barrier_var(from);
	if (folder->mixed != place->mixed || folder->mount != place->mount ||
	    folder->mount_ns != mount_ns || named > VMB_NAME_BYTES ||
	    above > VMB_LONG_PATH - VMB_NAME_BYTES ||
	    from > VMB_ALL_PATHS - VMB_LONG_PATH)
		return false;
	at = __sync_fetch_and_add(&counters.path_bytes, named + above);
	if (at > VMB_ALL_PATHS - VMB_LONG_PATH)
		return false;
	bpf_probe_read_kernel(&all->bytes[at], named, work->path);
	bpf_probe_read_kernel(&all->bytes[at + named], above,
			      &all->bytes[from]);
	path->at = at;
	path->bytes = named + above;
	path->flags = folder->flags;
	path->mount_ns = mount_ns;
	return true;
}

/* Reads the names of a new place, by a walk of its own, and keeps them; false
 * if that failed. */
static __always_inline bool keep_path(struct vmb_scratch *work,
				      struct vmb_path_key *place,
				      struct walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = (struct dentry *)work->start;
	struct vmb_path *path = &work->fresh.path;
	struct vmb_path_bytes *all;
	struct vmb_folder *folder = folder_of(work, place);
	u32 zero = 0, used, named;
	struct mount *top;
	long ended;
	u64 at;

	all = bpf_map_lookup_elem(&path_bytes, &zero);
	if (!all)
		return false;
	path->mount_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (folder && keep_name(work, all, folder, path->mount_ns))
		return true;
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->names = 1;
	walk->work = work->at;
	walk->dentry = dentry;
	if (work->file.access & VMB_FILE_NAMED_ONLY)
		walk->used = work->named;
	enter_mount(walk, (struct mount *)place->mount);
	/* The own name first. */
	ended = walk_up(0, walk);
	named = walk->used;
	walk->mixed = 0; /* as in begin_place() */
	if (!ended)
		bpf_loop(MAX_COMPONENTS, walk_up, walk, 0);
	used = walk->used;
	top = walk->mount;
	path->flags = 0;
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
	if (!walk->done || used > VMB_LONG_PATH) {
		path->flags |= VMB_PATH_TRUNCATED;
		used = 0;
	}
	at = __sync_fetch_and_add(&counters.path_bytes, used);
	if (at > VMB_ALL_PATHS - VMB_LONG_PATH)
		return false;
	bpf_probe_read_kernel(&all->bytes[at], used, work->path);
	path->at = at;
	path->bytes = used;
	/* Unless something above was renamed meanwhile. */
	if (folder && used > named && walk->mixed == place->mixed) {
		folder->mixed = place->mixed;
		folder->mount = place->mount;
		folder->mount_ns = path->mount_ns;
		folder->at = at + named;
		folder->bytes = used - named;
		folder->flags = path->flags;
	}
	return true;
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
static __always_inline int add_file(struct vmb_scratch *work, struct walk *walk)
{
	struct vmb_file *known;

	/* A row has names of its own. Most places have few rows, and to find
	 * out whether another has them costs more than to read them. */
	if (!keep_path(work, &work->file.place, walk)) {
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

/* By the task, which is the current one: it is handed on here and there since
 * it costs a call to ask for it. */
static __always_inline bool is_owned(struct task_struct *task,
				     struct inode *inode)
{
	return READ_OF(struct inode, inode, i_uid.val) == task->cred->fsuid.val;
}

/* What the file is. */
static __always_inline u32 kind_of(struct task_struct *task,
				   struct dentry *dentry)
{
	struct inode *inode = READ_OF(struct dentry, dentry, d_inode);
	struct super_block *super = READ_OF(struct inode, inode, i_sb);
	u32 kind = 0;

	if ((READ_OF(struct inode, inode, i_mode) & S_IFMT) == S_IFDIR)
		kind |= VMB_FILE_FOLDER;
	if (is_owned(task, inode))
		kind |= VMB_FILE_OWNED;
	if (READ_OF(struct super_block, super, s_flags) & SB_NOUSER)
		kind |= VMB_FILE_INTERNAL;
	return kind;
}

/* The first of the rows, one after the other, where the current task may
 * remember that access; null if it has no slot where slots begin to be looked
 * for. */
static __always_inline struct vmb_seen *seen_at(struct task_struct *task,
						struct vmb_file_key *key,
						u64 hash_len, u32 *first)
{
	u32 tid = task->pid;
	u32 at = tid & (VMB_SLOTS - 1), set;
	struct vmb_seen_files *all;

	if (slots[at].owner != tid)
		return NULL;
	all = bpf_map_lookup_elem(&seen, &at);
	if (!all)
		return NULL;
	set = ((key->place.mixed ^ hash_len ^ key->access) *
	       0x9e3779b97f4a7c15ULL) >>
	      32;
	set &= VMB_SEEN / VMB_SEEN_WAYS - 1;
	*first = set * VMB_SEEN_WAYS;
	return &all->file[*first];
}

/* But for the last name, of which only the hash that the kernel made of it is
 * known. */
static __always_inline bool is_alike(struct vmb_seen *known,
				     struct vmb_file_key *key, u64 hash_len)
{
	return (s32)known->count >= 0 && known->key.image == key->image &&
	       known->key.phase == key->phase &&
	       known->key.access == key->access &&
	       known->hash_len == hash_len &&
	       known->key.place.mount == key->place.mount &&
	       known->key.place.mixed == key->place.mixed;
}

/* Who accesses it and how; the place is still to be found. by: asked_by(). */
static __always_inline void begin_file(struct vmb_scratch *work, u64 by,
				       u32 access)
{
	work->file.image = by >> 32;
	work->file.phase = (u32)by;
	work->file.access = access;
	work->file.unused = 0;
}

/* The place where the walk begins, but for its own name, which is in the link;
 * `named` if it is a name in the scratch memory that is below that. The walk is
 * still to be made. */
static __always_inline bool begin_place(struct vmb_scratch *work,
					struct walk *walk, bool named)
{
	struct vmb_path_key *place = &work->file.place;
	struct vmb_link *link = &work->link;

	place->leaf = 0;
	link->name = NULL;
	link->hash_len = 0;
	place->mount = (u64)walk->mount;
	work->start = (u64)walk->dentry;
	if (!named && walk->dentry != walk->mount_root) {
		if (!read_link(link, walk->dentry)) {
			count_one(kernel_reads_failed);
			return false;
		}
		walk->done = link->parent == walk->dentry;
		walk->dentry = link->parent;
	}
	return true;
}

/*
 * The access in that scratch memory, of the current task, which does not
 * remember it. Not called where that is found out, but by the caller of that:
 * all that is on the stack at a time must fit into 512 bytes.
 */
__noinline int note_forgotten(u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct vmb_file_key *key;
	struct vmb_file *known;
	struct vmb_seen *mine;
	struct walk walk = {};
	u32 row = 0;

	if (!work)
		return 0;
	key = &work->file;
	if (work->link.name)
		mix_own_name(work);
	mine = seen_at(bpf_get_current_task_btf(), key, work->link.hash_len,
		       &row);
	known = bpf_map_lookup_elem(&files, key);
	if (!known)
		return add_file(work, &walk);
	if (!mine)
		return count_access(known);
	/* In the place of the one that was not accessed for longer. */
	if ((s32)(mine[1].last - mine[0].last) < 0) {
		mine++;
		row++;
	}
	flush_seen(mine, bpf_ktime_get_ns());
	mine->key = *key;
	mine->dentry = work->start;
	mine->hash_len = work->link.hash_len;
	mine->last = (u32)bpf_jiffies64();
	mine->count = 1;
	work->row = row + 1;
	return 0;
}

/* An access to what is where the walk begins. False if the task does not
 * remember it, and note_forgotten() is to be called. */
static __always_inline bool note_place(struct task_struct *task,
				       struct vmb_scratch *work,
				       struct walk *walk, bool named)
{
	struct vmb_file_key *key = &work->file;
	struct vmb_link *link = &work->link;
	struct vmb_seen *mine;
	u32 row = 0;

	if (!begin_place(work, walk, named))
		return true;
	if (!walk->done && !(plain_loads && !walk_near(walk)))
		bpf_loop(MAX_COMPONENTS, walk_up, walk, 0);
	key->place.mixed = walk->mixed;
	mine = seen_at(task, key, link->hash_len, &row);
	for (u32 way = 0; mine && way < VMB_SEEN_WAYS; way++) {
		if (!is_alike(&mine[way], key, link->hash_len))
			continue;
		/* Another dentry: a file that was made again, or a name with
		 * the same hash. */
		if (mine[way].dentry != work->start) {
			if (!is_named(work->at, mine[way].key.place.leaf))
				continue;
			mine[way].dentry = work->start;
		}
		mine[way].count++;
		mine[way].last = (u32)bpf_jiffies64();
		work->row = row + way + 1;
		return true;
	}
	return false;
}

/* A file that was handed on and is on no mount: of these, AppArmor is asked
 * about sockets, by family and type (aa_sock_file_perm). */
static __noinline int note_given(u64 which, u64 by)
{
	struct vmb_other_key key = {
		.image = by >> 32, .phase = (u32)by, .kind = VMB_OTHER_GIVEN};
	struct file *file = (struct file *)which;
	struct socket *socket;
	struct sock *sock;

	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sock = BPF_CORE_READ(socket, sk);
	if (!sock) /* closed meanwhile */
		return 0;
	key.family = BPF_CORE_READ(sock, __sk_common.skc_family);
	key.type = BPF_CORE_READ(sock, sk_type);
	key.protocol = BPF_CORE_READ(sock, sk_protocol);
	if (!add_tally(&others, &key, 1, bpf_ktime_get_ns()))
		count_one(others_refused);
	return 0;
}

/* As note_place(), of the file. */
static __always_inline bool access_file(struct task_struct *task,
					struct file *file, u64 by, u32 access,
					u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct backing_file *backing;
	struct mount *mount;
	struct walk walk = {.work = at};

	if (!work)
		return true;
	work->row = 0;
	if (!file || !(by >> 32))
		return true;
	/* The verifier would look at each value that it knows by itself. */
	*(volatile u64 *)&work->number = access;
	access = *(volatile u64 *)&work->number;
	walk.dentry = READ_OF(struct file, file, f_path.dentry);
	mount = mount_of(READ_OF(struct file, file, f_path.mnt));
	if (is_backing(file, mount, walk.dentry)) {
		backing = (struct backing_file *)file;
		walk.dentry = BPF_CORE_READ(backing, user_path.dentry);
		mount = mount_of(BPF_CORE_READ(backing, user_path.mnt));
	}
	enter_mount(&walk, mount);
	access |= kind_of(task, walk.dentry);
	begin_file(work, by, access);
	if (access & VMB_ACCESS_INHERIT && access & VMB_FILE_INTERNAL) {
		note_given((u64)file, by);
		return true;
	}
	return note_place(task, work, &walk, false);
}

/*
 * which: a struct file; by: asked_by(); access: VMB_ACCESS_...; at: the scratch
 * memory to use. False: note_forgotten() is to be called.
 */
__noinline int access_known(u64 which, u64 by, u32 access, u32 at)
{
	return access_file(bpf_get_current_task_btf(), (struct file *)which, by,
			   access, at);
}

static __always_inline int note_access(u64 which, u64 by, u32 access, u32 at)
{
	return access_known(which, by, access, at) ? 0 : note_forgotten(at);
}

#endif
