/* SPDX-License-Identifier: MIT */
/*
 * Between the channel (channel.c) and its transports: a transport-NAME.c is one
 * struct tw_transport_kind, which trackway/guest-channel.h makes known.
 */
#ifndef TRACKWAY_GUEST_CHANNEL_INTERNAL_H
#define TRACKWAY_GUEST_CHANNEL_INTERNAL_H

#include <trackway/guest-channel.h>

#define TW_CHANNEL_ARGUMENTS_MAX 10u

/* An event on its way. */
struct tw_channel_message {
	uint64_t id;
	uint32_t sequence; /* of the messages since the start, lost ones too */
	uint32_t count;
	const uint64_t *arguments;
};

/* All of them are given the object that tw_channel_start() was. */
struct tw_transport_kind {
	/* Called when the groups have their ids, as send is. False: the other
	 * end takes nothing. */
	bool (*start)(struct tw_transport *transport,
		      const struct tw_channel_options *options);
	/* One at a time. False: not sent, or not whole. */
	bool (*send)(struct tw_transport *transport,
		     const struct tw_channel_message *message);
	/* One at a time, yet while another flow may be in send. */
	void (*poll)(struct tw_transport *transport);
};

/*
 * Keep every other message away, and, as far as the guard does it, interrupts.
 * False: one is under way. saved: for tw_channel_leave().
 */
bool tw_channel_enter(uintptr_t *saved);
void tw_channel_leave(uintptr_t saved);

/* The number of events, of all groups. */
uint32_t tw_channel_event_count(void);

/* The layout of the event's fields, or NULL: no group has this id. */
const uint8_t *tw_channel_layout(uint64_t id);

/* Switch an event, or all; an id that no group has does nothing. */
void tw_channel_switch(uint32_t id, bool on);
void tw_channel_switch_all(bool on);

#endif
