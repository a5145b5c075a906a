/* SPDX-License-Identifier: MIT */
/* program-cxx: the generated header and the API in C++. A hundred events. */
#include <cstdint>
#include <trackway/trackway.h>

#include "step.h"
#include "trace-runtime.h"

namespace
{
class Worker
{
      public:
	explicit Worker(std::uint32_t thread) : thread_(thread)
	{
	}

	void work(std::uint64_t count) const
	{
		for (std::uint64_t i = 0; i < count; i++)
			trace_count(thread_, i, check_of(thread_, i));
		trace_text(count, "from C++");
		trace_gone(1);
	}

      private:
	std::uint32_t thread_;
};
} // namespace

int main()
{
	if (!trace_event_get_state_backends(TRACE_COUNT) ||
	    tw_event_state(tw_event_find("count")) != 1)
		return 1;
	Worker(7).work(100);
	step("end");
	return 0;
}
