/* SPDX-License-Identifier: MIT */
/*
 * What the library makes of the examples in docs/channel.md, which come line by
 * line on the standard input; see check-document.py. Lines of hexadecimal bytes
 * are a stream of frames; "select KEY", "write BYTES", "read COUNT" and "reset"
 * are a guest's dealings with a fw_cfg device of 300 events, of which those
 * with even ids are on; "switch NUMBER ID=STATE..." is the host's.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trackway/channel.h>

static void show_bytes(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

static bool on_event(void *context, const struct tw_channel_event *event)
{
	printf("=> event %ju, arguments", (uintmax_t)event->id);
	for (uint32_t i = 0; i < event->argument_count; i++)
		printf(" %ju", (uintmax_t)event->arguments[i]);
	printf("\n");
	return true;
}

static int on_state(void *context, uint64_t id)
{
	return id % 2 == 0;
}

static size_t parse_bytes(char *text, uint8_t *bytes)
{
	size_t size = 0;

	for (char *word = strtok(text, " \n"); word && size < 1024;
	     word = strtok(NULL, " \n"))
		bytes[size++] = (uint8_t)strtoul(word, NULL, 16);
	return size;
}

static void show_event(const struct tw_channel_event *event)
{
	printf("=> event %ju, number %u, ", (uintmax_t)event->id,
	       event->sequence);
	if (event->has_time)
		printf("time %#jx, ", (uintmax_t)event->time);
	printf("fields");
	show_bytes(event->fields, event->fields_size);
}

static void show_start(const struct tw_channel_start *start)
{
	printf("=> start of %s, %u events, %ju Hz, time %#jx, words of %u\n",
	       start->name, start->event_count, (uintmax_t)start->clock_hz,
	       (uintmax_t)start->time, start->word_size);
}

static void show_frames(struct tw_frame_decoder *decoder, char *line)
{
	const struct tw_channel_event *event;
	struct tw_channel_counts counts;
	static uint64_t lost;
	uint8_t bytes[1024];
	const char *text;
	size_t size = parse_bytes(line, bytes);
	int found;

	tw_frame_decoder_feed(decoder, bytes, size);
	while ((found = tw_frame_decoder_next(decoder, &event))) {
		tw_frame_decoder_counts(decoder, &counts, sizeof(counts));
		if (counts.lost != lost)
			printf("=> lost %ju\n", (uintmax_t)counts.lost - lost);
		lost = counts.lost;
		if (found == TW_FRAME_EVENT)
			show_event(event);
		else if (found == TW_FRAME_START)
			show_start(tw_frame_decoder_start(decoder));
		else if ((text = tw_frame_decoder_text(decoder, &size))) {
			printf("=> skipped");
			show_bytes((const uint8_t *)text, size);
		}
	}
}

static void show_switch(char *line)
{
	struct tw_channel_switch switches[TW_FRAME_SWITCHES_MAX];
	uint8_t frame[TW_FRAME_MAX];
	uint32_t sequence = (uint32_t)strtoul(line, &line, 10);
	size_t count = 0;
	int size;

	while (*line == ' ' && count < TW_FRAME_SWITCHES_MAX) {
		switches[count].id = (uint16_t)strtoul(line, &line, 0);
		switches[count++].on = strtoul(line + 1, &line, 10);
	}
	size = tw_frame_encode_switch(frame, sizeof(frame), sequence, switches,
				      count);
	printf("=>");
	show_bytes(frame, size > 0 ? (size_t)size : 0);
}

static void show_device(struct tw_fw_cfg_channel *channel, char *line)
{
	uint8_t bytes[1024];
	size_t size;

	if (strncmp(line, "select ", 7) == 0) {
		tw_fw_cfg_channel_select(channel,
					 (uint16_t)strtoul(line + 7, NULL, 16));
	} else if (strncmp(line, "write ", 6) == 0) {
		size = parse_bytes(line + 6, bytes);
		tw_fw_cfg_channel_write(channel, bytes, size);
	} else if (strncmp(line, "read ", 5) == 0) {
		size = strtoul(line + 5, NULL, 10);
		for (size_t i = 0; i < size && i < sizeof(bytes); i++)
			bytes[i] = tw_fw_cfg_channel_read(channel);
		printf("=>");
		show_bytes(bytes, size < sizeof(bytes) ? size : 0);
	} else {
		tw_fw_cfg_channel_reset(channel);
	}
}

int main(void)
{
	const struct tw_fw_cfg_channel_options options = {
		.size = sizeof(options),
		.event = on_event,
		.state = on_state,
		.event_count = 300,
	};
	struct tw_fw_cfg_channel *channel = NULL;
	struct tw_frame_decoder *decoder = NULL;
	char line[4096];

	if (tw_fw_cfg_channel_create(&channel, &options) ||
	    tw_frame_decoder_create(&decoder, TW_FRAME_WANT_TEXT))
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, "switch ", 7) == 0)
			show_switch(line + 7);
		else if (strncmp(line, "select", 6) == 0 || line[0] == 'w' ||
			 line[0] == 'r')
			show_device(channel, line);
		else
			show_frames(decoder, line);
	}
	tw_frame_decoder_destroy(decoder);
	tw_fw_cfg_channel_destroy(channel);
	return 0;
}
