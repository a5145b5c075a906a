/* SPDX-License-Identifier: MIT */
/* A host that reads a guest's stream and has its events logged; see
 * test-channel.sh. */
#include "switch.h"

#include <stdio.h>
#include <trackway/channel.h>

static void take(struct tw_frame_decoder *decoder)
{
	const struct tw_channel_event *event;
	const char *text;
	size_t size;
	int found;

	while ((found = tw_frame_decoder_next(decoder, &event))) {
		if (found == TW_FRAME_START) {
			printf("start of %s, %u events\n",
			       tw_frame_decoder_start(decoder)->name,
			       tw_frame_decoder_start(decoder)->event_count);
		} else if (found == TW_FRAME_TEXT) {
			text = tw_frame_decoder_text(decoder, &size);
			fwrite(text, 1, size, stdout);
		} else if (!guest_trace_event_guest(event)) {
			printf("event %d refused\n", (int)event->id);
		}
	}
}

int main(void)
{
	struct tw_frame_decoder *decoder;
	struct tw_channel_counts counts;
	uint8_t bytes[100];
	size_t size;

	if (tw_frame_decoder_create(&decoder, TW_FRAME_WANT_TEXT))
		return 1;
	while ((size = fread(bytes, 1, sizeof(bytes), stdin))) {
		if (tw_frame_decoder_feed(decoder, bytes, size) != size)
			return 1;
		take(decoder);
	}
	tw_frame_decoder_end(decoder);
	take(decoder);
	tw_frame_decoder_counts(decoder, &counts, sizeof(counts));
	printf("%d events, %d lost, %d bad\n", (int)counts.events,
	       (int)counts.lost, (int)counts.bad_frames);
	tw_frame_decoder_destroy(decoder);
	return 0;
}
