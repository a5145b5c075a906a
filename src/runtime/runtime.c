/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping: the ring is made when the first group registers, and
 * closed by the library's destructor. Called by group.c and by the program.
 */
#include "runtime.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

struct tw_runtime tw_runtime = {
	.state = TW_RUNTIME_NEW,
	.mutex = PTHREAD_MUTEX_INITIALIZER,
};

static void append(char *line, size_t *used, const char *text)
{
	while (*text && *used < TW_ERROR_SIZE - 1)
		line[(*used)++] = *text++;
	line[*used] = 0;
}

void tw_runtime_fail(const char *what, const char *detail, int error)
{
	/* A table of our own: strerror() is not for signal handlers. */
	const char *name = error ? strerrorname_np(error) : NULL;
	size_t used = 0;

	append(tw_runtime.error, &used, what);
	if (detail) {
		append(tw_runtime.error, &used, ": ");
		append(tw_runtime.error, &used, detail);
	}
	if (name) {
		append(tw_runtime.error, &used, ": ");
		append(tw_runtime.error, &used, name);
	}
}

static uint64_t process_start(void)
{
	char stat[1024];
	const char *at;
	ssize_t size;
	int field;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	size = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (size <= 0)
		return 0;
	stat[size] = 0;
	/* The name, field 2, may hold anything but ends at the last ')'. */
	at = strrchr(stat, ')');
	for (field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

static void make_uuid(uint8_t uuid[16])
{
	uint64_t word[2] = {tw_clock_now(), (uint64_t)tw_runtime.pid};

	if (getrandom(uuid, 16, GRND_NONBLOCK) != 16)
		memcpy(uuid, word, 16);
	/* RFC 4122: version 4, variant 1. */
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void tw_runtime_fill_control(struct tw_ring_control *control)
{
	const struct tw_settings *settings = &tw_runtime.settings;

	make_uuid(control->uuid);
	control->generation = tw_runtime.generation;
	/* Its readers' processes are others, on another system. */
	if (!settings->place[0]) {
		control->pid = (uint32_t)tw_runtime.pid;
		control->pid_start = process_start();
	}
	control->mode = settings->mode;
	control->block_ms = settings->block_ms;
	control->clock_kind = tw_runtime.clock_kind;
	control->clock_hz = tw_runtime.clock_kind == TW_CLOCK_MONOTONIC
				    ? 1000000000
				    : 0;
	memcpy(control->name, settings->name, sizeof(control->name));
	tw_clock_moment(&control->sync_first);
	control->sync_last = control->sync_first;
}

/* As large as leaves a few hundred of them, for cheap page turns. */
uint32_t tw_runtime_page_size(uint64_t ring_size)
{
	return ring_size < (1u << 20)	? 16u << 10
	       : ring_size < (8u << 20) ? 32u << 10
					: 64u << 10;
}

static int choose_layout(void)
{
	struct tw_ring_layout *layout = &tw_runtime.layout;
	uint64_t size = tw_runtime.settings.ring_size;

	layout->control_size = sizeof(struct tw_ring_control);
	layout->lane_count = TW_LANES;
	layout->group_capacity = TW_GROUPS;
	layout->heap_size = TW_HEAP_SIZE;
	layout->align = (uint64_t)sysconf(_SC_PAGESIZE);
	layout->page_size = tw_runtime_page_size(size);
	if (size / layout->page_size > UINT32_MAX / 2)
		return -1;
	layout->page_count = (uint32_t)(size / layout->page_size);
	return tw_ring_layout(layout);
}

/* A file's memory; NULL with errno and the error kept. */
static void *make_file(void)
{
	if (choose_layout()) {
		tw_runtime_fail("impossible ring size", NULL, EINVAL);
		errno = EINVAL;
		return NULL;
	}
	tw_runtime.generation = 1;
	tw_ring_file_tidy();
	return tw_ring_file_create();
}

static int start(void)
{
	void *memory;

	tw_clock_choose();
	tw_runtime.pid = getpid();
	memory = tw_runtime.settings.place[0] ? tw_ring_place_take()
					      : make_file();
	if (!memory)
		return -errno;
	tw_ring_init(&tw_runtime.ring, memory, &tw_runtime.layout);
	tw_runtime_fill_control(tw_runtime.ring.control);
	tw_ring_handle(&tw_runtime.ring, memory);
	tw_runtime.ring.prepare_page = tw_ring_file_prepare_page;
	tw_runtime.heap_used = 0;
	if (tw_lanes_create() || tw_fork_install()) {
		tw_runtime_fail("no memory for lanes", NULL, ENOMEM);
		tw_ring_file_remove();
		return -ENOMEM;
	}
	tw_runtime.error[0] = 0;
	tw_ring_publish(&tw_runtime.ring);
	tw_store_release(&tw_runtime.state, TW_RUNTIME_READY);
	tw_group_add_all();
	return 0;
}

void tw_runtime_begin(void)
{
	struct tw_settings *settings = &tw_runtime.settings;

	if (tw_runtime.state != TW_RUNTIME_NEW)
		return;
	tw_settings_defaults(settings);
	if (tw_settings_read(settings)) {
		tw_runtime.state = TW_RUNTIME_FAILED;
	} else if (settings->off) {
		tw_runtime_fail("switched off by TRACKWAY=off", NULL, 0);
		tw_runtime.state = TW_RUNTIME_FAILED;
	} else if (settings->manual) {
		tw_runtime_fail("not started: TRACKWAY=manual", NULL, 0);
	} else if (start()) {
		tw_runtime.state = TW_RUNTIME_FAILED;
	}
}

static int take_options(const struct tw_runtime_options *options)
{
	struct tw_settings *settings = &tw_runtime.settings;

	if (options->mode && tw_settings_parse_mode(settings, options->mode)) {
		tw_runtime_fail("unknown mode", options->mode, 0);
		return -EINVAL;
	}
	if (options->ring_size) {
		if (options->ring_size < TW_RING_SIZE_MIN ||
		    options->ring_size > TW_RING_SIZE_LARGEST) {
			tw_runtime_fail("impossible ring size", NULL, EINVAL);
			return -EINVAL;
		}
		settings->ring_size = options->ring_size;
	}
	if (options->events &&
	    tw_settings_copy(settings->patterns, sizeof(settings->patterns),
			     options->events))
		return -EINVAL;
	if (options->directory &&
	    tw_settings_copy(settings->directory, sizeof(settings->directory),
			     options->directory))
		return -EINVAL;
	if (options->ring &&
	    tw_settings_copy(settings->place, sizeof(settings->place),
			     options->ring))
		return -EINVAL;
	if (options->name)
		tw_settings_set_name(settings, options->name);
	return 0;
}

static bool is_running(void)
{
	uint32_t state = tw_load_acquire(&tw_runtime.state);

	return state == TW_RUNTIME_READY || state == TW_RUNTIME_FORKED ||
	       state == TW_RUNTIME_MOVING;
}

int tw_runtime_start(const struct tw_runtime_options *options)
{
	static const struct tw_runtime_options defaults;
	struct tw_runtime_options full = defaults;
	int error = -EALREADY;

	if (options)
		memcpy(&full, options,
		       options->size < sizeof(full) ? options->size
						    : sizeof(full));
	pthread_mutex_lock(&tw_runtime.mutex);
	if (!is_running()) {
		tw_settings_defaults(&tw_runtime.settings);
		error = take_options(&full);
		if (!error)
			error = start();
		if (error)
			tw_runtime.state = TW_RUNTIME_FAILED;
	}
	pthread_mutex_unlock(&tw_runtime.mutex);
	return error;
}

void tw_runtime_wake(struct tw_ring *ring)
{
	if (tw_ring_take_waiters(ring))
		syscall(SYS_futex, &ring->control->head, FUTEX_WAKE, INT_MAX,
			NULL, NULL, 0);
}

void tw_runtime_settle_missed(void)
{
	uint32_t count;

	/* (N) with the one in tw_runtime_count_missed(): this side has stored
	 * the state and looks at the count, the other has stored the count and
	 * looks at the state, so that one of the two sees both. */
	tw_fence_seq_cst();
	count = tw_exchange_relaxed(&tw_runtime.missed, 0);
	for (; count; count--)
		tw_writer_discard(&tw_runtime.ring, NULL);
}

void tw_runtime_count_missed(void)
{
	const uint32_t state = tw_load_acquire(&tw_runtime.state);

	if (state != TW_RUNTIME_MOVING && state != TW_RUNTIME_READY)
		return;
	tw_add_relaxed(&tw_runtime.missed, 1);
	tw_fence_seq_cst(); /* (N) */
	if (tw_load_acquire(&tw_runtime.state) == TW_RUNTIME_READY)
		tw_runtime_settle_missed();
}

/* The ring stays readable by whoever has it open. */
static void close_ring(void)
{
	struct tw_ring_control *control = tw_runtime.ring.control;
	uint32_t flags = tw_load_relaxed(&control->flags) | TW_RING_CLOSED;

	if (tw_runtime.settings.keep)
		flags |= TW_RING_KEPT;
	tw_clock_refresh(control, tw_clock_now(), true);
	tw_store_release(&control->flags, flags);
	tw_runtime_wake(&tw_runtime.ring);
	tw_ring_file_remove();
}

void tw_runtime_stop(void)
{
	struct tw_group *group;

	pthread_mutex_lock(&tw_runtime.mutex);
	/* In a child: the parent's switches are not ours to turn. */
	tw_fork_move();
	free(tw_runtime.applied);
	tw_runtime.applied = NULL;
	if (tw_load_acquire(&tw_runtime.state) == TW_RUNTIME_READY) {
		tw_group_set_all_off();
		/* Nor on again by a reader that still has the ring. */
		for (group = tw_runtime.groups; group; group = group->next)
			tw_group_unmap(group);
		tw_store_release(&tw_runtime.state, TW_RUNTIME_STOPPED);
		tw_lanes_void();
		close_ring();
		tw_runtime_fail("stopped by tw_runtime_stop()", NULL, 0);
	}
	pthread_mutex_unlock(&tw_runtime.mutex);
}

const char *tw_runtime_error(void)
{
	return is_running() || !tw_runtime.error[0] ? NULL : tw_runtime.error;
}

const char *tw_runtime_path(void)
{
	return is_running() ? tw_runtime.path : NULL;
}

const void *tw_runtime_ring(size_t *size)
{
	if (!is_running())
		return NULL;
	if (size)
		*size = tw_runtime.layout.size;
	return tw_runtime.ring.base;
}

/* Threads may still be writing: the memory stays, only the file goes. */
__attribute__((destructor)) static void at_exit(void)
{
	uint32_t state = tw_load_acquire(&tw_runtime.state);

	if (state == TW_RUNTIME_READY && tw_runtime.pid == getpid())
		close_ring();
	else if (state == TW_RUNTIME_FORKED)
		tw_fork_leave();
}
