/*
 * A static server without threads: answers each line on a TCP connection with
 * the same line, one child per connection, and logs to a file. Built with musl
 * where that is installed.
 *
 *   static_server PORT LOGFILE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void on_term(int number)
{
	(void)number;
	stopped = 1;
}

static void serve(int fd, int log)
{
	char line[512];
	ssize_t n;

	while ((n = read(fd, line, sizeof line)) > 0) {
		struct timespec now;
		char entry[64];

		clock_gettime(CLOCK_REALTIME, &now);
		int used = snprintf(entry, sizeof entry, "%ld %zd\n", (long)now.tv_sec, n);
		if (write(log, entry, (size_t)used) < 0 || write(fd, line, (size_t)n) < 0)
			break;
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct sigaction action = { .sa_handler = on_term };
	sigaction(SIGTERM, &action, NULL);

	int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)atoi(argv[1])),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (log < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listener, 16) != 0)
		return 1;
	while (!stopped) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		pid_t child = fork();
		if (child == 0) {
			serve(fd, log);
			_exit(0);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return 0;
}
