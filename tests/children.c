/*
 * Makes a thread, a process by posix_spawn and one by fork, and says how that
 * went. glibc asks for clone3 for the first two since 2.34, for clone before.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *set(void *flag)
{
	*(int *)flag = 1;
	return NULL;
}

int main(void)
{
	char *words[] = { "/bin/true", NULL };
	int ran = 0;
	pthread_t thread;
	int error = pthread_create(&thread, NULL, set, &ran);
	if (!error)
		pthread_join(thread, NULL);
	/* Whether pthread_join had to wait is a matter of time. */
	syscall(SYS_futex, &ran, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	pid_t child;
	int spawned = posix_spawn(&child, words[0], NULL, NULL, words, NULL);
	if (!spawned)
		waitpid(child, NULL, 0);
	child = fork();
	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
	printf("thread: %s, posix_spawn: %s, fork: %s\n",
	       ran ? "made" : strerror(error),
	       spawned ? strerror(spawned) : "made", child > 0 ? "made" : "not made");
	return !ran || spawned || child < 0;
}
