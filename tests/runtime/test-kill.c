/* SPDX-License-Identifier: MIT */
/*
 * A program is killed at a random moment while four of its threads emit, again
 * and again. Its ring must read whole: every event whose call had returned and
 * that the ring still covers is there, in its order, with its values.
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

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS 300

/* The longest life, long enough for the ring to be used more than once. */
#ifdef TEST_SANITIZED
#define LONGEST_US 30000
#else
#define LONGEST_US 3000
#endif

struct round {
	struct traced_dir dir;
	uint64_t *counts; /* events that had returned, a thread each */
	char file[96];
	/* Found in the ring, a thread each. */
	uint64_t first[THREADS];
	uint64_t next[THREADS];
	uint64_t found[THREADS];
	unsigned gaps;
};

/*
 * A thread that was stopped after it had taken its ticket, and before it
 * claimed that ticket's page, has left what was the oldest page as it was,
 * while others went on around the ring. So each thread may leave one page that
 * is older than what the ring still covers, and behind it events are missing.
 */
static void on_gap(struct round *round, uint64_t thread, uint64_t number)
{
	assert_true(number > round->next[thread]);
	assert_true(++round->gaps <= THREADS);
	round->first[thread] = number;
}

static void on_event(void *context, const struct audit_event *event)
{
	struct round *round = context;
	const uint64_t thread = event->values[0].u;
	const uint64_t number = event->values[1].u;

	assert_string_equal(event->name, "count");
	assert_true(thread < THREADS);
	assert_true(event->values[2].u == check_of(thread, number));
	if (!round->found[thread]++)
		round->first[thread] = number;
	else if (number != round->next[thread])
		on_gap(round, thread, number);
	round->next[thread] = number + 1;
}

/*
 * The call of at most one event a thread had not returned. A thread that was
 * stopped between two pages, for so long that the others went once around the
 * ring, has nothing left in it; any other has its newest.
 */
static void check_threads(const struct round *round, struct audit *audit)
{
	uint64_t returned = 0;
	unsigned i;

	for (i = 0; i < THREADS; i++) {
		returned += round->counts[i];
		if (round->found[i]) {
			assert_true(round->next[i] >= round->counts[i]);
			assert_true(round->next[i] <= round->counts[i] + 1);
		}
	}
	assert_true(audit->written + audit->discarded >= returned);
	assert_true(audit->written + audit->discarded <= returned + THREADS);
}

static void check_pages(struct audit *audit)
{
	const uint32_t pages = audit->reader.control.page_count;
	const uint32_t head = audit->reader.control.head;
	const uint32_t used = head < pages ? head : pages;

	assert_true(audit->claimed <= THREADS);
	assert_true(audit->readable + THREADS >= used);
}

static void run_round(struct round *round)
{
	struct traced traced;
	struct timespec life = {0, rand() % (LONGEST_US * 1000)};
	struct audit audit;

	memset(round->counts, 0, 4096);
	memset(round->found, 0, sizeof(round->found));
	round->gaps = 0;
	TRACED_START(&traced, &round->dir,
		     .arguments = {"program-kill", round->file},
		     .environment = {"TRACKWAY_EVENTS=*",
				     "TRACKWAY_RING_SIZE=256K"});
	traced_expect(&traced, "started");
	nanosleep(&life, NULL);
	traced_kill(&traced);
	audit_all(&audit, traced_dir_ring(&round->dir, traced.pid), on_event,
		  round);
	check_threads(round, &audit);
	check_pages(&audit);
	audit_close(&audit);
}

static void killed_at_any_moment(void **state)
{
	const unsigned seed = (unsigned)time(NULL);
	struct round round = {0};
	uint64_t wrapped = 0, events = 0;
	unsigned i, j;
	int fd;

	print_message("seed %u\n", seed);
	srand(seed);
	traced_dir_create(&round.dir);
	snprintf(round.file, sizeof(round.file), "%s/counts", round.dir.path);
	fd = open(round.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 4096), 0);
	round.counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);
	assert_ptr_not_equal(round.counts, MAP_FAILED);
	close(fd);
	for (i = 0; i < scaled(ROUNDS * 4) && i < ROUNDS; i++) {
		run_round(&round);
		for (j = 0; j < THREADS; j++) {
			events += round.counts[j];
			wrapped += round.found[j] && round.first[j] > 0;
		}
	}
	print_message("%" PRIu64 " events had returned\n", events);
#ifndef TEST_SANITIZED
	/* Or the rounds were of no use. */
	assert_true(wrapped > 0);
#endif
	munmap(round.counts, 4096);
	traced_dir_remove(&round.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
