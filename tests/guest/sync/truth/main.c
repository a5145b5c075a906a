/* SPDX-License-Identifier: MIT */
/*
 * A firmware whose every event tells what the processor's own counter showed,
 * so that the host can work out when it really was: one CPU, one event each
 * mailbox.period ticks, whatever the ring's clock shows meanwhile. That clock
 * is the processor's counter with a jump that the host may set at any time, as
 * a guest that writes to its counter has it.
 */
#include "../../firmware/machine.h"
#include "mailbox.h"
#include "trace.h"

/* Asked for, an exchange is more exact the sooner it comes. */
#define LOOKS 64

static volatile struct mailbox *const box = (volatile void *)MAILBOX_AT;

static uint64_t jump;
static uint64_t last_read; /* the counter, as the latest machine_clock() had it
			    */

uint64_t machine_clock(void)
{
	last_read = __builtin_ia32_rdtsc();
	return last_read + jump;
}

void firmware_tick(unsigned int cpu)
{
}

static void answer(void)
{
	const uint64_t ask = box->ask;

	if (ask == box->answer)
		return;
	/* Nothing less keeps the counter from being read ahead of the load. */
	__asm__ volatile("mfence; lfence" : : : "memory");
	box->counter = __builtin_ia32_rdtsc();
	box->answer = ask;
}

static void emit(void)
{
	static uint64_t last;
	static uint32_t seq;

	trace_guest_truth(seq++, last);
	last = last_read;
}

static void look(uint64_t *next)
{
	jump = box->jump;
	box->jumped = jump;
	for (unsigned int i = 0; i < LOOKS; i++) {
		answer();
		if (box->flags & MAILBOX_SYNC)
			tw_guest_sync();
	}
	if (__builtin_ia32_rdtsc() < *next) {
		if (box->flags & MAILBOX_SLEEP)
			machine_idle();
		return;
	}
	*next = __builtin_ia32_rdtsc() + box->period;
	if (box->period)
		emit();
}

void firmware_cpu(unsigned int cpu)
{
	uint64_t next = 0;

	machine_timer_start(cpu);
	for (;;)
		look(&next);
}

void firmware_main(void)
{
	static struct tw_group *const groups[] = {&tw_group_firmware};
	static struct tw_guest_options options = {
		.memory = ring_start,
		.name = "truth",
		.groups = groups,
		.group_count = 1,
		.clock_kind = TW_CLOCK_TSC,
	};

	options.size = (uintptr_t)ring_end - (uintptr_t)ring_start;
	jump = box->jump;
	machine_put(tw_guest_start(&options) == 0 ? 'S' : 'E');
	machine_put('\n');
	firmware_cpu(0);
}
