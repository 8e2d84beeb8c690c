/*
 * Asks the kernel which paths the profiles of the same number let read.
 *
 *   aare_ask load <BINARY
 *   aare_ask query|open <PAIRS
 *
 * `load` gives the kernel compiled profiles, which it takes in one piece only.
 *
 * Each line of PAIRS is "N PATH": profile pN, the path's bytes in hexadecimal.
 * Prints one character for each: 1 allowed, 0 not, - where it cannot be asked.
 *
 * `query` asks the profile itself (securityfs: apparmor/.access). `open` makes
 * the file, or the directory where the path ends in a slash, and has a process
 * under the profile open it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 8192, LONGEST = 1024 };

struct pair {
	int profile;
	size_t length;
	char path[LONGEST];
};

static struct pair pairs[MOST];
static int count;

static void read_pairs(void)
{
	static char hex[2 * LONGEST + 2];

	while (count < MOST &&
	       scanf("%d %2048s", &pairs[count].profile, hex) == 2) {
		struct pair *one = &pairs[count++];

		for (one->length = 0; hex[2 * one->length] &&
				      one->length < LONGEST - 1;
		     one->length++)
			sscanf(hex + 2 * one->length, "%2hhx",
			       (unsigned char *)one->path + one->length);
	}
}

static char query(const struct pair *one)
{
	char text[LONGEST + 64] = "label";
	char answer[256] = "";
	unsigned int allow = 0;
	size_t size = 6 + sprintf(text + 6, "p%d", one->profile) + 1;
	int fd = open("/sys/kernel/security/apparmor/.access", O_RDWR);
	ssize_t got = -1;

	text[size++] = 2; /* files */
	memcpy(text + size, one->path, one->length);
	size += one->length;
	if (fd >= 0 && write(fd, text, size) == (ssize_t)size)
		got = read(fd, answer, sizeof(answer) - 1);
	close(fd);
	if (got <= 0 || sscanf(answer, "allow %x", &allow) != 1)
		return '-';
	return allow & 4 ? '1' : '0';
}

/* A path that can be made: no empty, "." or ".." component. */
static int is_plain(const char *path)
{
	for (const char *at = path; *at == '/'; ) {
		size_t length = strcspn(++at, "/");

		if (length == 0)
			return *at == 0 && at - path > 1;
		if (at[0] == '.' &&
		    (length == 1 || (length == 2 && at[1] == '.')))
			return 0;
		at += length;
		if (*at == 0)
			return 1;
	}
	return 0;
}

static int make(const struct pair *one)
{
	char path[LONGEST];
	int fd;

	memcpy(path, one->path, one->length + 1);
	if (strlen(path) != one->length || strncmp(path, "/p/", 3) ||
	    !is_plain(path))
		return 0;
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return 0;
		*at = '/';
	}
	if (path[one->length - 1] == '/')
		return 1;
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
	close(fd);
	return fd >= 0;
}

/* All pairs of one profile from `first` on, by a process under it. */
static void open_all(int first, char *answers)
{
	char text[64];
	int fd;

	sprintf(text, "changeprofile p%d", pairs[first].profile);
	fd = open("/proc/self/attr/current", O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(1);
	for (int i = first;
	     i < count && pairs[i].profile == pairs[first].profile; i++) {
		const struct pair *one = &pairs[i];
		int folder = one->path[one->length - 1] == '/';

		if (answers[i] != 'x')
			continue;
		fd = open(one->path, O_RDONLY | (folder ? O_DIRECTORY : 0));
		answers[i] = fd >= 0 ? '1' : errno == EACCES ? '0' : '-';
		close(fd);
	}
	_exit(0);
}

static int load(void)
{
	enum { ROOM = 64 << 20 };
	char *bytes = malloc(ROOM);
	ssize_t size = 0, got;
	int fd = open("/sys/kernel/security/apparmor/.load", O_WRONLY);

	while (bytes && (got = read(0, bytes + size, ROOM - size)) > 0)
		size += got;
	if (fd < 0 || !bytes || write(fd, bytes, size) != size) {
		perror("load");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *answers = mmap(NULL, MOST, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (argc != 2 || answers == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "load"))
		return load();
	read_pairs();
	for (int i = 0; i < count; i++)
		answers[i] = strcmp(argv[1], "open") ? query(&pairs[i])
			   : make(&pairs[i]) ? 'x' : '-';
	for (int i = 0; i < count; i++) {
		if (answers[i] != 'x' ||
		    (i > 0 && pairs[i - 1].profile == pairs[i].profile &&
		     answers[i - 1] != '-'))
			continue;
		if (fork() == 0)
			open_all(i, answers);
		wait(NULL);
	}
	puts(answers);
	return 0;
}
