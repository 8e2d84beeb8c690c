/*
 * Attack actions, each one system call, made from inside a confined workload.
 *
 *   attacks            makes all of them
 *   attacks NAME...    makes those, in this order
 *   attacks --list     their names and numbers
 *
 * One line for each: NAME RESULT, where RESULT is what the kernel returned (a
 * negative errno if it failed).
 *
 * Needs nothing that a narrow profile could lack: no C library, no start-up
 * calls, only write and exit_group besides the attack. Arguments are chosen so
 * that a call that is let through, as root, changes nothing: bad pointers, empty
 * paths, descriptors that are not open. It then fails in another way than a
 * refusal does, which is what tests compare. Calls that would change the caller
 * (a new namespace) come last.
 */
#include <linux/types.h>

#define SYS_write 1
#define SYS_exit_group 231

typedef unsigned long u64;

static long call6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	long result;
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	register u64 r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The 32-bit gate, open to 64-bit programs too; its numbers are those of i386. */
static long call_i386(long nr, unsigned a, unsigned b)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a), "c"(b)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

#define X32 0x40000000L
#define NEWUSER 0x10000000UL
#define NEWNS 0x00020000UL
#define SIGCHLD 17UL
#define GARBAGE 0x100000000UL
#define BAD ((u64)-1)

struct clone_args {
	__u64 flags, pidfd, child_tid, parent_tid, exit_signal;
	__u64 stack, stack_size, tls;
};

static const struct clone_args new_user = { .flags = NEWUSER, .exit_signal = SIGCHLD };
static const char empty[] = "";

enum how { PLAIN, FORKS, I386 };

struct attack {
	const char *name;
	long nr;
	u64 args[6];
	enum how how;
};

#define PTR(x) ((u64)(x))

static const struct attack attacks[] = {
	{ "mount", 165, { PTR(empty), PTR(empty), PTR(empty) }, PLAIN },
	{ "umount2", 166, { PTR(empty) }, PLAIN },
	{ "pivot_root", 155, { PTR(empty), PTR(empty) }, PLAIN },
	{ "chroot", 161, { PTR(empty) }, PLAIN },
	{ "open_tree", 428, { BAD, PTR(empty) }, PLAIN },
	{ "move_mount", 429, { BAD, PTR(empty), BAD, PTR(empty) }, PLAIN },
	{ "fsopen", 430, { 0 }, PLAIN },
	{ "ptrace", 101, { 16 /* ATTACH */, 0 }, PLAIN },
	{ "process_vm_readv", 310, { 0, 0, 0, 0, 0, 1 }, PLAIN },
	{ "process_vm_writev", 311, { 0, 0, 0, 0, 0, 1 }, PLAIN },
	{ "pidfd_getfd", 438, { BAD }, PLAIN },
	{ "kcmp", 312, { 0, 0, 99 }, PLAIN },
	{ "process_madvise", 440, { BAD }, PLAIN },
	{ "bpf", 321, { 999 }, PLAIN },
	{ "perf_event_open", 298, { 0 }, PLAIN },
	{ "userfaultfd", 323, { 0x7f000000 }, PLAIN },
	{ "io_uring_setup", 425, { 1, 0 }, PLAIN },
	{ "io_uring_register", 427, { BAD }, PLAIN },
	{ "keyctl", 250, { 999 }, PLAIN },
	{ "add_key", 248, { 0 }, PLAIN },
	{ "request_key", 249, { 0 }, PLAIN },
	{ "socket_alg", 41, { 38, 5, 0 }, PLAIN },
	{ "socket_vsock", 41, { 40, 1, 0 }, PLAIN },
	{ "socket_packet", 41, { 17, 3, 0 }, PLAIN },
	{ "socket_alg_garbage", 41, { GARBAGE | 38, 5, 0 }, PLAIN },
	{ "personality", 135, { 0x0040000 }, PLAIN },
	{ "personality_garbage", 135, { GARBAGE | 0x0040000 }, PLAIN },
	{ "ioctl_tiocsti", 16, { BAD, 0x5412 }, PLAIN },
	{ "ioctl_tioclinux", 16, { BAD, 0x541c }, PLAIN },
	{ "ioctl_tiocsti_garbage", 16, { BAD, GARBAGE | 0x5412 }, PLAIN },
	{ "init_module", 175, { 0 }, PLAIN },
	{ "finit_module", 313, { BAD }, PLAIN },
	{ "delete_module", 176, { PTR(empty) }, PLAIN },
	{ "kexec_load", 246, { 0, 17, 0, BAD }, PLAIN },
	{ "reboot", 169, { 0 }, PLAIN },
	{ "setns", 308, { BAD, 0 }, PLAIN },
	{ "swapon", 167, { PTR(empty) }, PLAIN },
	{ "swapoff", 168, { PTR(empty) }, PLAIN },
	{ "open_by_handle_at", 304, { BAD, 0, 0 }, PLAIN },
	{ "name_to_handle_at", 303, { BAD, 0, 0 }, PLAIN },
	{ "move_pages", 279, { 0, 0, 0, 0, 0, 0 }, PLAIN },
	{ "mbind", 237, { 1, 1, 99, 0, 0, 0 }, PLAIN },
	{ "settimeofday", 164, { 1, 0 }, PLAIN },
	{ "adjtimex", 159, { 1 }, PLAIN },
	{ "fanotify_init", 300, { BAD }, PLAIN },
	{ "quotactl", 179, { BAD, PTR(empty) }, PLAIN },
	{ "syslog", 103, { 10 /* SIZE_BUFFER */ }, PLAIN },
	{ "acct", 163, { PTR(empty) }, PLAIN },
	{ "iopl", 172, { 4 }, PLAIN },
	{ "ioperm", 173, { 0, 0, 0 }, PLAIN },
	{ "modify_ldt", 154, { 99 }, PLAIN },
	{ "sethostname", 170, { 0, BAD }, PLAIN },
	{ "memfd_secret", 447, { BAD }, PLAIN },
	{ "clone_newuser", 56, { NEWUSER | SIGCHLD }, FORKS },
	{ "clone_newuser_garbage", 56, { GARBAGE | NEWUSER | SIGCHLD }, FORKS },
	{ "clone3_newuser", 435, { PTR(&new_user), sizeof new_user }, FORKS },
	{ "unshare_newns", 272, { NEWNS }, PLAIN },
	{ "unshare_newuser", 272, { NEWUSER }, PLAIN },
	/* Most filters end the caller for these; ask for them one by one. */
	{ "i386_unshare", 310, { NEWUSER }, I386 },
	{ "x32_unshare", X32 | 272, { NEWUSER }, PLAIN },
};

#define COUNT (sizeof attacks / sizeof attacks[0])

static char line[128];
static unsigned used;

static void add(const char *text)
{
	while (*text && used < sizeof line - 1)
		line[used++] = *text++;
}

static void add_number(long number)
{
	char digits[24];
	int n = 0;
	u64 rest = number < 0 ? -(u64)number : (u64)number;

	if (number < 0)
		add("-");
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	while (n > 0 && used < sizeof line - 1)
		line[used++] = digits[--n];
}

static void flush(void)
{
	add("\n");
	call6(SYS_write, 1, PTR(line), used, 0, 0, 0);
	used = 0;
}

static void leave(int status)
{
	for (;;)
		call6(SYS_exit_group, (u64)status, 0, 0, 0, 0, 0);
}

static void make(const struct attack *a)
{
	const u64 *v = a->args;
	long result = a->how == I386 ?
			      call_i386(a->nr, (unsigned)v[0], (unsigned)v[1]) :
			      call6(a->nr, v[0], v[1], v[2], v[3], v[4], v[5]);

	if (a->how == FORKS && result == 0)
		leave(0);
	add(a->name);
	add(" ");
	add_number(result);
	flush();
}

static void list(void)
{
	for (unsigned i = 0; i < COUNT; i++) {
		add(attacks[i].name);
		add(attacks[i].how == I386	   ? " i386 " :
		    (attacks[i].nr & X32) != 0	   ? " x32 " :
						     " x86_64 ");
		add_number(attacks[i].nr & ~X32);
		for (unsigned n = 0; n < 6; n++) {
			add(" ");
			/* Unsigned in the kernel's view; signed is shorter. */
			add_number((long)attacks[i].args[n]);
		}
		flush();
	}
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

__attribute__((used)) static void start_attacks(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);

	if (argc == 2 && same(argv[1], "--list")) {
		list();
		leave(0);
	}
	for (long n = 1; n < argc; n++) {
		unsigned i = 0;

		while (i < COUNT && !same(attacks[i].name, argv[n]))
			i++;
		if (i == COUNT)
			leave(2);
		make(&attacks[i]);
	}
	if (argc == 1)
		for (unsigned i = 0; i < COUNT; i++)
			make(&attacks[i]);
	leave(0);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start_attacks\n");
