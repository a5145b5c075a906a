/* SPDX-License-Identifier: MIT */
/*
 * From packed bytes to events and values. Everything is checked against the
 * page's content, which is all that is ever read.
 */

#include "decode.h"

#include <errno.h>
#include <string.h>
#include <trackway/ring.h>

#define TIME_MASK (((uint64_t)1 << TW_EVENT_TIME_BITS) - 1)

/* An unsigned number of size bytes, a field's. */
static uint64_t load(const uint8_t *at, uint32_t size, bool swap)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1:
		return *at;
	case 2:
		memcpy(&u16, at, sizeof(u16));
		return swap ? __builtin_bswap16(u16) : u16;
	case 4:
		memcpy(&u32, at, sizeof(u32));
		return swap ? __builtin_bswap32(u32) : u32;
	case 8:
		memcpy(&u64, at, sizeof(u64));
		return swap ? __builtin_bswap64(u64) : u64;
	default:
		return 0;
	}
}

static double load_float(const uint8_t *at, uint32_t size, bool swap)
{
	uint64_t bits = load(at, size, swap);
	uint32_t bits32 = (uint32_t)bits;
	double f64;
	float f32;

	if (size == sizeof(f64)) {
		memcpy(&f64, &bits, sizeof(f64));
		return f64;
	}
	memcpy(&f32, &bits32, sizeof(f32));
	return (double)f32;
}

static int64_t sign_extend(uint64_t value, uint32_t size)
{
	uint32_t shift = 64 - size * 8;

	return shift < 64 ? (int64_t)(value << shift) >> shift : 0;
}

/* What a string or bytes take, or SIZE_MAX if they end past room. */
static size_t variable_size(const struct tw_field *field, const uint8_t *at,
			    size_t room, bool swap)
{
	const uint8_t *nul;
	size_t size;

	if (field->kind == TW_FIELD_STRING) {
		nul = memchr(at, 0, room);
		return nul ? (size_t)(nul - at) + 1 : SIZE_MAX;
	}
	if (room < 2)
		return SIZE_MAX;
	size = 2 + (size_t)load(at, 2, swap);
	return size <= room ? size : SIZE_MAX;
}

int64_t tw_fields_size(const struct tw_event_desc *event, const uint8_t *fields,
		       size_t room, bool swap)
{
	size_t at = 0;

	if (event->fixed_size)
		return event->fixed_size <= room ? (int64_t)event->fixed_size
						 : -EBADMSG;
	for (uint32_t i = 0; i < event->field_count; i++) {
		const struct tw_field *field = &event->fields[i];
		size_t size = field->size;

		if (field->kind == TW_FIELD_STRING ||
		    field->kind == TW_FIELD_BYTES)
			size = variable_size(field, fields + at, room - at,
					     swap);
		if (size > room - at)
			return -EBADMSG;
		at += size;
	}
	return (int64_t)at;
}

void tw_fields_value(const struct tw_event_desc *event, uint32_t index,
		     const uint8_t *fields, size_t *offset, bool swap,
		     struct tw_value *value)
{
	const struct tw_field *field = &event->fields[index];
	const uint8_t *at = fields + *offset;

	value->field = field;
	switch (field->kind) {
	case TW_FIELD_STRING:
		value->string.text = (const char *)at;
		value->string.size = strlen((const char *)at);
		*offset += value->string.size + 1;
		return;
	case TW_FIELD_BYTES:
		value->string.text = (const char *)at + 2;
		value->string.size = (size_t)load(at, 2, swap);
		*offset += value->string.size + 2;
		return;
	case TW_FIELD_FLOAT:
		value->f = load_float(at, field->size, swap);
		break;
	case TW_FIELD_SINT:
		value->s = sign_extend(load(at, field->size, swap),
				       field->size);
		break;
	default:
		value->u = load(at, field->size, swap);
		break;
	}
	*offset += field->size;
}

void tw_page_walk_start(struct tw_page_walk *walk, const void *page,
			size_t size, uint64_t time_begin)
{
	*walk = (struct tw_page_walk){
		.page = page,
		.offset = size < TW_PAGE_HEADER ? size : TW_PAGE_HEADER,
		.size = size,
		.time = time_begin,
	};
}

static int bad(struct tw_page_walk *walk, const char *why)
{
	walk->why = why;
	return -EBADMSG;
}

/* The time whose low bits are low: the first one from walk->time on. */
static uint64_t widen(const struct tw_page_walk *walk, uint64_t low)
{
	uint64_t time = (walk->time & ~TIME_MASK) | low;

	if (time < walk->time)
		time += TIME_MASK + 1;
	return time;
}

static bool is_big_endian(bool swap)
{
	return swap != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

int tw_page_walk_next(struct tw_page_walk *walk,
		      const struct tw_decoder *decoder, struct tw_decoded *out)
{
	const uint8_t *at = walk->page + walk->offset;
	size_t room = walk->size - walk->offset;
	int64_t size;
	uint64_t word;

	if (room == 0)
		return 0;
	out->event = NULL;
	out->id = TW_EVENTS_MAX;
	if (room < TW_EVENT_HEADER)
		return bad(walk, "the page ends within an event's first word");
	word = load(at, TW_EVENT_HEADER, decoder->swap);
	if (is_big_endian(decoder->swap)) {
		out->id = (uint32_t)(word >> TW_EVENT_TIME_BITS);
		out->time = widen(walk, word & TIME_MASK);
	} else {
		out->id = (uint32_t)(word & 0xffff);
		out->time = widen(walk, word >> 16);
	}
	out->event = out->id < decoder->id_count ? decoder->lookup[out->id]
						 : NULL;
	if (!out->event)
		return bad(walk, "an event that no schema declares");
	if (out->time < walk->time)
		return bad(walk, "an event's time is past 64 bits");
	out->fields = at + TW_EVENT_HEADER;
	size = tw_fields_size(out->event, out->fields, room - TW_EVENT_HEADER,
			      decoder->swap);
	if (size < 0)
		return bad(walk, "an event reaches past the page's content");
	out->fields_size = (size_t)size;
	walk->time = out->time;
	walk->offset += TW_EVENT_HEADER + out->fields_size;
	return 1;
}
