/* SPDX-License-Identifier: MIT */
/* What the guest sends, through trackway-channel and format guest's switch. */
#include "guest-events.h"
#include "guest-string.h"
#include "guest-trace.h"
#include "trace.h"

#include <inttypes.h>
#include <trackway/channel.h>

/* Strings are sent as addresses; there is one guest in a process. */
static const struct memory *guest_memory;

const char *guest_string(uint64_t address)
{
	return memory_string(guest_memory, address);
}

/* The event itself comes right after what the VMM has to say of it. */
static bool take_event(void *context, const struct tw_channel_event *event)
{
	trace_vmm_guest_event(event->id, event->argument_count,
			      event->fields_size);
	return guest_trace_event_firmware(event);
}

static int get_state(void *context, uint64_t id)
{
	return guest_trace_state_firmware(id);
}

int guest_events_open(struct guest_events *events, const struct memory *memory)
{
	const struct tw_fw_cfg_channel_options options = {
		.size = sizeof(options),
		.context = events,
		.event = take_event,
		.state = get_state,
		.event_count = guest_trace_count_firmware(),
	};
	int err;

	guest_memory = memory;
	*events = (struct guest_events){0};
	err = tw_fw_cfg_channel_create(&events->channel, &options);
	if (!err)
		err = tw_frame_decoder_create(&events->decoder,
					      TW_FRAME_WANT_TEXT);
	if (err)
		guest_events_close(events);
	return err;
}

void guest_events_close(struct guest_events *events)
{
	tw_fw_cfg_channel_destroy(events->channel);
	tw_frame_decoder_destroy(events->decoder);
	*events = (struct guest_events){0};
}

static void print_text(const struct tw_frame_decoder *decoder)
{
	size_t size;
	const char *text = tw_frame_decoder_text(decoder, &size);

	fwrite(text, 1, size, stdout);
}

/* Whatever the decoder has found by now. */
static void take_frames(struct guest_events *events)
{
	const struct tw_channel_event *event;
	const struct tw_channel_start *start;
	int found;

	while ((found = tw_frame_decoder_next(events->decoder, &event))) {
		switch (found) {
		case TW_FRAME_EVENT:
			if (!take_event(events, event))
				events->refused_frames++;
			break;
		case TW_FRAME_START:
			start = tw_frame_decoder_start(events->decoder);
			trace_vmm_guest_start(start->name, start->event_count);
			break;
		case TW_FRAME_TEXT:
			print_text(events->decoder);
			break;
		}
	}
}

void guest_events_console(struct guest_events *events, uint8_t byte)
{
	/* There is always room for one: whatever was there has been taken. */
	tw_frame_decoder_feed(events->decoder, &byte, 1);
	take_frames(events);
}

void guest_events_reset(struct guest_events *events)
{
	tw_fw_cfg_channel_reset(events->channel);
	tw_frame_decoder_end(events->decoder);
	take_frames(events);
}

static void say_count(FILE *out, uint64_t count, const char *what)
{
	if (count)
		fprintf(out, ", %" PRIu64 " %s", count, what);
}

static void say_channel(const struct tw_channel_counts *counts, FILE *out)
{
	fprintf(out, "vmm: fw_cfg: %" PRIu64 " events", counts->events);
	say_count(out, counts->unknown, "unknown");
	say_count(out, counts->short_words, "words cut off");
	say_count(out, counts->short_events, "events cut off");
	say_count(out, counts->resets, "resets");
	fputc('\n', out);
}

static void say_frames(const struct tw_channel_counts *counts, uint64_t refused,
		       FILE *out)
{
	fprintf(out, "vmm: console: %" PRIu64 " events",
		counts->events - refused);
	say_count(out, refused, "unknown");
	say_count(out, counts->lost, "lost");
	say_count(out, counts->bad_frames, "bad frames");
	say_count(out, counts->malformed, "malformed frames");
	say_count(out, counts->other_frames, "other frames");
	fputc('\n', out);
}

void guest_events_end(struct guest_events *events, FILE *out)
{
	struct tw_channel_counts counts;

	tw_frame_decoder_end(events->decoder);
	take_frames(events);
	tw_fw_cfg_channel_counts(events->channel, &counts, sizeof(counts));
	say_channel(&counts, out);
	tw_frame_decoder_counts(events->decoder, &counts, sizeof(counts));
	if (counts.events || counts.lost || counts.bad_frames)
		say_frames(&counts, events->refused_frames, out);
}
