/* SPDX-License-Identifier: MIT */
/*
 * player FILE OFFSET SIZE NAME: a program that plays a virtual machine for the
 * tests: its memory is FILE, mapped ("-": memory of its own, 16 MiB), and its
 * firmware has a ring of SIZE bytes at OFFSET, by the guest runtime. Does what
 * the lines on stdin say, and answers each with a line.
 *
 *	boot		make the ring, with the events as the host wants them
 *	on		the same, with all events on
 *	emit N		emit so many events
 *	pause N		the same, a millisecond apart
 *	flow		the same without end, until there is another line
 *	poke		overwrite the ring's magic: firmware that zeroes its RAM
 *	clear		clear all of the memory, as QEMU does at some resets
 *	groups		say that there are more groups than there can be
 *	pages		make the ring one of 1 Mi pages and one more
 *	last		make this boot the last one that can be counted
 *	stop		end tracing
 *	wait		answer when an event is on
 *	quit
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define OWN_SIZE (16u << 20)

static uint8_t *memory;
static size_t memory_size;
static struct tw_guest_options options;
static uint64_t emitted;
static uint32_t boots;

static int map_memory(const char *path)
{
	struct stat status;
	int fd = -1;

	memory_size = OWN_SIZE;
	if (strcmp(path, "-") != 0) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &status))
			return -1;
		memory_size = (size_t)status.st_size;
	}
	memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
		      fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? -1 : 0;
}

static void boot(uint32_t flags)
{
	boots++;
	emitted = 0;
	options.flags = flags |
			(getenv("PLAYER_NO_SCHEMA") ? TW_GUEST_NO_SCHEMA : 0);
	puts(tw_guest_start(&options) ? "failed" : "booted");
}

static void emit(uint64_t count, useconds_t pause_us)
{
	while (count--) {
		trace_count(boots, emitted, emitted * 2654435761u ^ boots);
		emitted++;
		if (pause_us)
			usleep(pause_us);
	}
}

/* A line is one write, so nothing of the next one is in stdin's buffer. */
static void flow(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	puts("flowing");
	fflush(stdout);
	while (poll(&input, 1, 0) == 0)
		emit(1, 1000);
}

static void wait_until_on(void)
{
	while (!TW_STATE(emitter, 0))
		usleep(1000);
	puts("on");
}

static void split_pages(struct tw_ring_control *control)
{
	control->page_size = TW_PAGE_SIZE_MIN;
	control->page_count = (1u << 20) + 1;
	control->size = control->pages_offset +
			(uint64_t)control->page_size * control->page_count;
}

static void obey(const char *line)
{
	struct tw_ring_control *control = options.memory;

	if (strcmp(line, "boot\n") == 0)
		boot(0);
	else if (strcmp(line, "on\n") == 0)
		boot(TW_GUEST_EVENTS_ON);
	else if (strncmp(line, "emit ", 5) == 0)
		emit(strtoull(line + 5, NULL, 10), 0), puts("emitted");
	else if (strncmp(line, "pause ", 6) == 0)
		emit(strtoull(line + 6, NULL, 10), 1000), puts("emitted");
	else if (strcmp(line, "flow\n") == 0)
		flow();
	else if (strcmp(line, "wait\n") == 0)
		wait_until_on();
	else if (strcmp(line, "poke\n") == 0)
		memset(options.memory, 0, 64), puts("poked");
	else if (strcmp(line, "clear\n") == 0)
		memset(memory, 0, memory_size), puts("cleared");
	else if (strcmp(line, "groups\n") == 0)
		control->group_count = UINT32_MAX, puts("lied");
	else if (strcmp(line, "pages\n") == 0)
		split_pages(control), puts("split");
	else if (strcmp(line, "last\n") == 0)
		control->generation = UINT32_MAX, puts("counted");
	else if (strcmp(line, "stop\n") == 0)
		tw_guest_stop(), puts("stopped");
	else
		puts("what?");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct tw_group *const groups[] = {&tw_group_emitter};
	char line[128];

	if (argc != 5 || map_memory(argv[1])) {
		fputs("usage: player FILE|- OFFSET SIZE NAME\n", stderr);
		return 98;
	}
	options = (struct tw_guest_options){
		.memory = memory + strtoul(argv[2], NULL, 0),
		.size = strtoul(argv[3], NULL, 0),
		.name = argv[4],
		.groups = groups,
		.group_count = 1,
	};
	/* A counter that nobody but the firmware knows. */
	if (getenv("PLAYER_OWN_CLOCK"))
		options.clock_kind = TW_CLOCK_OTHER;
	if (getenv("PLAYER_DISCARD"))
		options.mode = TW_RING_DISCARD;
	/* Forgotten, it ends. */
	alarm(300);
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "quit\n") != 0)
		obey(line);
	return 0;
}
