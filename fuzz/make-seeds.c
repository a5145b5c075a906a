/* SPDX-License-Identifier: MIT */
/*
 * Make the binary seeds again, for when a format has changed. Run in fuzz/:
 *
 *	BUILD/fuzz/fuzz-make-seeds corpus
 */
#include "../tests/unit/attach/ring-maker.h"
#include "../tests/unit/channel/frame-maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A seed as it is put together, in either byte order. */
struct seed {
	bool big_endian;
	size_t size;
	uint8_t bytes[16384];
};

static void put(struct seed *seed, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		seed->bytes[seed->size + i] =
			(uint8_t)(value >>
				  8 * (seed->big_endian ? size - 1 - i : i));
	seed->size += size;
}

static void put_bytes(struct seed *seed, const void *bytes, size_t size)
{
	memcpy(seed->bytes + seed->size, bytes, size);
	seed->size += size;
}

static void put_string(struct seed *seed, const char *string)
{
	put_bytes(seed, string, strlen(string) + 1);
}

static void put_event(struct seed *seed, uint64_t time, uint64_t id)
{
	put(seed, seed->big_endian ? id << 48 | time : time << 16 | id, 8);
}

static void save(const struct seed *seed, const char *corpus,
		 const char *target, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", corpus, target);
	mkdir(corpus, 0777);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
	file = fopen(path, "wbe");
	if (!file || fwrite(seed->bytes, 1, seed->size, file) != seed->size ||
	    fclose(file)) {
		perror(path);
		exit(1);
	}
}

/* ---- Rings, and the schema in them ---- */

/* demo_start(int value, const char *text) and demo_stop(void). */
static void put_demo_events(struct seed *seed, uint64_t time, int count)
{
	for (int i = 0; i < count; i++) {
		put_event(seed, time + (uint64_t)i, i % 3 ? 0 : 1);
		if (i % 3) {
			put(seed, (uint64_t)(5 - i), 4);
			put_string(seed, "text");
		}
	}
}

static void make_page(struct made_ring *ring, uint32_t index, uint32_t state,
		      int events)
{
	const size_t at = ring->pages_offset + (size_t)index * 512;
	struct seed content = {.big_endian = ring->big_endian};

	put_demo_events(&content, 2000 + index * 100, events);
	memcpy(ring->bytes + at + TW_PAGE_HEADER, content.bytes, content.size);
	made_ring_put32(ring, at, TW_PAGE_MAGIC);
	memset(ring->bytes + at + 4, 0x5a, 16);
	made_ring_put64(ring, at + 24, 2000 + index * 100);
	made_ring_put64(ring, at + 32, 2000 + index * 100 + (uint64_t)events);
	made_ring_put32(ring, at + 40,
			(uint32_t)(TW_PAGE_HEADER + content.size) * 8);
	made_ring_put32(ring, at + 44, (uint32_t)events);
	made_ring_put32(ring, at + 48, 512 * 8);
	made_ring_put32(ring, at + 512 - TW_PAGE_TRAILER, index << 2 | state);
}

static void make_rings(const char *corpus, bool big_endian, bool mapped)
{
	struct seed seed = {.big_endian = big_endian}, blob = seed;
	struct made_ring ring;

	made_ring_init(&ring, big_endian, "fuzz", 1, 1);
	made_ring_put32(&ring, ring.groups_offset + 4, 0); /* id_base */
	make_page(&ring, 0, TW_PAGE_FULL, 7);
	make_page(&ring, 1, TW_PAGE_OPEN, 2);
	put(&seed, mapped, 1);
	put_bytes(&seed, ring.bytes, ring.size);
	save(&seed, corpus, "ring",
	     big_endian ? "good-big-endian" : "good-little-endian");
	put(&blob, big_endian, 1);
	put_bytes(&blob, ring.bytes + ring.schema_offset, ring.schema_size);
	save(&blob, corpus, "blob",
	     big_endian ? "good-big-endian" : "good-little-endian");
	made_ring_free(&ring);
}

/* Memory with two rings in it, one of either byte order. */
static void make_memory(const char *corpus)
{
	static const uint8_t gap[TW_RING_ALIGN];
	struct seed seed = {0};

	for (int big_endian = 0; big_endian < 2; big_endian++) {
		struct made_ring ring;

		made_ring_init(&ring, big_endian, "fuzz", 0, 0);
		make_page(&ring, 0, TW_PAGE_FULL, 7);
		MADE_RING_SET(&ring, generation, 1 + (unsigned)big_endian);
		put_bytes(&seed, gap, sizeof(gap));
		put_bytes(&seed, ring.bytes, ring.size);
		made_ring_free(&ring);
	}
	save(&seed, corpus, "image", "good-two-rings");
}

/* ---- Pages, of the events in page.c ---- */

static void put_numbers(struct seed *seed)
{
	put(seed, 200, 1);
	put(seed, (uint64_t)-300, 2);
	put(seed, 0xdeadbeef, 4);
	put(seed, (uint64_t)-1, 8);
}

static void put_texts(struct seed *seed)
{
	put(seed, 0xffff800000001000, 8);
	put(seed, 1, 1);
	put_string(seed, "a \"text\"\n\x1b[31m \xc3\xa9 \xff");
	put(seed, 3, 2);
	put_bytes(seed, "\0\1\2", 3);
}

static void put_floats(struct seed *seed)
{
	const float f32 = -1.5F;
	const double f64 = 1e300;
	uint32_t u32;
	uint64_t u64;

	memcpy(&u32, &f32, sizeof(u32));
	memcpy(&u64, &f64, sizeof(u64));
	put(seed, u32, 4);
	put(seed, u64, 8);
}

static void make_page_content(const char *corpus, bool big_endian)
{
	struct seed seed = {.big_endian = big_endian};

	put(&seed, big_endian, 1);
	put_event(&seed, 1000, 0);
	put_event(&seed, 1001, 1);
	put_numbers(&seed);
	put_event(&seed, 1001, 2);
	put_texts(&seed);
	put_event(&seed, 5, 3); /* the low 48 bits have gone round */
	put_floats(&seed);
	put_event(&seed, 6, 4);
	put_numbers(&seed);
	put_texts(&seed);
	put_floats(&seed);
	save(&seed, corpus, "page",
	     big_endian ? "good-big-endian" : "good-little-endian");
}

/* ---- Formats: kinds are indices in format.c's table ---- */

static void make_format(const char *corpus, const char *name, bool big_endian,
			const char *kinds, const char *format)
{
	struct seed seed = {.big_endian = big_endian};

	put(&seed, strlen(kinds) | (big_endian ? 0x80 : 0), 1);
	for (; *kinds; kinds++)
		put(&seed, (uint64_t)(*kinds - 'a'), 1);
	put_string(&seed, format);
	put(&seed, 0x41424344, 4);
	put_string(&seed, "string");
	put(&seed, 0x4009000000000000, 8);
	put(&seed, 0, 16);
	save(&seed, corpus, "format", name);
}

static void make_formats(const char *corpus)
{
	make_format(corpus, "good-numbers", false, "cm", "a=%d b=\"%s\"");
	make_format(corpus, "good-widths", true, "cmoc",
		    "%#-*x|%.*s|%+ 012.3f|%hhu");
	make_format(corpus, "good-lengths", false, "adgh",
		    "%hhd %hd %ld %lld %zu %jd %td");
	make_format(corpus, "good-none", false, "cmo", "");
	make_format(corpus, "good-misfits", true, "cmop",
		    "%s %d %x %p %c %% %y %");
	make_format(corpus, "good-floats", false, "cmo", "%a %g %E %F %.600f");
}

/* ---- Streams of frames, in pieces of as many bytes as the first says ---- */

static void put_frames(struct seed *seed, const char *text)
{
	static const struct frame_maker_start start = {
		.version = 1,
		.flags = 1,
		.event_count = 4,
		.clock_hz = 1000,
		.time = 0xffffffffffff0,
		.word_size = 4,
		.name = "fuzz",
	};
	static const uint8_t fields[] = "text\0\3\0abc\1\2more";
	uint8_t frame[FRAME_MAKER_MAX] = {0};

	put_bytes(seed, frame, frame_maker_start(frame, 0, &start));
	for (uint64_t i = 1; i < 5; i++) {
		put_bytes(seed, text, strlen(text));
		put_bytes(seed, frame,
			  frame_maker_event(frame, (uint32_t)i,
					    0xfffffffffff0 + i * 8,
					    (uint16_t)(i % 4), fields,
					    i * 5 % sizeof(fields)));
	}
}

static void make_streams(const char *corpus)
{
	static const uint8_t dear[] = {0xf7, 0xf0, 0x03, 0x01};
	uint8_t frame[FRAME_MAKER_MAX] = {0};
	struct seed seed = {0};

	put(&seed, 6, 1);
	put_frames(&seed, "");
	put_frames(&seed, ""); /* it starts anew */
	save(&seed, corpus, "frames", "good-two-starts");
	seed.bytes[40] ^= 1;
	seed.bytes[200] ^= 0x80;
	save(&seed, corpus, "frames", "damaged");
	seed.size = 0;
	put(&seed, 30, 1);
	put_frames(&seed, "boot \xf7 \xc3\xa9\r\n");
	put_bytes(&seed, frame, frame_maker_frame(frame, 9, 5, "", 0));
	put_bytes(&seed, frame, frame_maker_frame(frame, 3, 0, "\1\0\1", 3));
	save(&seed, corpus, "frames", "between-text");
	seed.size = 0;
	put(&seed, 255, 1);
	while (seed.size < 2000)
		put_bytes(&seed, dear, sizeof(dear));
	save(&seed, corpus, "frames", "dearest");
	seed.size = 0;
	put(&seed, 0, 1);
	while (seed.size < 100)
		put(&seed, 0xf7, 1);
	save(&seed, corpus, "frames", "only-marks");
}

/* ---- Files of QEMU's simple backend ---- */

static void put_name(struct seed *seed, uint64_t id, const char *name)
{
	put(seed, 0, 8);
	put(seed, id, 8);
	put(seed, strlen(name), 4);
	put_bytes(seed, name, strlen(name));
}

/* Its arguments follow: so many bytes. */
static void put_record(struct seed *seed, uint64_t id, uint64_t ns,
		       uint64_t size)
{
	put(seed, 1, 8);
	put(seed, id, 8);
	put(seed, ns, 8);
	put(seed, 24 + size, 4);
	put(seed, 4242, 4);
}

/* The events are those that foreign-walk.c declares. */
static void make_simpletrace(const char *corpus, bool big_endian)
{
	struct seed seed = {.big_endian = big_endian};

	put(&seed, ~0ull, 8);
	put(&seed, 0xf2b177cb0aa429b4, 8);
	put(&seed, 4, 8);
	put_name(&seed, 0, "one");
	put_record(&seed, 0, 1000, 16);
	put(&seed, ~0ull, 8);
	put(&seed, 5, 8);
	put_name(&seed, 1, "two");
	put_record(&seed, 1, 999, 4 + 4 + 16);
	put(&seed, 4, 4);
	put_bytes(&seed, "text", 4);
	put(&seed, 255, 8);
	put(&seed, 255, 8);
	put_name(&seed, 2, "data");
	put_record(&seed, 2, 1001, 4 + 3 + 16);
	put(&seed, 3, 4);
	put_bytes(&seed, "\1\0\377", 3);
	put(&seed, 0x3fc00000, 8);
	put(&seed, 0xc002000000000000, 8);
	put_record(&seed, ~1ull, 1002, 8);
	put(&seed, 12, 8);
	put_name(&seed, 9, "strange");
	put_record(&seed, 9, 1003, 3);
	put_bytes(&seed, "\1\2\3", 3);
	put_record(&seed, 77, 1004, 0);
	save(&seed, corpus, "simpletrace",
	     big_endian ? "good-big-endian" : "good-little-endian");
	seed.size -= 5;
	save(&seed, corpus, "simpletrace",
	     big_endian ? "cut-big-endian" : "cut-little-endian");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: fuzz-make-seeds CORPUS\n");
		return 2;
	}
	make_rings(argv[1], false, true);
	make_rings(argv[1], true, false);
	make_memory(argv[1]);
	make_page_content(argv[1], false);
	make_page_content(argv[1], true);
	make_formats(argv[1]);
	make_streams(argv[1]);
	make_simpletrace(argv[1], false);
	make_simpletrace(argv[1], true);
	return 0;
}
