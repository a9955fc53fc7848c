/* SPDX-License-Identifier: MIT */
/*
 * nginx, whose master process inherits the listening socket, and whose one worker is measured. (It
 * crashes when it inherits a socket and is to have no master.) What it sends is a file of
 * zeros, in records of the size that is asked for. It is not asked to receive: it would throw a
 * body away in pieces of 4 KiB.
 */
#include "bench.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls.h"

static pid_t nginx;

static const char configuration[] = "daemon off;\n"
				    "user root;\n"
				    "worker_processes 1;\n"
				    "error_log log crit;\n"
				    "pid pid;\n"
				    "worker_rlimit_nofile 20000;\n"
				    "events { worker_connections 16000; }\n"
				    "http {\n"
				    "	access_log off;\n"
				    "	client_body_temp_path t;\n"
				    "	proxy_temp_path t;\n"
				    "	fastcgi_temp_path t;\n"
				    "	uwsgi_temp_path t;\n"
				    "	scgi_temp_path t;\n"
				    "	server {\n"
				    "		listen 127.0.0.1:%u ssl;\n"
				    "		ssl_certificate %s;\n"
				    "		ssl_certificate_key %s;\n"
				    "		ssl_protocols TLSv1.2 TLSv1.3;\n"
				    "		ssl_ecdh_curve X25519:P-256:P-384;\n"
				    "		ssl_buffer_size %s;\n"
				    "		output_buffers 2 64k;\n"
				    "		root .;\n"
				    "	}\n"
				    "}\n";

static void
configure(const char *dir, int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	char path[512];
	FILE *file;
	int zeros;

	snprintf(path, sizeof(path), "%s/zeros", dir);
	zeros = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (zeros < 0 || ftruncate(zeros, (off_t)1 << 38) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		abort();
	close(zeros);
	snprintf(path, sizeof(path), "%s/conf", dir);
	file = fopen(path, "we");
	if (!file)
		abort();
	fprintf(file, configuration, ntohs(address.sin_port), getenv(TLS_CERTIFICATE),
		getenv(TLS_KEY), getenv(TLS_SIZE));
	fclose(file);
}

static void
start(const char *dir, int listener)
{
	char text[16];

	nginx = fork();
	if (nginx)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(text, sizeof(text), "%d;", dup(listener)); /* stays open */
	setenv("NGINX", text, 1);
	execl(NGINX, NGINX, "-p", dir, "-c", "conf", "-e", "log", NULL);
	_exit(127);
}

static void
serve(int listener, int control, bool (*on_control)(int control))
{
	static const char *const names[] = { "conf", "zeros", "pid", "t", "log" };
	struct pollfd poller = { .fd = control, .events = POLLIN };
	char dir[] = "/tmp/bench-nginx-XXXXXX", path[512];

	if (!mkdtemp(dir))
		abort();
	configure(dir, listener);
	start(dir, listener);
	while (poll(&poller, 1, -1) < 0 || on_control(control))
		;
	kill(nginx, SIGTERM);
	waitpid(nginx, NULL, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	remove(dir);
}

/* Its worker, which may have to start yet. */
static pid_t
process(void)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)nginx, (int)nginx);
	for (int i = 0; i < 10000 && atoi(text) == 0; i++) {
		if (i > 0)
			usleep(1000);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
			abort();
		close(fd);
	}
	if (atoi(text) == 0)
		abort();
	return atoi(text);
}

const struct contestant bench_contestant = { .name = "nginx", .serve = serve, .process = process };
