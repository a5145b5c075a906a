/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a guest's memory: searched for rings, and each that is found
 * opened and used as the commands do. The memory is searched twice, as by a
 * command that follows.
 */
#include "target.h"

#include "../src/attach/ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES_MAX 32 /* looked at of each ring */

bool fuzz_accepted;

static bool try_pages(struct tw_attach *attach)
{
	struct tw_ring_reader *ring = &attach->ring;
	void *page = malloc(ring->control.page_size);
	struct tw_page_view view;
	bool is_any = false;

	for (uint32_t i = 0;
	     page && i < ring->control.page_count && i < ENTRIES_MAX; i++) {
		if (tw_ring_page_copy(ring, i, page, &view))
			continue;
		FUZZ_CHECK(view.size <= ring->control.page_size);
		FUZZ_CHECK(tw_ring_page_release(ring, &view) < 0);
		is_any = true;
	}
	free(page);
	return is_any;
}

static bool try_attach(struct tw_attach *attach)
{
	struct tw_attach_error error;
	bool is_any = false;

	FUZZ_CHECK(!attach->writable && !tw_attach_is_alive(attach));
	for (uint32_t id = 0; id < attach->lookup_count; id++) {
		int state = tw_attach_event_state(attach, id);

		FUZZ_CHECK(state <= 1);
		FUZZ_CHECK(tw_attach_set_event_state(attach, id, true) < 0);
		is_any |= state >= 0 && attach->lookup[id];
	}
	tw_attach_refresh(attach, &error);
	return try_pages(attach) && is_any;
}

static void try_rings(struct tw_ram *ram, size_t size)
{
	struct tw_attach_error error;
	struct tw_attach *attach;

	for (size_t i = 0; i < tw_ram_ring_count(ram); i++) {
		const struct tw_ram_ring *ring = tw_ram_ring(ram, i);

		FUZZ_CHECK(ring->place % TW_RING_ALIGN == 0 &&
			   ring->place < size);
		FUZZ_CHECK(ring->why || ring->size <= size - ring->place);
		error.text[0] = '\0';
		if (tw_ram_attach(ram, i, false, &attach, &error)) {
			FUZZ_CHECK(error.text[0]);
			continue;
		}
		fuzz_accepted |= try_attach(attach);
		tw_attach_close(attach);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tw_attach_error error;
	struct tw_ram *ram;
	char spec[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	snprintf(spec, sizeof(spec), "image:/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size &&
	    !tw_ram_open(spec, false, &ram, &error)) {
		FUZZ_CHECK(tw_ram_scan(ram, &error) >= 0);
		FUZZ_CHECK(tw_ram_scan(ram, &error) == 0);
		try_rings(ram, size);
		tw_ram_close(ram);
	}
	close(fd);
	return 0;
}
