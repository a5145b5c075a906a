/* SPDX-License-Identifier: MIT */
/*
 * Whether bounds hold, where that can be known: the counter of a guest under
 * QEMU's TCG is the host's own less a constant K. Each exchange says between
 * which values K lies, all of them together that nearly to a number. Each
 * exchange's bounds, as src/clock has them in the end, must have all of that
 * inside.
 *
 * usage: check-truth TARGET EXCHANGES
 */
#include "../../../src/attach/sync.h"
#include "../../../src/clock/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#define LIMIT_NS 60000000000u
#define PAIR_WIDTH_NS 150 /* of a good pair: by twice that the test may err */

/* The host's two clocks at once. */
struct pair {
	int64_t ns;
	int64_t tsc;
};

struct run {
	struct tw_attach_exchange *exchanges;
	size_t count;
	struct pair *pairs;
	size_t pair_count;
	size_t pair; /* the one that was used last */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool take_pair(struct pair *pair)
{
	const int64_t before = now_ns();
	int64_t after;

	_mm_lfence();
	pair->tsc = (int64_t)__rdtsc();
	_mm_lfence();
	after = now_ns();
	pair->ns = before + (after - before) / 2;
	return after - before <= PAIR_WIDTH_NS;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "check-truth: %s%s%s\n", what, err ? ": " : "",
		err ? strerror(-err) : "");
	return 1;
}

static int measure(struct run *run, struct tw_attach *attach,
		   struct tw_clock *clock, size_t wanted)
{
	const int64_t until = now_ns() + (int64_t)LIMIT_NS;
	struct tw_attach_exchange *exchange;
	uint64_t near = 0;
	int err;

	while (run->count < wanted) {
		if (take_pair(&run->pairs[run->pair_count]))
			run->pair_count++;
		exchange = &run->exchanges[run->count];
		err = tw_attach_exchange(attach, 1000000000, NULL, exchange);
		if (err == -EAGAIN && now_ns() < until)
			continue;
		if (err)
			return fail("exchange", err);
		near = tw_attach_extend(exchange->counter, near);
		exchange->counter = near;
		if (tw_clock_exchange(clock, near, exchange->t1,
				      exchange->t2) != TW_CLOCK_FITS)
			return fail("an exchange contradicts the others", 0);
		run->count++;
		if (run->pair_count > 4 * wanted)
			return fail("hardly any answer", 0);
	}
	if (take_pair(&run->pairs[run->pair_count]))
		run->pair_count++;
	return 0;
}

/* The host's counter at a moment, between two pairs; false: outside. */
static bool tsc_at(struct run *run, uint64_t at, int64_t *tsc)
{
	const int64_t ns = (int64_t)at;
	const struct pair *pair;

	if (run->pair_count < 2 || ns < run->pairs[0].ns ||
	    ns >= run->pairs[run->pair_count - 1].ns)
		return false;
	while (run->pairs[run->pair].ns > ns)
		run->pair--;
	while (run->pairs[run->pair + 1].ns <= ns)
		run->pair++;
	pair = &run->pairs[run->pair];
	*tsc = pair->tsc +
	       (int64_t)((__int128)(ns - pair->ns) * (pair[1].tsc - pair->tsc) /
			 (pair[1].ns - pair->ns));
	return true;
}

/* K of a counter's value, if it was between from and to. */
static bool k_of(struct run *run, uint64_t g, uint64_t from, uint64_t to,
		 int64_t *low, int64_t *high)
{
	if (!tsc_at(run, from, low) || !tsc_at(run, to, high))
		return false;
	*low -= (int64_t)g;
	*high -= (int64_t)g;
	return true;
}

static int check(struct run *run, struct tw_clock *clock)
{
	const double ticks_ns = (double)(run->pairs[run->pair_count - 1].tsc -
					 run->pairs[0].tsc) /
				(double)(run->pairs[run->pair_count - 1].ns -
					 run->pairs[0].ns);
	const int64_t slack = (int64_t)(2 * PAIR_WIDTH_NS * ticks_ns);
	int64_t least = INT64_MIN, most = INT64_MAX, low, high;
	size_t inside = 0, outside = 0;

	for (size_t i = 0; i < run->count; i++) {
		const struct tw_attach_exchange *e = &run->exchanges[i];

		if (!k_of(run, e->counter, e->t1, e->t2, &low, &high))
			continue;
		least = low > least ? low : least;
		most = high < most ? high : most;
	}
	if (least > most + slack)
		return fail("no offset fits all exchanges", 0);
	for (size_t i = 0; i < run->count; i++) {
		const struct tw_attach_exchange *e = &run->exchanges[i];
		struct tw_clock_bounds bounds;

		if (tw_clock_when(clock, e->counter, 0, UINT64_MAX, &bounds))
			return fail("no bounds", 0);
		if (!k_of(run, e->counter, bounds.lo, bounds.hi, &low, &high))
			continue;
		if (low - slack <= least && high + slack >= most)
			inside++;
		else
			outside++;
	}
	printf("%zu bounds with the truth inside, %zu without; it is known "
	       "to %.0f ns\n",
	       inside, outside,
	       most > least ? (double)(most - least) / ticks_ns : 0.0);
	return outside || inside < run->count * 9 / 10;
}

int main(int argc, char **argv)
{
	const struct tw_clock_options options = {0};
	const size_t wanted = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct tw_attach_error error;
	struct tw_attach *attach;
	struct tw_clock *clock;
	struct run run = {0};
	int status;

	if (!wanted || wanted > 10000000)
		return fail("usage: check-truth TARGET EXCHANGES", 0);
	if (tw_attach_open(argv[1], true, &attach, &error))
		return fail(error.text, 0);
	run.exchanges = calloc(wanted, sizeof(*run.exchanges));
	run.pairs = calloc(4 * wanted + 2, sizeof(*run.pairs));
	if (!run.exchanges || !run.pairs || tw_clock_create(&options, &clock))
		return fail("out of memory", 0);
	status = measure(&run, attach, clock, wanted);
	if (!status && run.pair_count < 2)
		status = fail("the host's clocks can't be read at once", 0);
	if (!status)
		status = check(&run, clock);
	tw_clock_destroy(clock);
	free(run.exchanges);
	free(run.pairs);
	tw_attach_close(attach);
	return status;
}
