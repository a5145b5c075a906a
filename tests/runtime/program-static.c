/* SPDX-License-Identifier: MIT */
/* program-static: a hundred events of a static library's, which nothing but
 * their calls pulls into the program. */
#include "step.h"

void module_call(uint64_t number);

int main(void)
{
	uint64_t i;

	for (i = 0; i < 100; i++)
		module_call(i);
	step("end");
	return 0;
}
