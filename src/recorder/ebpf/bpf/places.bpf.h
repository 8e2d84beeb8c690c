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

/* Reads the names of a new place and keeps them; false if that failed. */
static __always_inline bool keep_path(struct vmb_scratch *work,
				      struct vmb_path_key *place)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = (struct dentry *)work->start;
	struct vmb_path *path = &work->fresh.path;
	struct vmb_path_bytes *all;
	struct walk walk = {.names = 1, .work = work->at};
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
	walk.dentry = dentry;
	if (work->file.access & VMB_FILE_NAMED_ONLY)
		walk.used = work->named;
	enter_mount(&walk, (struct mount *)place->mount);
	/* The own name first. */
	ended = walk_up(0, &walk);
	named = walk.used;
	walk.mixed = 0; /* as in find_place() */
	if (!ended)
		bpf_loop(MAX_COMPONENTS, walk_up, &walk, 0);
	used = walk.used;
	top = walk.mount;
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
	/* Unless something above was renamed meanwhile. */
	if (folder && used > named && walk.mixed == place->mixed) {
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
static __noinline int add_file(struct vmb_scratch *work)
{
	struct vmb_file *known;

	if (!work)
		return 0;
	/* A row has names of its own. Most places have few rows, and to find
	 * out whether another has them costs more than to read them. */
	if (!keep_path(work, &work->file.place)) {
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

/* By the current task. */
static __always_inline bool is_owned(struct inode *inode)
{
	return READ_OF(struct inode, inode, i_uid.val) ==
	       bpf_get_current_task_btf()->cred->fsuid.val;
}

/* What the file is. */
static __always_inline u32 kind_of(struct dentry *dentry)
{
	struct inode *inode = READ_OF(struct dentry, dentry, d_inode);
	struct super_block *super = READ_OF(struct inode, inode, i_sb);
	u32 kind = 0;

	if ((READ_OF(struct inode, inode, i_mode) & S_IFMT) == S_IFDIR)
		kind |= VMB_FILE_FOLDER;
	if (is_owned(inode))
		kind |= VMB_FILE_OWNED;
	if (READ_OF(struct super_block, super, s_flags) & SB_NOUSER)
		kind |= VMB_FILE_INTERNAL;
	return kind;
}

/* The first of the rows, one after the other, where the current task may
 * remember that access; null if it has no slot where slots begin to be looked
 * for. */
static __always_inline struct vmb_seen *seen_at(struct vmb_file_key *key,
						u64 hash_len, u32 *first)
{
	u32 tid = bpf_get_current_task_btf()->pid;
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

static long mix_name(u32 index, struct walk *walk)
{
	u32 at = walk->work;
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);

	if (!work || index >= VMB_LONG_PATH / 8)
		return 1;
	mix(walk, ((u64 *)work->path)[index]);
	return 0;
}

/* The name in the scratch memory, of so many bytes with its NUL. */
static __always_inline void mix_path(struct vmb_scratch *work,
				     struct walk *walk, u32 length)
{
	if (length > VMB_LONG_PATH)
		return;
	__builtin_memset(&work->path[length], 0, 8);
	bpf_loop((length + 7) >> 3, mix_name, walk, 0);
}

/* Never 0, which stands for a mount's own name. */
static __noinline u64 leaf_of(struct vmb_scratch *work, struct walk *walk,
			      const unsigned char *name)
{
	long length;

	if (!work || !walk)
		return 1;
	walk->mixed = 0;
	work->named = 0;
	length = bpf_probe_read_kernel_str(work->path, VMB_NAME_BYTES, name);
	if (length < 0) {
		count_one(kernel_reads_failed);
		return 1;
	}
	work->named = length;
	mix_path(work, walk, length);
	return walk->mixed | 1;
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
 * `named` if it is a name in the scratch memory that is below that. */
static __always_inline bool find_place(struct vmb_scratch *work,
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
	if (!walk->done)
		bpf_loop(MAX_COMPONENTS, walk_up, walk, 0);
	place->mixed = walk->mixed;
	return true;
}

/* An access to what is where the walk begins. */
static __always_inline int note_place(struct vmb_scratch *work,
				      struct walk *walk, bool named)
{
	struct vmb_file_key *key = &work->file;
	struct vmb_link *link = &work->link;
	struct vmb_file *known;
	struct vmb_seen *mine;
	u32 row = 0;

	if (!find_place(work, walk, named))
		return 0;
	mine = seen_at(key, link->hash_len, &row);
	for (u32 way = 0; mine && way < VMB_SEEN_WAYS; way++) {
		if (!is_alike(&mine[way], key, link->hash_len))
			continue;
		/* Another dentry: a file that was made again, or a name with
		 * the same hash. */
		if (mine[way].dentry != work->start) {
			if (link->name)
				key->place.leaf =
					leaf_of(work, walk, link->name);
			if (mine[way].key.place.leaf != key->place.leaf)
				continue;
			mine[way].dentry = work->start;
		}
		mine[way].count++;
		mine[way].last = (u32)bpf_jiffies64();
		work->row = row + way + 1;
		return 0;
	}
	if (link->name && !key->place.leaf)
		key->place.leaf = leaf_of(work, walk, link->name);
	known = bpf_map_lookup_elem(&files, key);
	if (!known)
		return add_file(work);
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
	mine->hash_len = link->hash_len;
	mine->last = (u32)bpf_jiffies64();
	mine->count = 1;
	work->row = row + 1;
	return 0;
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

/*
 * which: a struct file; by: asked_by(); access: VMB_ACCESS_...; at: the scratch
 * memory to use.
 */
__noinline int note_access(u64 which, u64 by, u32 access, u32 at)
{
	struct vmb_scratch *work = bpf_map_lookup_elem(&scratch, &at);
	struct file *file = (struct file *)which;
	struct backing_file *backing;
	struct mount *mount;
	struct walk walk = {.work = at};

	if (!work)
		return 0;
	work->row = 0;
	if (!file || !(by >> 32))
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
	begin_file(work, by, access);
	if (access & VMB_ACCESS_INHERIT && access & VMB_FILE_INTERNAL)
		return note_given(which, by);
	return note_place(work, &walk, false);
}

#endif
