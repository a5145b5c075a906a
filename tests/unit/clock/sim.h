/* SPDX-License-Identifier: MIT */
/*
 * A host's clock and a producer's counter of which the truth is known, and
 * events that are held against what the estimator says of them.
 */
#ifndef TRACKWAY_TESTS_CLOCK_SIM_H
#define TRACKWAY_TESTS_CLOCK_SIM_H

#include "../../../src/clock/clock.h"

#include <stddef.h>

struct sim_event {
	uint64_t g;
	uint64_t t; /* the truth */
	uint32_t epoch;
};

#define SIM_EVENTS_MAX 200000

struct sim {
	struct tw_clock *clock;
	uint64_t seed;
	uint64_t hz;
	int64_t ppb;	  /* how much faster the counter is at present */
	__int128 time;	  /* ns, times 2^16 */
	__int128 counter; /* ticks, times 2^48 */
	uint32_t epoch;	  /* that events are of */
	struct sim_event *events;
	size_t count;
	int last; /* what the last constraint came to: enum tw_clock_fit */
};

void sim_begin(struct sim *sim, const struct tw_clock_options *options,
	       uint64_t seed, uint64_t hz);
void sim_end(struct sim *sim);

uint64_t sim_random(struct sim *sim, uint64_t below);
/* Delays as they are: nearly always about ns, now and then far more. */
uint64_t sim_delay(struct sim *sim, uint64_t ns);
void sim_advance(struct sim *sim, uint64_t ns);
void sim_jump(struct sim *sim, int64_t ticks);
uint64_t sim_now(const struct sim *sim);
uint64_t sim_read(const struct sim *sim);

/* An event now, to be checked later. */
void sim_emit(struct sim *sim);
/* Constraints: so many ns before and after the counter is read, and an event
 * with it. */
void sim_exchange(struct sim *sim, uint64_t before, uint64_t after);
void sim_beacon(struct sim *sim, uint64_t before);
void sim_sighting(struct sim *sim, uint64_t after);

struct sim_widths {
	size_t checked;
	uint64_t most;
	uint64_t median;
};

/* Fail if any event from the given one on is outside its bounds; how wide
 * these are. by: on what side, where only one can be had. */
enum sim_side {
	SIM_BOTH,
	SIM_LOWER,
	SIM_UPPER
};
struct sim_widths sim_check(struct sim *sim, size_t from, enum sim_side by);

/* cmocka's, so that widths are printed with what they must not be above. */
void sim_assert_width(const char *what, uint64_t width, uint64_t most);

#endif
