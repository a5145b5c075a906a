/* SPDX-License-Identifier: MIT */
/* The dotfile: what is written comes back; what is cut or wrong is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/trace/dotfile.h"
#include "../../../src/trace/replace.h"
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
	struct fixture f;
	int dirfd;
	uint8_t *data;
	size_t size;
};

static void load(struct rig *rig)
{
	int fd = openat(rig->dirfd, TW_DOTFILE_NAME, O_RDONLY);
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	rig->size = (size_t)status.st_size;
	rig->data = malloc(rig->size);
	assert_int_equal(read(fd, rig->data, rig->size), rig->size);
	close(fd);
}

static void write_one(struct rig *rig)
{
	struct tw_dotfile_group groups[2] = {
		{.id_base = 0,
		 .event_count = 3,
		 .blob = "12345",
		 .blob_size = 5},
		{.id_base = 65534, .event_count = 1},
	};
	struct tw_dotfile_sync sync = {TW_SYNC_RECORDER, {1, 2, 3}};
	struct tw_dotfile_lane lanes[3] = {
		{.lane = 1,
		 .tid = 2,
		 .level = 3,
		 .name = "a-name-of-16-byt",
		 .base = 4,
		 .recorded = 5,
		 .lost = 6,
		 .lost_tail = 7,
		 .discarded = 8,
		 .discarded_tail = 9},
		{.lane = 5},
		{.lane = 6, .name = "x"},
	};
	struct tw_dotfile_pair pairs[] = {
		{TW_PAIR_LOWER, 31, 32, 0},
		{TW_PAIR_BREAK, 0, 0, 0},
		{TW_PAIR_EXCHANGE, 33, 34, UINT64_C(1) << 41},
	};
	struct tw_dotfile_span spans[] = {
		{51, 52, 53, 54, 55},
		{56, 57, 58, 59, UINT64_C(1) << 42},
	};
	const struct tw_dotfile dotfile = {
		.raw_control = rig->f.memory,
		.raw_control_size = sizeof(struct tw_ring_control),
		.hz = 2500000000,
		.base_ticks = 11,
		.base_ns = 12,
		.complete = 1,
		.no_lane = 13,
		.broken = 14,
		.groups = groups,
		.group_count = 2,
		.syncs = &sync,
		.sync_count = 1,
		.lanes = lanes,
		.lane_count = 3,
		.guest = {.epoch = 21,
			  .generation = 22,
			  .place = UINT64_C(1) << 40,
			  .gone = 1},
		.clock = {.is_known = true,
			  .hz = 41,
			  .tolerance_ppb = 42,
			  .drift_ppb = 43,
			  .step = 44,
			  .flags = 1,
			  .first_real_ns = 45,
			  .last_real_ns = 46,
			  .end_ns = 47,
			  .confirmed_ns = 48,
			  .pairs = pairs,
			  .pair_count = 3,
			  .spans = spans,
			  .span_count = 2},
	};

	assert_int_equal(tw_dotfile_write(rig->dirfd, &dotfile), 0);
}

static int create(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	fixture_create(&rig->f, 512, 8, TW_RING_OVERWRITE);
	rig->dirfd = open(rig->f.directory, O_RDONLY | O_DIRECTORY);
	write_one(rig);
	load(rig);
	*state = rig;
	return rig->dirfd < 0;
}

static int destroy(void **state)
{
	struct rig *rig = *state;

	close(rig->dirfd);
	free(rig->data);
	fixture_destroy(&rig->f);
	free(rig);
	return 0;
}

static void test_round_trip(void **state)
{
	struct rig *rig = *state;
	struct tw_dotfile dotfile;
	const char *why;

	assert_int_equal(tw_dotfile_read(rig->dirfd, &dotfile, &why), 0);
	assert_int_equal(dotfile.hz, 2500000000);
	assert_int_equal(dotfile.base_ticks, 11);
	assert_int_equal(dotfile.base_ns, 12);
	assert_int_equal(dotfile.complete, 1);
	assert_int_equal(dotfile.no_lane, 13);
	assert_int_equal(dotfile.broken, 14);
	assert_false(dotfile.swap);
	assert_string_equal((char *)dotfile.control.name, "fixture");
	assert_int_equal(dotfile.control.pid, 4194304);
	assert_int_equal(dotfile.raw_control_size,
			 sizeof(struct tw_ring_control));
	assert_memory_equal(dotfile.raw_control, rig->f.memory,
			    sizeof(struct tw_ring_control));
	assert_int_equal(dotfile.group_count, 2);
	assert_int_equal(dotfile.groups[0].blob_size, 5);
	assert_memory_equal(dotfile.groups[0].blob, "12345", 5);
	assert_int_equal(dotfile.groups[1].id_base, 65534);
	assert_int_equal(dotfile.sync_count, 1);
	assert_int_equal(dotfile.syncs[0].source, TW_SYNC_RECORDER);
	assert_int_equal(dotfile.syncs[0].moment.real_ns, 3);
	assert_int_equal(dotfile.lane_count, 3);
	assert_string_equal(dotfile.lanes[0].name, "a-name-of-16-byt");
	assert_int_equal(dotfile.lanes[0].base, 4);
	assert_int_equal(dotfile.lanes[0].recorded, 5);
	assert_int_equal(dotfile.lanes[0].lost, 6);
	assert_int_equal(dotfile.lanes[0].lost_tail, 7);
	assert_int_equal(dotfile.lanes[0].discarded, 8);
	assert_int_equal(dotfile.lanes[0].discarded_tail, 9);
	assert_int_equal(dotfile.lanes[2].lane, 6);
	assert_int_equal(dotfile.guest.epoch, 21);
	assert_int_equal(dotfile.guest.generation, 22);
	assert_int_equal(dotfile.guest.place, UINT64_C(1) << 40);
	assert_int_equal(dotfile.guest.gone, 1);
	assert_true(dotfile.clock.is_known);
	assert_int_equal(dotfile.clock.hz, 41);
	assert_int_equal(dotfile.clock.tolerance_ppb, 42);
	assert_int_equal(dotfile.clock.drift_ppb, 43);
	assert_int_equal(dotfile.clock.step, 44);
	assert_int_equal(dotfile.clock.flags, 1);
	assert_int_equal(dotfile.clock.first_real_ns, 45);
	assert_int_equal(dotfile.clock.last_real_ns, 46);
	assert_int_equal(dotfile.clock.end_ns, 47);
	assert_int_equal(dotfile.clock.confirmed_ns, 48);
	assert_int_equal(dotfile.clock.pair_count, 3);
	assert_int_equal(dotfile.clock.pairs[1].kind, TW_PAIR_BREAK);
	assert_int_equal(dotfile.clock.pairs[2].kind, TW_PAIR_EXCHANGE);
	assert_int_equal(dotfile.clock.pairs[2].ticks, 33);
	assert_int_equal(dotfile.clock.pairs[2].from_ns, 34);
	assert_int_equal(dotfile.clock.pairs[2].to_ns, UINT64_C(1) << 41);
	assert_int_equal(dotfile.clock.span_count, 2);
	assert_int_equal(dotfile.clock.spans[0].lane, 51);
	assert_int_equal(dotfile.clock.spans[0].begin, 52);
	assert_int_equal(dotfile.clock.spans[0].end, 53);
	assert_int_equal(dotfile.clock.spans[0].from_ns, 54);
	assert_int_equal(dotfile.clock.spans[0].to_ns, 55);
	assert_int_equal(dotfile.clock.spans[1].to_ns, UINT64_C(1) << 42);
	tw_dotfile_free(&dotfile);
}

/* Cut off between chunks it is whole but for those; elsewhere it is broken. */
static void test_cut_off_at_any_byte(void **state)
{
	struct rig *rig = *state;
	struct tw_dotfile dotfile;
	const char *why;
	int whole = 0;
	int error;

	for (size_t size = 0; size < rig->size; size++) {
		error = tw_dotfile_parse(rig->data, size, &dotfile, &why);
		if (error) {
			assert_int_equal(error, -EBADMSG);
			assert_non_null(why);
			continue;
		}
		assert_null(why);
		whole++;
		tw_dotfile_free(&dotfile);
	}
	/* After the clock: a sync, two groups, three lanes. Padding may go. */
	assert_in_range(whole, 7, 20);
}

static void test_flipped_bytes(void **state)
{
	struct rig *rig = *state;
	uint8_t *bad = malloc(rig->size);
	struct tw_dotfile dotfile;
	unsigned seed = 5;
	const char *why;
	int refused = 0;

	for (int n = 0; n < 10000; n++) {
		memcpy(bad, rig->data, rig->size);
		for (int flips = rand_r(&seed) % 3; flips >= 0; flips--)
			bad[(size_t)rand_r(&seed) % rig->size] = (uint8_t)
				rand_r(&seed);
		if (tw_dotfile_parse(bad, rig->size, &dotfile, &why))
			refused++;
		else
			tw_dotfile_free(&dotfile);
	}
	assert_true(refused > 300);
	free(bad);
}

/* The blob's size lies: by little, and so that a sum would wrap. */
static void test_group_sizes(void **state)
{
	static const uint64_t sizes[] = {6, 1 << 20, UINT64_MAX - 15,
					 UINT64_MAX};
	struct rig *rig = *state;
	uint8_t *bad = malloc(rig->size);
	struct tw_dotfile dotfile;
	const char *why;
	size_t at = 16;
	uint64_t length;

	memcpy(bad, rig->data, rig->size);
	while (bad[at] != 2) {
		memcpy(&length, bad + at + 8, 8);
		at += 16 + (size_t)(length + 7) / 8 * 8;
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memcpy(bad + at + 16 + 8, &sizes[i], 8);
		assert_int_equal(
			tw_dotfile_parse(bad, rig->size, &dotfile, &why),
			-EBADMSG);
		assert_string_equal(why, "a group is too short");
	}
	free(bad);
}

/* A later minor version: unknown chunks, longer ones, a greater number. */
static void test_newer_minor(void **state)
{
	struct rig *rig = *state;
	uint8_t *more = malloc(rig->size + 40);
	static const uint8_t unknown[40] = {99, 0, 0, 0, 0, 0, 0, 0, 20};
	struct tw_dotfile dotfile;
	const char *why;

	memcpy(more, rig->data, 16);
	memcpy(more + 16, unknown, 40);
	memcpy(more + 56, rig->data + 16, rig->size - 16);
	more[10] = 7;
	assert_int_equal(tw_dotfile_parse(more, rig->size + 40, &dotfile, &why),
			 0);
	assert_int_equal(dotfile.lane_count, 3);
	tw_dotfile_free(&dotfile);
	more[8] = 2;
	assert_int_equal(tw_dotfile_parse(more, rig->size + 40, &dotfile, &why),
			 -EPROTONOSUPPORT);
	free(more);
}

static void test_replacing(void **state)
{
	struct rig *rig = *state;
	struct stat status;
	char long_name[300];

	assert_int_equal(tw_file_replace(rig->dirfd, "some", "abc", 3), 0);
	assert_int_equal(tw_file_replace(rig->dirfd, "some", "de", 2), 0);
	assert_int_equal(fstatat(rig->dirfd, "some", &status, 0), 0);
	assert_int_equal(status.st_size, 2);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(fstatat(rig->dirfd, ".some.new", &status, 0), -1);
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(tw_file_replace(rig->dirfd, long_name, "a", 1),
			 -ENAMETOOLONG);
	/* What can't be replaced stays, and nothing is left beside it. */
	assert_int_equal(mkdirat(rig->dirfd, "full", 0700), 0);
	assert_int_equal(mkdirat(rig->dirfd, "full/x", 0700), 0);
	assert_int_equal(tw_file_replace(rig->dirfd, "full", "a", 1), -EISDIR);
	assert_int_equal(fstatat(rig->dirfd, ".full.new", &status, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut_off_at_any_byte),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_group_sizes),
		cmocka_unit_test(test_newer_minor),
		cmocka_unit_test(test_replacing),
	};

	return cmocka_run_group_tests(tests, create, destroy);
}
