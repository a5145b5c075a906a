/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void sim_begin(struct sim *sim, const struct tw_clock_options *options,
	       uint64_t seed, uint64_t hz)
{
	*sim = (struct sim){.seed = seed, .hz = hz};
	sim->time = (__int128)1000000000000 << 16;
	sim->counter = (__int128)123456789012 << 48;
	sim->events = malloc(SIM_EVENTS_MAX * sizeof(*sim->events));
	assert_non_null(sim->events);
	assert_int_equal(tw_clock_create(options, &sim->clock), 0);
}

void sim_end(struct sim *sim)
{
	tw_clock_destroy(sim->clock);
	free(sim->events);
}

uint64_t sim_random(struct sim *sim, uint64_t below)
{
	/* splitmix64 */
	uint64_t z = sim->seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return below ? z % below : 0;
}

uint64_t sim_delay(struct sim *sim, uint64_t ns)
{
	const uint64_t luck = sim_random(sim, 100);

	if (luck == 0)
		return ns * 1000 + sim_random(sim, ns * 1000);
	if (luck < 20)
		return ns + sim_random(sim, ns * 20);
	return ns + sim_random(sim, ns);
}

void sim_advance(struct sim *sim, uint64_t ns)
{
	/* Not on whole ns only. */
	const __int128 by = ((__int128)ns << 16) +
			    (ns ? (int64_t)sim_random(sim, 1 << 16) : 0);
	const __int128 rate = (((__int128)sim->hz << 48) / 1000000000) *
			      (1000000000 + sim->ppb) / 1000000000;

	sim->time += by;
	sim->counter += by * rate >> 16;
}

void sim_jump(struct sim *sim, int64_t ticks)
{
	sim->counter += (__int128)ticks * ((__int128)1 << 48);
}

uint64_t sim_now(const struct sim *sim)
{
	return (uint64_t)(sim->time >> 16);
}

uint64_t sim_read(const struct sim *sim)
{
	return (uint64_t)(sim->counter >> 48);
}

void sim_emit(struct sim *sim)
{
	assert_true(sim->count < SIM_EVENTS_MAX);
	sim->events[sim->count++] = (struct sim_event){
		.g = sim_read(sim),
		.t = sim_now(sim),
		.epoch = sim->epoch,
	};
}

void sim_exchange(struct sim *sim, uint64_t before, uint64_t after)
{
	const uint64_t t1 = sim_now(sim);
	uint64_t g;

	sim_advance(sim, before);
	g = sim_read(sim);
	sim_emit(sim);
	sim_advance(sim, after);
	sim->last = tw_clock_exchange(sim->clock, g, t1, sim_now(sim));
	assert_true(sim->last >= 0);
}

void sim_beacon(struct sim *sim, uint64_t before)
{
	const uint64_t t = sim_now(sim);

	sim_advance(sim, before);
	sim_emit(sim);
	sim->last = tw_clock_lower(sim->clock, sim_read(sim), t);
	assert_true(sim->last >= 0);
}

void sim_sighting(struct sim *sim, uint64_t after)
{
	const uint64_t g = sim_read(sim);

	sim_emit(sim);
	sim_advance(sim, after);
	sim->last = tw_clock_upper(sim->clock, g, sim_now(sim));
	assert_true(sim->last >= 0);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct sim_widths sim_check(struct sim *sim, size_t from, enum sim_side by)
{
	struct sim_widths widths = {0};
	uint64_t *all = malloc((sim->count + 1) * sizeof(*all));
	struct tw_clock_bounds bounds;
	const struct sim_event *event;
	size_t i, outside = 0;

	assert_non_null(all);
	for (i = from; i < sim->count; i++) {
		event = &sim->events[i];
		assert_int_equal(tw_clock_bounds(sim->clock, event->epoch,
						 event->g, &bounds),
				 0);
		if ((event->t < bounds.lo || event->t > bounds.hi) &&
		    !outside++)
			print_error("event %zu of %zu: %" PRIu64
				    " is not in %" PRIu64 " to %" PRIu64 "\n",
				    i, sim->count, event->t, bounds.lo,
				    bounds.hi);
		all[widths.checked++] = by == SIM_BOTH ? bounds.hi - bounds.lo
					: by == SIM_LOWER
						? event->t - bounds.lo
						: bounds.hi - event->t;
	}
	assert_int_equal(outside, 0);
	assert_true(widths.checked > 0);
	qsort(all, widths.checked, sizeof(*all), compare);
	widths.most = all[widths.checked - 1];
	widths.median = all[widths.checked / 2];
	free(all);
	return widths;
}

void sim_assert_width(const char *what, uint64_t width, uint64_t most)
{
	print_message("%s: %" PRIu64 " ns, at most %" PRIu64 "\n", what, width,
		      most);
	assert_true(width <= most);
}
