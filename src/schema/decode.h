/* SPDX-License-Identifier: MIT */
/*
 * From the packed bytes of a page to events and values. No allocation; safe on
 * hostile bytes.
 */
#ifndef TRACKWAY_SCHEMA_DECODE_H
#define TRACKWAY_SCHEMA_DECODE_H

#include "event.h"

/* One field's value. */
struct tw_value {
	const struct tw_field *field;
	union {
		uint64_t u; /* UINT, POINTER, BOOL */
		int64_t s;  /* SINT, sign-extended */
		double f;   /* FLOAT */
		struct {
			const char *text; /* in the page; not escaped */
			size_t size;	  /* without the NUL */
		} string;		  /* BYTES too, as they are */
	};
};

/*
 * How many bytes the event's fields take at the start of fields, or -EBADMSG if
 * they don't fit into room (an endless string, for one).
 */
int64_t tw_fields_size(const struct tw_event_desc *event, const uint8_t *fields,
		       size_t room, bool swap);

/*
 * Field number index of an event whose bytes tw_fields_size() has accepted;
 * *offset is the place of that field and moves to the next one: begin with 0
 * and ask for the fields in their order.
 */
void tw_fields_value(const struct tw_event_desc *event, uint32_t index,
		     const uint8_t *fields, size_t *offset, bool swap,
		     struct tw_value *value);

/*
 * The events that a ring's ids stand for. lookup is an array of id_count
 * pointers; NULL is an id nobody declared.
 */
struct tw_decoder {
	const struct tw_event_desc *const *lookup;
	uint32_t id_count;
	bool swap;
};

struct tw_decoded {
	const struct tw_event_desc *event;
	uint32_t id;
	uint64_t time; /* ticks, widened to 64 bits */
	const uint8_t *fields;
	size_t fields_size;
};

/* A walk over one page's events; copy of page bytes in the producer's order. */
struct tw_page_walk {
	const uint8_t *page;
	size_t offset;	 /* of the next event */
	size_t size;	 /* content, bytes */
	uint64_t time;	 /* of the event before, or the page's begin */
	const char *why; /* static; set with -EBADMSG */
};

/*
 * Begin at a page's first event. page: content of size bytes, header included.
 * time_begin: the page's.
 */
void tw_page_walk_start(struct tw_page_walk *walk, const void *page,
			size_t size, uint64_t time_begin);

/*
 * The next event: 1 and *out (pointing into the page), 0 at the end, -EBADMSG
 * at what is no event (walk->why); the walk can't go on from there. Where the
 * id is one that decoder doesn't know, out->event is NULL and out->id is set,
 * and the same event may be asked for again with a decoder that knows more.
 */
int tw_page_walk_next(struct tw_page_walk *walk,
		      const struct tw_decoder *decoder, struct tw_decoded *out);

#endif
