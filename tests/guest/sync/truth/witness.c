/* SPDX-License-Identifier: MIT */
/*
 * Writes down what is true, for truth.py: how a guest's counter stands to the
 * host's, known without any of what is tested. Two ways:
 *
 * The guest answers numbers in its mailbox with its counter. What the host's
 * own counter showed before and after bounds the difference, and all exchanges
 * together know it to some 100 ns.
 *
 * QEMU keeps the difference, in timers_state, which it exports for its modules.
 * How that is laid out is QEMU's own affair, so what is read there counts only
 * where the exchanges agree.
 *
 * And how the host's counter stands to its clocks.
 *
 * usage: witness RAM-FILE PID TIMERS-STATE OUTPUT
 * (TIMERS-STATE: its address, in hex; 0: not known.) It ends at the end of its
 * standard input. Lines of the output, all numbers decimal:
 *
 *	clock BEFORE AFTER MONO		host's counter; CLOCK_MONOTONIC
 *	real LOW HIGH			CLOCK_REALTIME less CLOCK_MONOTONIC
 *	answer COUNTER BEFORE AFTER	guest's counter; host's
 *	offset HOST OFFSET		guest's less host's counter
 *	stopped HOST COUNTER		the guest's stands still
 */
#include "mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAUSE_NS 500000
#define EXCHANGES 4	     /* at a time */
#define EXCHANGE_TICKS 60000 /* that an answer is waited for */
#define TRIES 6
#define REAL_TRIES 1000

/* The beginning of QEMU's struct of that name. */
struct timers_state {
	int64_t ticks_prev;
	int64_t ticks_offset;
	uint32_t sequence;
	uint32_t lock;
	int32_t ticks_enabled;
};

struct witness {
	volatile struct mailbox *box;
	int memory; /* QEMU's */
	off_t timers;
	struct timers_state known;
	uint64_t asked;
	uint64_t before; /* that: the host's counter; 0: it is answered */
	FILE *output;
};

static uint64_t now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Neither before what is above nor after what is below. */
static uint64_t counter(void)
{
	uint64_t ticks;

	_mm_mfence();
	_mm_lfence();
	ticks = __rdtsc();
	_mm_lfence();
	return ticks;
}

static void note_clock(const struct witness *witness)
{
	uint64_t before, mono, after, best[3] = {0}, width = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		/* The clock's own reading of it is in order with both. */
		_mm_lfence();
		before = __rdtsc();
		mono = now_ns(CLOCK_MONOTONIC);
		after = __rdtsc();
		if (after - before >= width)
			continue;
		width = after - before;
		best[0] = before;
		best[1] = after;
		best[2] = mono;
	}
	fprintf(witness->output, "clock %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		best[0], best[1], best[2]);
}

static void note_real(const struct witness *witness)
{
	uint64_t before, real, after, low = 0, high = UINT64_MAX;

	for (int i = 0; i < REAL_TRIES; i++) {
		before = now_ns(CLOCK_MONOTONIC);
		real = now_ns(CLOCK_REALTIME);
		after = now_ns(CLOCK_MONOTONIC);
		low = real - after > low ? real - after : low;
		high = real - before < high ? real - before : high;
	}
	fprintf(witness->output, "real %" PRIu64 " %" PRIu64 "\n", low, high);
}

/* One that was not answered in time is waited for again, at the next look. */
static bool exchange(struct witness *witness)
{
	volatile struct mailbox *box = witness->box;
	const uint64_t begin = __rdtsc();
	uint64_t after, shown;

	if (!witness->before) {
		witness->before = counter();
		box->ask = ++witness->asked;
	}
	while (box->answer != witness->asked) {
		if (__rdtsc() - begin > EXCHANGE_TICKS)
			return false;
		_mm_pause();
	}
	shown = box->counter;
	after = counter();
	fprintf(witness->output, "answer %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		shown, witness->before, after);
	witness->before = 0;
	return true;
}

static bool load(const struct witness *witness, struct timers_state *state)
{
	return pread(witness->memory, state, sizeof(*state), witness->timers) ==
	       (ssize_t)sizeof(*state);
}

/* Twice, since it may be in the midst of a change. */
static void note_offset(struct witness *witness)
{
	struct timers_state state, again;

	if (!witness->timers || !load(witness, &state) ||
	    !load(witness, &again) || state.sequence % 2 ||
	    state.sequence != again.sequence ||
	    state.ticks_offset != again.ticks_offset)
		return;
	if (state.ticks_offset == witness->known.ticks_offset &&
	    state.ticks_enabled == witness->known.ticks_enabled)
		return;
	witness->known = state;
	fprintf(witness->output, "%s %" PRIu64 " %" PRId64 "\n",
		state.ticks_enabled ? "offset" : "stopped", counter(),
		state.ticks_offset);
}

static void look(struct witness *witness)
{
	note_offset(witness);
	for (int i = 0; i < EXCHANGES && exchange(witness); i++)
		;
	note_clock(witness);
}

static bool is_over(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char byte;

	return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static int begin(struct witness *witness, char **argv)
{
	const int ram = open(argv[1], O_RDWR | O_CLOEXEC);
	char path[64];

	witness->box = mmap(NULL, sizeof(struct mailbox),
			    PROT_READ | PROT_WRITE, MAP_SHARED, ram,
			    MAILBOX_AT);
	if (witness->box == MAP_FAILED)
		return -errno;
	/* Another witness may have asked before. */
	witness->asked = witness->box->ask;
	snprintf(path, sizeof(path), "/proc/%ld/mem",
		 strtol(argv[2], NULL, 10));
	witness->memory = open(path, O_RDONLY | O_CLOEXEC);
	witness->timers = (off_t)strtoull(argv[3], NULL, 16);
	if (witness->memory < 0)
		return -errno;
	witness->output = fopen(argv[4], "w");
	return witness->output ? 0 : -errno;
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct witness witness = {0};
	int error;

	if (argc != 5)
		return 2;
	error = begin(&witness, argv);
	if (error) {
		fprintf(stderr, "witness: %s\n", strerror(-error));
		return 1;
	}
	note_real(&witness);
	note_clock(&witness);
	while (!is_over()) {
		look(&witness);
		nanosleep(&pause, NULL);
	}
	note_clock(&witness);
	note_real(&witness);
	return fclose(witness.output) != 0;
}
