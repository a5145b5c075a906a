/* SPDX-License-Identifier: MIT */
/*
 * Beacons and exchanges with a guest whose ring lies in a memory (ram.h). A
 * beacon's low 16 bits are its nonce: the guest answers when they have changed,
 * and its answer has them in its own low 16 bits, below the counter.
 *
 * A guest may store an answer in halves, the high one first; and a copy may
 * meet a number half-way. So an answer counts that was read twice, while the
 * beacon was ours, and no other host's.
 */
#include "sync.h"

#include "../ring/atomic.h"
#include "ram-source.h"
#include "source.h"
#include "sync-kvm.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Between two beacons while an answer is awaited: what an event can be later
 * than a beacon for no other reason. */
#define REFRESH_NS 5000

#define NONCE 0xffffu

/* Beacons before the last to which an answer may still come. One to an older
 * one, from a guest that did not run for a while, has the nonce of a later one
 * by chance: the fewer count, the less often, and then src/clock rejects it. */
#define LATE_MAX 7u

/* How often a page is looked at whose ticket was taken and that isn't open. */
#define TURN_TRIES 1000

/* What is read of the control block: all up to the reply. */
#define HEAD_SIZE offsetof(struct tw_ring_control, name)
#define WORDS_OFFSET offsetof(struct tw_ring_control, beacon)

struct words {
	uint64_t beacon;
	uint64_t reply;
};

_Static_assert(sizeof(((struct tw_beacons *)0)->list) ==
		       TW_ATTACH_BEACONS * sizeof(uint64_t),
	       "as many as are promised");
_Static_assert(offsetof(struct tw_ring_control, reply) == WORDS_OFFSET + 8 &&
		       HEAD_SIZE == WORDS_OFFSET + sizeof(struct words),
	       "beacon and reply are neighbours");

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int read_words(struct tw_attach *attach, struct words *words)
{
	int err = tw_ring_read_bytes(&attach->ring, WORDS_OFFSET, words,
				     sizeof(*words));

	words->beacon = tw_ring_u64(&attach->ring, words->beacon);
	words->reply = tw_ring_u64(&attach->ring, words->reply);
	return err;
}

/* The same, if the ring is still the one that was opened. */
static int read_own_words(struct tw_attach *attach, struct words *words)
{
	const struct tw_ring_control *known = &attach->ring.control;
	uint8_t head[HEAD_SIZE] __attribute__((aligned(8)));
	uint32_t generation;
	int err = tw_ring_read_bytes(&attach->ring, 0, head, sizeof(head));

	if (err)
		return err;
	memcpy(&generation, head + offsetof(struct tw_ring_control, generation),
	       4);
	if (!tw_ring_is_magic(head) ||
	    memcmp(head + offsetof(struct tw_ring_control, uuid), known->uuid,
		   sizeof(known->uuid)) != 0 ||
	    tw_ring_u32(&attach->ring, generation) != known->generation)
		return -ESTALE;
	memcpy(words, head + WORDS_OFFSET, sizeof(*words));
	words->beacon = tw_ring_u64(&attach->ring, words->beacon);
	words->reply = tw_ring_u64(&attach->ring, words->reply);
	return 0;
}

/* Where 8 bytes can't be stored at once, the low half first, as
 * tw_ring_beacon() loads it last. */
static int store_beacon(struct tw_attach *attach, uint64_t beacon)
{
	const struct tw_memory *memory = &attach->ring.memory;
	const uint64_t raw = tw_ring_u64(&attach->ring, beacon);
	const uint64_t at = WORDS_OFFSET;
	const uint8_t *byte;
	uint64_t low;
	int err;

	if (TW_HAVE_ATOMIC_U64)
		return memory->write(memory->context, at, &raw, sizeof(raw));
	byte = (const uint8_t *)&raw;
	low = attach->ring.swap ? 4 - 4 * TW_LOW_HALF : 4 * TW_LOW_HALF;
	err = memory->write(memory->context, at + low, byte + low, 4);
	return err ? err
		   : memory->write(memory->context, at + 4 - low,
				   byte + 4 - low, 4);
}

/*
 * The time, or a few ns before: its nonce must be another one than the last
 * beacon's, or the guest would not see that it changed; than the last answer's,
 * which would be taken for the one to this; and than that of no beacon at all.
 */
static uint64_t make_beacon(const struct words *words)
{
	uint64_t beacon = now_ns();

	while (((beacon ^ words->beacon) & NONCE) == 0 ||
	       ((beacon ^ words->reply) & NONCE) == 0 || (beacon & NONCE) == 0)
		beacon--;
	return beacon;
}

/* words: what the ring had just before. */
static int write_beacon(struct tw_attach *attach, struct words *words,
			uint64_t *beacon)
{
	struct tw_beacons *beacons = tw_attach_beacons(attach);
	uint64_t written;
	int err;

	if (!tw_attach_is_guest(attach))
		return -EOPNOTSUPP;
	if (!attach->ring.memory.write)
		return -EROFS;
	err = read_own_words(attach, words);
	if (err)
		return err;
	written = make_beacon(words);
	err = store_beacon(attach, written);
	if (err)
		return err;
	beacons->list[beacons->next++ % TW_ATTACH_BEACONS] = written;
	if (beacon)
		*beacon = written;
	return 0;
}

int tw_attach_beacon(struct tw_attach *attach, uint64_t *beacon)
{
	struct words words;

	return write_beacon(attach, &words, beacon);
}

bool tw_attach_wrote(const struct tw_attach *attach, uint64_t beacon)
{
	const struct tw_beacons *beacons = tw_attach_beacons(attach);

	for (uint32_t i = 0; beacon && i < TW_ATTACH_BEACONS; i++)
		if (beacons->list[i] == beacon)
			return true;
	return false;
}

/*
 * The beacon that has a reply's nonce: of several the earliest, which is true
 * in any case. 0: none. A guest whose words have 32 bits may be storing the
 * high half of its next answer while the low one is still of this: only while
 * the last beacon has been answered there is no next one.
 */
static uint64_t beacon_of(const struct tw_attach *attach, uint64_t reply)
{
	const struct tw_beacons *beacons = tw_attach_beacons(attach);
	const bool is_halved = attach->ring.control.flags & TW_RING_32BIT;
	uint32_t i = TW_ATTACH_BEACONS - 1 - (is_halved ? 0 : LATE_MAX);
	uint64_t found = 0;

	for (; i < TW_ATTACH_BEACONS; i++) {
		const uint64_t beacon =
			beacons->list[(beacons->next + i) % TW_ATTACH_BEACONS];

		if (beacon && ((beacon ^ reply) & NONCE) == 0)
			if (!found || beacon < found)
				found = beacon;
	}
	return found;
}

/*
 * Whether an answer has come that differs from before; 1: seen by t2. A guest
 * that answers anew while this is looked at is lying or quick, and is looked at
 * once more.
 */
static int look_for_answer(struct tw_attach *attach, uint64_t before,
			   struct tw_attach_exchange *exchange)
{
	struct words words, again;
	int err = read_words(attach, &words);

	if (err || words.reply == before)
		return err;
	exchange->t2 = now_ns();
	/* (Q) with the guest's release: its answer is whole, or differs. */
	err = read_own_words(attach, &again);
	if (err || words.reply != again.reply)
		return err;
	/* Another host writes as well: whose nonce it is can't be told. */
	if (!tw_attach_wrote(attach, again.beacon))
		return -EAGAIN;
	exchange->t1 = beacon_of(attach, words.reply);
	exchange->counter = words.reply >> 16;
	return exchange->t1 != 0;
}

/* What is done between two looks: 0, or why they should end. */
static int go_on(struct tw_attach *attach, uint64_t now, uint64_t until,
		 const volatile int *stop, uint64_t *beacon)
{
	if (stop && *stop)
		return -EINTR;
	if (now >= until)
		return -EAGAIN;
	return now - *beacon > REFRESH_NS ? tw_attach_beacon(attach, beacon)
					  : 0;
}

static int ask(struct tw_attach *attach, uint64_t limit_ns,
	       const volatile int *stop, struct tw_attach_exchange *exchange)
{
	const uint64_t until = now_ns() + limit_ns;
	struct tw_attach_exchange found = {0};
	uint64_t beacon = 0;
	struct words before;
	int got = write_beacon(attach, &before, &beacon);

	while (!got) {
		/* Before the look: where this thread has not run since, there
		 * may be an answer to the last beacon, which the next one would
		 * make one to an older. */
		const uint64_t now = now_ns();

		got = look_for_answer(attach, before.reply, &found);
		if (!got)
			got = go_on(attach, now, until, stop, &beacon);
	}
	if (got < 0)
		return got;
	*exchange = found;
	return 0;
}

int tw_attach_exchange(struct tw_attach *attach, uint64_t limit_ns,
		       const volatile int *stop,
		       struct tw_attach_exchange *exchange)
{
	struct tw_kvm_before before;
	struct words words;
	int err;

	if (tw_kvm_exchange(attach, exchange))
		return read_own_words(attach, &words);
	tw_kvm_prove_begin(attach, &before);
	err = ask(attach, limit_ns, stop, exchange);
	if (!err)
		tw_kvm_prove_end(attach, &before, exchange->counter);
	return err;
}

/* The begin of the page that ticket stands for, if that was taken by it. 1; 0:
 * it is being taken; -EAGAIN: it is another's. */
static int read_turn(struct tw_attach *attach, uint32_t ticket,
		     struct tw_attach_turn *turn)
{
	struct tw_ring_reader *ring = &attach->ring;
	const uint32_t index = ticket % ring->control.page_count;
	const uint64_t page = tw_ring_page_offset(ring, index);
	const uint64_t trailer = page + ring->control.page_size -
				 TW_PAGE_TRAILER;
	uint64_t begin, beacon;
	uint32_t word, again;
	int err = tw_ring_page_state(ring, index, &word);

	if (err)
		return err;
	if (((word >> TW_PAGE_TICKET_SHIFT) ^ ticket) << 2)
		return -EAGAIN;
	if ((word & TW_PAGE_STATE_MASK) != TW_PAGE_OPEN &&
	    (word & TW_PAGE_STATE_MASK) != TW_PAGE_FULL)
		return 0;
	err = tw_ring_read_bytes(
		ring, page + offsetof(struct tw_page, timestamp_begin), &begin,
		8);
	if (!err)
		err = tw_ring_read_bytes(
			ring,
			trailer + offsetof(struct tw_page_trailer, beacon),
			&beacon, 8);
	if (!err)
		err = tw_ring_page_state(ring, index, &again);
	if (err)
		return err;
	if ((word ^ again) >> TW_PAGE_TICKET_SHIFT)
		return -EAGAIN;
	beacon = tw_ring_u64(ring, beacon);
	turn->time_begin = tw_ring_u64(ring, begin);
	turn->t1 = tw_attach_wrote(attach, beacon) ? beacon : 0;
	return 1;
}

/*
 * A page's begin was read before its ticket was taken, so that it is enough to
 * see head move: what it was may be read later.
 */
static int look_for_turn(struct tw_attach *attach, uint32_t *head,
			 struct tw_attach_turn *turn)
{
	uint32_t now, tries;
	int err = tw_ring_head(&attach->ring, &now);

	if (err || now == *head)
		return err;
	turn->t2 = now_ns();
	*head = now;
	for (tries = 0; !err && tries < TURN_TRIES; tries++)
		err = read_turn(attach, now - 1, turn);
	return err == -EAGAIN ? 0 : err;
}

int tw_attach_next_turn(struct tw_attach *attach, uint64_t limit_ns,
			const volatile int *stop, uint32_t *head,
			struct tw_attach_turn *turn)
{
	const uint64_t until = now_ns() + limit_ns;
	struct tw_attach_turn found = {0};
	uint64_t beacon = 0;
	int got = tw_attach_beacon(attach, &beacon);

	if (!got && !*head)
		got = tw_ring_head(&attach->ring, head);
	while (!got) {
		got = look_for_turn(attach, head, &found);
		if (!got)
			got = go_on(attach, now_ns(), until, stop, &beacon);
	}
	if (got < 0)
		return got;
	*turn = found;
	return 0;
}

uint64_t tw_attach_extend(uint64_t counter, uint64_t near)
{
	const unsigned int shift = 64 - TW_ATTACH_COUNTER_BITS;
	const int64_t ahead = (int64_t)((counter - near) << shift) >> shift;

	return near + (uint64_t)ahead;
}
