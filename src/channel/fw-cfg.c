/* SPDX-License-Identifier: MIT */
/*
 * The write channel of a fw_cfg device. A message is seven u64, and a guest may
 * select the channel again before each of them, so what it has sent so far
 * stays when it selects something else, a key of an interrupt handler's for
 * one; only a u64 that isn't complete is dropped. Reading begins anew in all.
 */

#include "channel.h"

#include <errno.h>
#include <stdlib.h>

#define MESSAGE_WORDS 7 /* an id and six arguments */
#define SENT_ARGUMENTS (MESSAGE_WORDS - 1)
#define EVENTS_MAX 65535u
#define MORE ((uint64_t)1 << 63) /* in an id: arguments 7 to 10 */

/* What is read: signature, number of events, a byte for each. */
#define STATES_OFFSET 6u

struct tw_fw_cfg_channel {
	struct tw_fw_cfg_channel_options options;
	struct tw_channel_counts counts;
	bool selected;
	uint32_t read_offset;
	uint32_t byte_count; /* of the u64 that is being written */
	uint64_t word;
	uint32_t word_count; /* of the message */
	uint64_t words[MESSAGE_WORDS];
	/* Arguments 7 to 10 that have come before their event. */
	bool has_more;
	uint64_t more_id;
	uint64_t more[TW_CHANNEL_ARGUMENTS - SENT_ARGUMENTS];
};

int tw_fw_cfg_channel_create(struct tw_fw_cfg_channel **channel,
			     const struct tw_fw_cfg_channel_options *options)
{
	struct tw_fw_cfg_channel *made;

	if (options->size < sizeof(*options) || !options->event ||
	    options->event_count > EVENTS_MAX)
		return -EINVAL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->options = *options;
	*channel = made;
	return 0;
}

void tw_fw_cfg_channel_destroy(struct tw_fw_cfg_channel *channel)
{
	free(channel);
}

static void drop_word(struct tw_fw_cfg_channel *channel)
{
	if (channel->byte_count)
		channel->counts.short_words++;
	channel->byte_count = 0;
	channel->word = 0;
}

static void drop_more(struct tw_fw_cfg_channel *channel)
{
	if (channel->has_more)
		channel->counts.short_events++;
	channel->has_more = false;
}

static void drop_message(struct tw_fw_cfg_channel *channel)
{
	drop_word(channel);
	if (channel->word_count)
		channel->counts.short_events++;
	channel->word_count = 0;
	drop_more(channel);
}

bool tw_fw_cfg_channel_select(struct tw_fw_cfg_channel *channel,
			      uint16_t selector)
{
	drop_word(channel);
	channel->read_offset = 0;
	channel->selected = selector == TW_FW_CFG_CHANNEL;
	return channel->selected;
}

static void give(struct tw_fw_cfg_channel *channel,
		 const struct tw_channel_event *event)
{
	if (channel->options.event(channel->options.context, event))
		channel->counts.events++;
	else
		channel->counts.unknown++;
}

/* Arguments 7 to 10, of which the event itself will tell. */
static void keep_more(struct tw_fw_cfg_channel *channel)
{
	drop_more(channel);
	channel->has_more = true;
	channel->more_id = channel->words[0] & ~MORE;
	memcpy(channel->more, channel->words + 1, sizeof(channel->more));
}

static void end_message(struct tw_fw_cfg_channel *channel)
{
	struct tw_channel_event event = {.id = channel->words[0],
					 .argument_count = SENT_ARGUMENTS};

	channel->word_count = 0;
	if ((event.id & ~MORE) >= channel->options.event_count) {
		channel->counts.unknown++;
		drop_more(channel);
		return;
	}
	if (event.id & MORE) {
		keep_more(channel);
		return;
	}
	memcpy(event.arguments, channel->words + 1,
	       SENT_ARGUMENTS * sizeof(uint64_t));
	if (channel->has_more && channel->more_id == event.id) {
		memcpy(event.arguments + SENT_ARGUMENTS, channel->more,
		       sizeof(channel->more));
		event.argument_count = TW_CHANNEL_ARGUMENTS;
		channel->has_more = false;
	}
	drop_more(channel);
	give(channel, &event);
}

void tw_fw_cfg_channel_write(struct tw_fw_cfg_channel *channel,
			     const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	if (!channel->selected)
		return;
	for (size_t i = 0; i < size; i++) {
		channel->word |= (uint64_t)at[i] << 8 * channel->byte_count++;
		if (channel->byte_count < sizeof(channel->word))
			continue;
		channel->words[channel->word_count++] = channel->word;
		channel->byte_count = 0;
		channel->word = 0;
		if (channel->word_count == MESSAGE_WORDS)
			end_message(channel);
	}
}

static uint8_t read_state(struct tw_fw_cfg_channel *channel, uint64_t id)
{
	const struct tw_fw_cfg_channel_options *options = &channel->options;

	if (id >= options->event_count)
		return 0;
	return !options->state || options->state(options->context, id) == 1;
}

uint8_t tw_fw_cfg_channel_read(struct tw_fw_cfg_channel *channel)
{
	const uint32_t count = channel->options.event_count;
	const uint8_t head[STATES_OFFSET] = {
		'T', 'W', 'C', '1', (uint8_t)count, (uint8_t)(count >> 8)};
	const uint32_t offset = channel->read_offset;

	if (!channel->selected)
		return 0;
	if (offset == 0)
		drop_message(channel);
	/* It stays behind the last state, however long a guest reads. */
	if (offset < STATES_OFFSET + count)
		channel->read_offset++;
	return offset < STATES_OFFSET
		       ? head[offset]
		       : read_state(channel, offset - STATES_OFFSET);
}

void tw_fw_cfg_channel_reset(struct tw_fw_cfg_channel *channel)
{
	drop_message(channel);
	channel->selected = false;
	channel->read_offset = 0;
	channel->counts.resets++;
}

void tw_fw_cfg_channel_counts(const struct tw_fw_cfg_channel *channel,
			      struct tw_channel_counts *counts, size_t size)
{
	tw_channel_copy_counts(&channel->counts, counts, size);
}
