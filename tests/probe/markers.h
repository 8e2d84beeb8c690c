/*
 * Which rarely used calls the probe makes, where and how often. tests/
 * record_probe.py reads the same lines: keep one M(...) to a line.
 *
 * Every argument is -1, so that none of them does anything. No call is made
 * anywhere else in the probe, by its C library or by its loader.
 */
#ifndef VAMBRACE_TESTS_PROBE_MARKERS_H
#define VAMBRACE_TESTS_PROBE_MARKERS_H

/* M(place, name, times); places that end in _late come after the mark. */
#define MARKERS(M)                           \
  M(main, swapon, 1)                         \
  M(main, swapoff, 2)                        \
  M(main, acct, 1)                           \
  M(main, quotactl, 1)                       \
  M(main, lookup_dcookie, 3)                 \
  M(main, remap_file_pages, 1)               \
  M(thread, kcmp, 1)                         \
  M(thread, add_key, 2)                      \
  M(thread, request_key, 1)                  \
  M(thread, keyctl, 1)                       \
  M(thread, mq_open, 1)                      \
  M(thread, mq_unlink, 3)                    \
  M(thread, mq_notify, 1)                    \
  M(thread, mq_getsetattr, 1)                \
  M(fork, ioprio_get, 1)                     \
  M(fork, ioprio_set, 1)                     \
  M(fork, migrate_pages, 2)                  \
  M(fork, move_pages, 1)                     \
  M(fork, get_mempolicy, 1)                  \
  M(child, vmsplice, 1)                      \
  M(child, tee, 1)                           \
  M(child, sync_file_range, 2)               \
  M(child, name_to_handle_at, 1)             \
  M(child, open_by_handle_at, 1)             \
  M(child, perf_event_open, 1)               \
  M(clone3, process_vm_readv, 1)             \
  M(clone3, process_vm_writev, 1)            \
  M(clone3, fanotify_init, 2)                \
  M(clone3, fanotify_mark, 1)                \
  M(user_ns, inotify_add_watch, 1)           \
  M(user_ns, inotify_rm_watch, 1)            \
  M(user_ns, signalfd4, 1)                   \
  M(mount_ns, open_tree, 1)                  \
  M(mount_ns, move_mount, 1)                 \
  M(net_ns, fsopen, 1)                       \
  M(net_ns, fspick, 1)                       \
  M(set_ns, fsconfig, 1)                     \
  M(set_ns, fsmount, 2)                      \
  M(pid_ns, pidfd_getfd, 1)                  \
  M(pid_ns, pidfd_send_signal, 1)            \
  M(thread_exec, landlock_create_ruleset, 1) \
  M(thread_exec, landlock_add_rule, 2)       \
  M(main_late, timerfd_settime, 1)           \
  M(main_late, timerfd_gettime, 1)           \
  M(main_late, userfaultfd, 2)               \
  M(main_late, membarrier, 1)                \
  M(thread_late, copy_file_range, 1)         \
  M(thread_late, preadv2, 1)                 \
  M(thread_late, pwritev2, 1)                \
  M(held_thread_late, pkey_alloc, 1)         \
  M(held_thread_late, pkey_free, 1)          \
  M(held_thread_late, process_madvise, 2)    \
  M(held_fork_late, mount_setattr, 1)        \
  M(held_fork_late, quotactl_fd, 1)          \
  M(held_fork_late, futex_waitv, 1)          \
  M(child_late, landlock_restrict_self, 1)   \
  M(child_late, process_mrelease, 1)         \
  M(child_late, set_mempolicy_home_node, 3)

/* M(place, name, number, times): numbers of the i386 table. The place compat is
 * the 64-bit probe, which enters the kernel as a 32-bit program does. */
#define MARKERS_I386(M)                \
  M(i386, nice, 34, 1)                 \
  M(i386, sgetmask, 68, 1)             \
  M(i386, olduname, 109, 2)            \
  M(i386, oldolduname, 59, 1)          \
  M(i386, sigpending, 73, 1)           \
  M(i386, readdir, 89, 1)              \
  M(i386, clock_gettime64, 403, 1)     \
  M(i386, mq_timedsend_time64, 418, 3) \
  M(compat, bdflush, 134, 1)           \
  M(compat, sigprocmask, 126, 1)       \
  M(compat_late, stime, 25, 2)

#endif
