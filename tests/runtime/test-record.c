/* SPDX-License-Identifier: MIT */
/*
 * One thread at full speed, 50 million events in bursts of a million, and
 * trackway record in another process. With a ring that holds a burst, nothing
 * is lost, however slow the recorder; with any ring the counts are exact.
 */
/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ring-audit.h"
#include "step.h"
#include "traced.h"

#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BURSTS 50
#define BURST 1000000
#define EVENT_SIZE (8 + 3 * 4) /* bytes in a page */
#define PAGE_SIZE (64 << 10)

static char trackway[PATH_MAX];

struct places {
	struct traced_dir rings;
	struct traced_dir trace;
	char path[80]; /* of the trace */
};

static int create(void **state)
{
	static struct places places;

	traced_dir_create(&places.rings);
	traced_dir_create(&places.trace);
	snprintf(places.path, sizeof(places.path), "%s/trace",
		 places.trace.path);
	*state = &places;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *walk)
{
	return remove(path);
}

static int destroy(void **state)
{
	const struct places *places = *state;

	nftw(places->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	traced_dir_remove(&places->trace);
	traced_dir_remove(&places->rings);
	return 0;
}

/* How many bursts there is room for on the disk, twice over. */
static uint64_t choose_bursts(const struct places *places)
{
	const uint64_t wanted = scaled(BURSTS);
	struct statvfs vfs;
	uint64_t room;

	assert_int_equal(statvfs(places->trace.path, &vfs), 0);
	room = vfs.f_bavail * vfs.f_frsize / (2 * BURST * EVENT_SIZE);
	if (room < wanted)
		print_message("room for %" PRIu64 " bursts only\n", room);
	return room < wanted ? room : wanted;
}

static void start(struct traced *traced, struct places *places, uint64_t bursts,
		  const char *ring_size, const char *stop)
{
	static char program[PATH_MAX];
	char burst_text[24], event_text[24];

	strcpy(program, traced_program("program-burst"));
	snprintf(burst_text, sizeof(burst_text), "%" PRIu64, bursts);
	snprintf(event_text, sizeof(event_text), "%d", BURST);
	TRACED_START(traced, &places->rings,
		     .arguments = {trackway, "record", "-o", places->path,
				   "--ring-size", ring_size, "--", program,
				   burst_text, event_text, stop});
}

/* What the finished recording holds. */
static void count(struct places *places, uint64_t *found, uint64_t *lost)
{
	struct traced traced;
	json_t *stat, *producers, *producer;
	json_error_t error;

	TRACED_START(&traced, &places->rings,
		     .arguments = {trackway, "stat", "--json", places->path});
	stat = json_loadf(traced.from, 0, &error);
	if (!stat)
		fail_msg("stat --json: %s", error.text);
	assert_int_equal(traced_end(&traced), 0);
	producers = json_object_get(stat, "producers");
	assert_int_equal(json_array_size(producers), 1);
	producer = json_array_get(producers, 0);
	assert_true(json_is_integer(json_object_get(producer, "count")));
	assert_true(json_is_integer(json_object_get(producer, "lost")));
	*found = (uint64_t)json_integer_value(
		json_object_get(producer, "count"));
	*lost = (uint64_t)json_integer_value(json_object_get(producer, "lost"));
	json_decref(stat);
}

static uint64_t bytes_there;

static int add_size(const char *path, const struct stat *st, int kind,
		    struct FTW *walk)
{
	if (kind == FTW_F)
		bytes_there += (uint64_t)st->st_size;
	return 0;
}

/* Until the recorder has all but what is in a page that is not full yet. */
static void wait_for_recorder(const struct places *places, uint64_t events)
{
	do {
		usleep(1000);
		bytes_there = 0;
		nftw(places->path, add_size, 8, FTW_PHYS);
	} while (bytes_there + 2 * PAGE_SIZE < events * EVENT_SIZE);
}

static void a_burst_at_a_time_nothing_is_lost(void **state)
{
	struct places *places = *state;
	const uint64_t bursts = choose_bursts(places);
	struct traced traced;
	uint64_t i, found, lost;

	start(&traced, places, bursts, "64M", "stop");
	for (i = 1; i <= bursts; i++) {
		assert_int_equal(traced_number(&traced, "returned"), i * BURST);
		wait_for_recorder(places, i * BURST);
		traced_go(&traced);
	}
	assert_int_equal(traced_number(&traced, "returned"), bursts * BURST);
	assert_int_equal(traced_end(&traced), 0);
	count(places, &found, &lost);
	assert_int_equal(found, bursts * BURST);
	assert_int_equal(lost, 0);
}

static void finish_exact(struct traced *traced, struct places *places,
			 uint64_t bursts, const char *ring_size, uint64_t *lost)
{
	uint64_t found;

	assert_int_equal(traced_number(traced, "returned"), bursts * BURST);
	assert_int_equal(traced_end(traced), 0);
	count(places, &found, lost);
	print_message("ring of %s: %" PRIu64 " recorded, %" PRIu64 " lost\n",
		      ring_size, found, *lost);
	assert_int_equal(found + *lost, bursts * BURST);
}

static void at_full_speed_the_counts_are_exact(void **state)
{
	struct places *places = *state;
	const uint64_t bursts = choose_bursts(places);
	struct traced traced;
	uint64_t lost;

	start(&traced, places, bursts, "256M", NULL);
	finish_exact(&traced, places, bursts, "256M", &lost);
}

/* In one burst the recorder has no processor at all, in the others as it may
 * come. */
static void with_too_small_a_ring_too(void **state)
{
	const uint64_t bursts = 10;
	struct places *places = *state;
	struct traced traced;
	uint64_t lost, i;

	start(&traced, places, bursts, "64K", "stop");
	for (i = 1; i <= bursts; i++) {
		assert_int_equal(traced_number(&traced, "returned"), i * BURST);
		if (i == bursts / 2)
			assert_int_equal(kill(traced.pid, SIGSTOP), 0);
		if (i == bursts / 2 + 1)
			assert_int_equal(kill(traced.pid, SIGCONT), 0);
		traced_go(&traced);
	}
	finish_exact(&traced, places, bursts, "64K", &lost);
	assert_true(lost > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_at_a_time_nothing_is_lost),
		TEST(at_full_speed_the_counts_are_exact),
		TEST(with_too_small_a_ring_too),
	};

	if (argc < 2 || !realpath(argv[1], trackway)) {
		fputs("usage: test-record TRACKWAY\n", stderr);
		return 2;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
