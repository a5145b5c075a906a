/* SPDX-License-Identifier: MIT */
/* What a constraint and a query cost, in ns, and the memory of it all. */
#include "../../../src/clock/clock.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define CONSTRAINTS 1000000
#define QUERIES 10000000
#define TICKS 3000000

static double now(void)
{
	struct timespec ts;

	/* Others may be running. */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t delay(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return 100 + (*seed >> 33) % (*seed >> 60 ? 300 : 5000);
}

int main(void)
{
	const struct tw_clock_options options = {0};
	struct tw_clock_bounds bounds;
	const size_t before = mallinfo2().uordblks;
	double add, table, query;
	uint64_t seed = 1, i, sum = 0, t;
	struct tw_clock *clock;

	if (tw_clock_create(&options, &clock))
		return 1;
	add = now();
	for (i = 1; i <= CONSTRAINTS; i++) {
		t = 1000000000 + i * TICKS / 3;
		tw_clock_exchange(clock, i * TICKS, t - delay(&seed),
				  t + delay(&seed));
	}
	add = now() - add;
	table = now();
	tw_clock_bounds(clock, 0, TICKS, &bounds);
	table = now() - table;
	query = now();
	for (i = 0; i < QUERIES; i++) {
		tw_clock_bounds(clock, 0, TICKS + i * (TICKS / 10), &bounds);
		sum += bounds.centre;
	}
	query = now() - query;
	printf("constraint: %.0f ns\ntable: %.2f ms\nquery: %.1f ns\n"
	       "memory: %zu KiB\n",
	       add / CONSTRAINTS, table / 1e6, query / QUERIES,
	       (mallinfo2().uordblks - before) / 1024);
	tw_clock_destroy(clock);
	return sum == 0;
}
