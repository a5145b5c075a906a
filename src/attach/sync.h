/* SPDX-License-Identifier: MIT */
/*
 * Asking a guest for its counter: beacons and exchanges, which src/clock makes
 * bounds of (docs/clock.md). What a guest answers may be a lie; it is copied
 * from where the ring's control block was checked to be, and nothing else is
 * written there than the beacon.
 *
 * Times are ns of CLOCK_MONOTONIC. Each function is its attach's thread's.
 */
#ifndef TRACKWAY_ATTACH_SYNC_H
#define TRACKWAY_ATTACH_SYNC_H

#include "attach.h"

/* The bits of a counter that an answer has. */
#define TW_ATTACH_COUNTER_BITS 48

/* Whether its ring lies in a guest's memory: who has a clock to ask for. */
bool tw_attach_is_guest(const struct tw_attach *attach);

/*
 * Write the time into the ring's beacon: the producer copies it into the page
 * that it takes next (tw_page_view.beacon), whose time_begin is then no earlier
 * than that, and answers it where it calls tw_guest_sync(). *beacon: what was
 * written, at most the time at which it was, or NULL. It takes some 3 us in a
 * VMM's memory, far less in a RAM file.
 *
 * -EOPNOTSUPP: a producer of this host, or a channel, has no use for it;
 * -EROFS: not writable; -ESTALE: the ring is there no more (a reset); or what
 * reading and writing returned.
 */
int tw_attach_beacon(struct tw_attach *attach, uint64_t *beacon);

/* t1 <= the moment at which the counter showed this <= t2. */
struct tw_attach_exchange {
	uint64_t counter; /* its low TW_ATTACH_COUNTER_BITS */
	uint64_t t1;
	uint64_t t2;
	bool is_kvm; /* from KVM's debugfs: the guest was not asked */
};

/*
 * Write beacons, a new one each few us, and wait, polling, up to limit_ns for
 * the guest's answer to one of them. -EAGAIN: there was none in time, nothing
 * of *exchange is filled in; -EINTR: *stop was set, if that isn't NULL; and as
 * tw_attach_beacon(). Where KVM's debugfs can be read, and an answer has borne
 * out what it says of the counter, the host is its own witness from then on,
 * until that changes.
 */
int tw_attach_exchange(struct tw_attach *attach, uint64_t limit_ns,
		       const volatile int *stop,
		       struct tw_attach_exchange *exchange);

/* Whether this attach wrote the beacon, which a page has, not long ago: it is
 * among its last TW_ATTACH_BEACONS. What is not may be torn, or a lie. */
#define TW_ATTACH_BEACONS 256
bool tw_attach_wrote(const struct tw_attach *attach, uint64_t beacon);

/* A page that was taken: t1 <= the moment of its time_begin <= t2. */
struct tw_attach_turn {
	uint64_t time_begin; /* ticks */
	uint64_t t1;	     /* its beacon; 0: none of ours */
	uint64_t t2;
};

/*
 * The same for a guest that doesn't answer but by the pages that it takes: wait
 * for the next one. *head: 0 at first, then what the call before has left
 * there.
 */
int tw_attach_next_turn(struct tw_attach *attach, uint64_t limit_ns,
			const volatile int *stop, uint32_t *head,
			struct tw_attach_turn *turn);

/*
 * The value next to near that has these low TW_ATTACH_COUNTER_BITS: 48 bits of
 * a counter of 3 GHz last for 26 hours, so an event's time of the last 13 is
 * near enough, or the exchange before.
 */
uint64_t tw_attach_extend(uint64_t counter, uint64_t near);

#endif
