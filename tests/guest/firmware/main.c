/* SPDX-License-Identifier: MIT */
/*
 * The test guests' firmware, the same on every machine. Each CPU beats once a
 * timer interrupt; while guest_work is on, it also emits its share of
 * WORK_TOTAL events, a burst each beat; switched off and on again, it begins
 * anew. Idle, it answers a host that asks for its clock. The timer interrupt
 * emits as well, and comes into the midst of an event now and then; while
 * guest_spin is on, mostly so.
 */
#include "machine.h"
#include "trace.h"

#ifndef WORK_TOTAL
#define WORK_TOTAL 1000000u
#endif
#define WORK_SHARE (WORK_TOTAL / MACHINE_CPUS)
#define WORK_BURST (5000u / MACHINE_CPUS)

/* Before it sleeps again, while a host asks for the clock. */
#define SYNC_LOOKS 20000u

struct cpu {
	volatile uint32_t ticks;
	uint32_t beat;
	uint32_t seq; /* of its next guest_work */
	uint32_t done;
};

static struct cpu cpus[MACHINE_CPUS];

static const char *const names[] = {
	"", "a", "line\n", "quote\"", "the quick brown fox jumps over the dog",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

void firmware_tick(unsigned int index)
{
	struct cpu *cpu = &cpus[index];

	cpu->ticks++;
	trace_guest_irq(index, cpu->ticks);
}

static void emit_work(unsigned int index, uint32_t seq)
{
	trace_guest_work((uint8_t)index, seq, (uint64_t)seq * seq,
			 -(int32_t)seq, (int16_t)seq, names[seq % NAMES],
			 (void *)((uintptr_t)0xf0000000u + seq));
}

static void work(unsigned int index)
{
	struct cpu *cpu = &cpus[index];
	uint32_t i = 0;

	if (!trace_guest_work_enabled()) {
		cpu->seq = 0;
		cpu->done = 0;
		return;
	}
	while (i++ < WORK_BURST && cpu->seq < WORK_SHARE &&
	       trace_guest_work_enabled())
		emit_work(index, cpu->seq++);
	if (cpu->seq == WORK_SHARE && !cpu->done) {
		trace_guest_done(index, cpu->seq);
		cpu->done = 1;
	}
}

/* Until the next tick. */
static void wait(unsigned int index, uint32_t ticks)
{
	static const char text[] =
		"a text that takes the longer the longer it is, so that the "
		"timer's interrupt finds the main flow in the midst of it, and "
		"its own event has to go to the next level's lane: a text that "
		"takes the longer the longer it is, so that the timer's "
		"interrupt finds the main flow in the midst of it";

	uint32_t awake = 0;

	while (cpus[index].ticks == ticks) {
		/* One CPU is enough, and leaves the host's others to it. */
		if (index == 0 && tw_guest_sync())
			awake = SYNC_LOOKS;
		if (trace_guest_spin_enabled())
			trace_guest_spin(index, text);
		else if (awake)
			awake--;
		else
			machine_idle();
	}
}

void firmware_cpu(unsigned int index)
{
	struct cpu *cpu = &cpus[index];

	machine_timer_start(index);
	for (;;) {
		uint32_t ticks = cpu->ticks;

		trace_guest_tick(index, cpu->beat++);
		work(index);
		wait(index, ticks);
	}
}

void firmware_main(void)
{
	static struct tw_group *const groups[] = {&tw_group_firmware};
	/* Not on the stack, where a compiler would ask for memset(). */
	static struct tw_guest_options options = {
		.memory = ring_start,
		.name = FIRMWARE_NAME,
		.groups = groups,
		.group_count = 1,
		.clock_mask = MACHINE_CLOCK_MASK,
	};

	options.size = (uintptr_t)ring_end - (uintptr_t)ring_start;
	options.clock_hz = machine_clock_hz();
	/* What the tests look at if nothing else comes. */
	machine_put(tw_guest_start(&options) == 0 ? 'S' : 'E');
	machine_put('\n');
	machine_start_others();
	firmware_cpu(0);
}
