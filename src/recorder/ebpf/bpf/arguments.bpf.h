/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Arguments that carry a choice, and sockets and signals named by them. */
#ifndef VAMBRACE_RECORDER_ARGUMENTS_H
#define VAMBRACE_RECORDER_ARGUMENTS_H

#define AF_UNIX	 1
#define AF_INET	 2
#define AF_INET6 10

static __noinline void note_tuple(struct vmb_tuple_key *key)
{
	struct vmb_tuple_count_key group = {};
	u32 one = 1, *seen;

	if (!key || bpf_map_lookup_elem(&tuples, key))
		return;
	group.image = key->image;
	group.arch = key->arch;
	group.denied = key->denied;
	group.nr = key->nr;
	seen = bpf_map_lookup_elem(&tuple_counts, &group);
	if (!seen) {
		u32 zero = 0;

		bpf_map_update_elem(&tuple_counts, &group, &zero, BPF_NOEXIST);
		seen = bpf_map_lookup_elem(&tuple_counts, &group);
		if (!seen) {
			count_one(tuples_refused);
			return;
		}
	}
	/* One more than the limit says: unbounded. */
	if (*seen > VMB_MAX_TUPLES)
		return;
	if (*seen == VMB_MAX_TUPLES) {
		*seen = VMB_MAX_TUPLES + 1;
		return;
	}
	if (bpf_map_update_elem(&tuples, key, &one, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&tuples, key))
			count_one(tuples_refused);
		return;
	}
	__sync_fetch_and_add(seen, 1);
}

static __always_inline u16 swap16(u16 value)
{
	return value >> 8 | value << 8;
}

static __noinline int count_unread_by(u32 image)
{
	struct vmb_image *by = bpf_map_lookup_elem(&images, &image);

	return count_unread(by ? by->key.scope : NO_SCOPE);
}

/* False if it could not be read. */
static __noinline int read_address(struct vmb_other_key *key, void *user,
				   u32 length)
{
	u8 bytes[28] = {};
	long failed;

	if (!key)
		return 0;
	if (length < 2) { /* no address at all */
		key->unnamed = 1;
		return 1;
	}
	/* The sizes of the families below; never beyond what the caller gave.
	 */
	if (length >= 28)
		failed = bpf_probe_read_user(bytes, 28, user);
	else if (length >= 16)
		failed = bpf_probe_read_user(bytes, 16, user);
	else if (length >= 3)
		failed = bpf_probe_read_user(bytes, 3, user);
	else
		failed = bpf_probe_read_user(bytes, 2, user);
	if (failed) {
		key->unnamed = 1;
		return 0;
	}
	key->family = *(u16 *)bytes;
	if (key->family == AF_INET) {
		key->port = swap16(*(u16 *)&bytes[2]);
		__builtin_memcpy(key->address, &bytes[4], 4);
	} else if (key->family == AF_INET6) {
		key->port = swap16(*(u16 *)&bytes[2]);
		__builtin_memcpy(key->address, &bytes[8], 16);
	} else if (key->family == AF_UNIX) {
		/* Only whether it is a path or abstract. */
		key->address[0] = length > 2 ? (bytes[2] ? 1 : 2) : 0;
	}
	return 1;
}

enum {
	LOOK_FIRST =
		0,     /* at the enter: what cannot be read is left for later */
	LOOK_ONLY = 1, /* nobody will look again */
	LOOK_AGAIN = 2, /* at the exit */
	LOOK_FAULT =
		3, /* at the exit, and the kernel could not read it either */
	LOOK_BLOCKED = 4, /* in between: its end, if it comes, will count it */
};

/* False if it is to be looked at again. */
static __noinline int note_other(struct pt_regs *regs, u32 image, u32 phase,
				 u32 arch_and_look, struct vmb_rule *rule)
{
	struct vmb_other_key key = {.image = image, .phase = phase};
	u32 arch = arch_and_look & 0xff, look = arch_and_look >> 8;

	if (!rule || !regs)
		return 1;
	switch (rule->special) {
	case VMB_SPECIAL_SOCKET:
		key.kind = VMB_OTHER_SOCKET;
		key.family = argument(regs, arch, 0);
		key.type = argument(regs, arch, 1);
		key.protocol = argument(regs, arch, 2);
		break;
	case VMB_SPECIAL_BIND:
	case VMB_SPECIAL_CONNECT:
		key.kind = rule->special == VMB_SPECIAL_BIND
				   ? VMB_OTHER_BIND
				   : VMB_OTHER_CONNECT;
		if (!read_address(&key, (void *)argument(regs, arch, 1),
				  argument(regs, arch, 2))) {
			if (look == LOOK_FIRST)
				return 0;
			if (look == LOOK_BLOCKED)
				return 1;
			if (look != LOOK_FAULT)
				count_unread_by(image);
		}
		break;
	case VMB_SPECIAL_LISTEN: key.kind = VMB_OTHER_LISTEN; break;
	case VMB_SPECIAL_ACCEPT: key.kind = VMB_OTHER_ACCEPT; break;
	case VMB_SPECIAL_SIGNAL:
		/* Those that are sent are told: signals.bpf.h. */
		if (watch_exits)
			return 1;
		key.kind = VMB_OTHER_SIGNAL;
		key.family = VMB_SIDE_UNKNOWN;
		key.type = rule->special_index == 2 ? argument(regs, arch, 2)
						    : argument(regs, arch, 1);
		break;
	default: return 1;
	}
	if (!add_tally(&others, &key, look != LOOK_BLOCKED, bpf_ktime_get_ns()))
		count_one(others_refused);
	return 1;
}

/*
 * Of the current task's call. call: arch << 32 | number; how: denied | look <<
 * 1. False if memory is to be read again at the exit.
 */
__noinline int note_arguments(u32 image, u32 phase, u64 call, u32 how)
{
	struct pt_regs *regs =
		(struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u32 arch = call >> 32, nr = (u32)call;
	struct vmb_tuple_key key = {};
	struct vmb_rule *rule;
	u32 index, denied = how & 1, look = how >> 1;

	if (nr >= VMB_RULE_CALLS || arch >= VMB_ARCHES)
		return 1;
	index = arch * VMB_RULE_CALLS + nr;
	rule = bpf_map_lookup_elem(&rules, &index);
	if (!rule)
		return 1;
	if (rule->used && (look < LOOK_AGAIN || look == LOOK_BLOCKED ||
			   rule->special == VMB_SPECIAL_POINTER)) {
		key.image = image;
		key.arch = arch;
		key.denied = denied;
		key.nr = nr;
		key.used = rule->used;
		for (u32 i = 0; i < 3; i++) {
			u64 value;

			if (i >= rule->used)
				break;
			value = argument(regs, arch, rule->index[i]);
			if (rule->special == VMB_SPECIAL_POINTER) {
				u64 flags = 0;

				if (bpf_probe_read_user(&flags, sizeof(flags),
							(void *)value)) {
					if (look == LOOK_FIRST)
						return 0;
					if (look != LOOK_FAULT &&
					    look != LOOK_BLOCKED)
						count_unread_by(image);
					return 1;
				}
				value = flags;
			}
			key.value[i] = value & rule->mask[i];
		}
		note_tuple(&key);
	}
	if (rule->special > VMB_SPECIAL_POINTER && !denied)
		return note_other(regs, image, phase, arch | look << 8, rule);
	return 1;
}

/*
 * Notes the arguments of a native call unless its slot remembers that the table
 * has them. False if memory is to be read again at the exit.
 */
static __noinline int note_ruled(struct pt_regs *regs, struct vmb_slot *slot,
				 u32 nr)
{
	u32 index = NATIVE_ARCH * VMB_RULE_CALLS + nr, look;
	struct vmb_recent *recent;
	struct vmb_rule *rule = bpf_map_lookup_elem(&rules, &index);
	u64 a, b, c, mixed;

	if (!rule || !slot || !regs)
		return 1;
	look = watch_exits ? LOOK_FIRST : LOOK_ONLY;
	/* The others are rare, or name memory. */
	if (rule->special != VMB_SPECIAL_NONE)
		return note_arguments(slot->image, slot->phase,
				      (u64)NATIVE_ARCH << 32 | nr, look << 1);
	/* What is not used has an empty mask. */
	a = argument(regs, NATIVE_ARCH, rule->index[0]) & rule->mask[0];
	b = argument(regs, NATIVE_ARCH, rule->index[1]) & rule->mask[1];
	c = argument(regs, NATIVE_ARCH, rule->index[2]) & rule->mask[2];
	mixed = (nr ^ a ^ b ^ c) * 0x9e3779b97f4a7c15ULL >> 61;
	recent = &slot->recent[mixed & (VMB_RECENT - 1)];
	if (recent->image == slot->image && recent->nr == nr &&
	    recent->value[0] == a && recent->value[1] == b &&
	    recent->value[2] == c)
		return 1;
	note_arguments(slot->image, slot->phase, (u64)NATIVE_ARCH << 32 | nr,
		       look << 1);
	recent->value[0] = a;
	recent->value[1] = b;
	recent->value[2] = c;
	recent->nr = nr;
	recent->image = slot->image;
	return 1;
}

#endif
