/* SPDX-License-Identifier: MIT */
/* What standard input's client and those of a socket have in common. */
#include "monitor-doors.h"

#include <string.h>

int tw_monitor_door_open(struct tw_monitor_door *door,
			 const struct tw_monitor_session *session)
{
	*door = (struct tw_monitor_door){
		.session = session,
		.is_owed = session->prompt,
		.prompt = "",
	};
	return tw_monitor_client_create(
		tw_monitor_targets_monitor(session->targets), session->form,
		&door->client);
}

void tw_monitor_door_close(struct tw_monitor_door *door)
{
	tw_monitor_client_destroy(door->client);
}

size_t tw_monitor_door_feed(struct tw_monitor_door *door, const char *bytes,
			    size_t size)
{
	const char *end;
	size_t taken;

	tw_monitor_targets_look(door->session->targets);
	if (!door->session->prompt)
		return tw_monitor_feed(door->client, bytes, size);
	if (tw_monitor_door_has_output(door))
		return 0;
	end = memchr(bytes, '\n', size);
	if (end)
		size = (size_t)(end - bytes) + 1;
	taken = tw_monitor_feed(door->client, bytes, size);
	door->is_owed = end && taken == size;
	return taken;
}

static size_t pull_prompt(struct tw_monitor_door *door, char *to, size_t room)
{
	size_t size;

	if (door->is_owed && !tw_monitor_is_over(door->client))
		door->prompt = TW_MONITOR_PROMPT;
	door->is_owed = false;
	size = strnlen(door->prompt, room);
	memcpy(to, door->prompt, size);
	door->prompt += size;
	return size;
}

size_t tw_monitor_door_pull(struct tw_monitor_door *door, char *to, size_t room)
{
	const size_t size = tw_monitor_pull(door->client, to, room);

	return size || tw_monitor_has_output(door->client)
		       ? size
		       : pull_prompt(door, to, room);
}

bool tw_monitor_door_has_output(const struct tw_monitor_door *door)
{
	return tw_monitor_has_output(door->client) || *door->prompt ||
	       (door->is_owed && !tw_monitor_is_over(door->client));
}
