/* SPDX-License-Identifier: MIT */
/*
 * A firmware that reads its disk, over and over, and looks at what it has read:
 * a command each tick of its timer. Sector N of the disk holds the number
 * N in decimal, with zeros before it and a newline behind it:
 *
 *	seq -f %0511.0f 0 8191 >disk.img
 *	qemu-system-x86_64 -M pc -kernel disk-guest.elf \
 *		-drive file=disk.img,format=raw,if=ide
 *
 * -append N: N commands a tick. It goes back to sleep when these are done,
 * however long they took.
 */
#include "disk.h"
#include "ports.h"
#include "timer.h"
#include "trace.h"

#define COMMANDS_A_TICK 1
#define COMMANDS_A_TICK_MAX 100000
#define LINGER 1000 /* looks for a host that asks, before each sleep */
#define COM1 0x3f8

/* What a PVH start says, as far as it matters here. */
struct start_info {
	uint32_t unused[6];
	uint32_t command_line; /* address; 0: none */
};

extern char ring_start[], ring_end[]; /* from link.ld */

void firmware_main(const struct start_info *info);

static void say(const char *text)
{
	while (*text)
		out8(COM1, (uint8_t)*text++);
}

static int start_ring(void)
{
	static struct tw_group *const groups[] = {&tw_group_firmware};
	static struct tw_guest_options options = {
		.memory = ring_start,
		.name = "firmware",
		.groups = groups,
		.group_count = 1,
	};

	options.size = (uintptr_t)ring_end - (uintptr_t)ring_start;
	return tw_guest_start(&options);
}

static uint32_t commands_a_tick(const struct start_info *info)
{
	const char *at = (const char *)(uintptr_t)info->command_line;
	uint32_t number = 0;

	for (; at && *at >= '0' && *at <= '9'; at++)
		if (number < COMMANDS_A_TICK_MAX)
			number = number * 10 + (uint32_t)(*at - '0');
	return number ? number : COMMANDS_A_TICK;
}

static bool holds_number(const char *sector, uint32_t number)
{
	if (sector[SECTOR_SIZE - 1] != '\n')
		return false;
	for (unsigned int i = SECTOR_SIZE - 1; i-- > 0; number /= 10)
		if (sector[i] != (char)('0' + number % 10))
			return false;
	return true;
}

static void read_and_look(uint32_t sector)
{
	const uint32_t number = disk_commands();
	const char *content = disk_read(sector, SECTORS_MAX);

	for (uint32_t i = 0; content && i < SECTORS_MAX; i++)
		if (!holds_number(content + i * SECTOR_SIZE, sector + i))
			trace_disk_wrong(number, sector + i);
}

/* Nothing else to do: a host that wants to know the clock gets its answer. */
static void rest(void)
{
	for (unsigned int i = 0; i < LINGER; i++) {
		tw_guest_sync();
		__builtin_ia32_pause();
	}
	timer_wait();
}

void firmware_main(const struct start_info *info)
{
	const uint32_t commands = commands_a_tick(info);
	uint32_t sectors, sector = 0;

	if (start_ring())
		say("no ring\n");
	sectors = disk_start();
	if (sectors < SECTORS_MAX) {
		say("no disk\n");
		return;
	}
	say("reading\n");
	timer_start();
	for (;;) {
		rest();
		for (uint32_t i = 0; i < commands; i++) {
			read_and_look(sector);
			sector += SECTORS_MAX;
			if (sector > sectors - SECTORS_MAX)
				sector = 0;
		}
	}
}
