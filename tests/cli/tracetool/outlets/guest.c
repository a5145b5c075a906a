/* SPDX-License-Identifier: MIT */
/* What a host does with a guest's ids and numbers; see test-guest.sh. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

bool guest_trace_guest(uint64_t event_id, uint64_t arg1, uint64_t arg2,
		       uint64_t arg3, uint64_t arg4, uint64_t arg5,
		       uint64_t arg6);
bool guest_trace10_guest(uint64_t event_id, uint64_t arg1, uint64_t arg2,
			 uint64_t arg3, uint64_t arg4, uint64_t arg5,
			 uint64_t arg6, uint64_t arg7, uint64_t arg8,
			 uint64_t arg9, uint64_t arg10);

/* More than fits: only the lower bits count. All addresses are bad. */
static const uint64_t sent[][7] = {
	{0, 1, 2, 3, 4, 5, 6},
	{1, 0xff, 0xfff, (uint64_t)-70000, UINT64_MAX, 4, 0x3ff8000000000000},
	{2, 0xdead0000, 0x7fff0000, 0x100, 0, 0, 0},
	{3, 1, 2, 3, 4, 5, 6},
	{4, 1, 2, 3, 4, 5, 6},
	{5, 0xdead0000, 1000, 0xdead0000, 0, 0, 0},
	{6, 0, 0, 0, 0, 0, 0},
	{UINT64_MAX, 0, 0, 0, 0, 0, 0},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		const uint64_t *s = sent[i];
		bool served = guest_trace_guest(s[0], s[1], s[2], s[3], s[4],
						s[5], s[6]);

		printf("%" PRIu64 ": %s\n", s[0],
		       served ? "served" : "refused");
	}
	return !guest_trace10_guest(3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}
