/* SPDX-License-Identifier: MIT */
/*
 * What is kept while events are printed: of each event and producer what is the
 * same from line to line, and the lines that are to be written. print-loop.c
 * says what is printed, a form how.
 */
#ifndef TRACKWAY_CLI_PRINTER_H
#define TRACKWAY_CLI_PRINTER_H

#include "open-trace.h"
#include "print.h"

#define TW_LABEL_ROOM 32 /* bytes that are copied at once */

/* An event of a producer, as it is printed. */
struct tw_printed_event {
	bool known;
	bool chosen;
	struct tw_format *format;
	char *label; /* text: name and a blank; JSON: the member "event" */
	size_t label_size; /* TW_LABEL_ROOM bytes are there in any case */
};

struct tw_printed_producer {
	struct tw_printed_event *events; /* TW_EVENTS_MAX of them */
	bool is_announced; /* that it came after a reset has been said */
	char *label;	   /* text before the thread; JSON: name and pid */
	size_t label_size;
};

struct tw_print_form;

struct tw_printer {
	const struct tw_print_request *request;
	const struct tw_print_form *form;
	const struct tw_open_options *open_options;
	struct tw_opened opened;
	struct tw_trace *trace; /* opened's */
	struct tw_printed_producer *producers;
	uint32_t producer_count;
	unsigned int name_width;
	struct tw_json json; /* its text is the output of both formats */
	uint64_t printed;
	uint64_t limit;
	uint64_t second;		/* ns: the one that is in clock_text */
	uint64_t microsecond;		/* likewise */
	char clock_text[TW_LABEL_ROOM]; /* "14:03:21.123456", styled */
	size_t second_size;		/* of it, up to the point */
	/* Text from a line's time to its event, of the thread printed last. */
	const struct tw_trace_producer *prefix_producer;
	uint32_t prefix_tid;
	struct tw_text prefix;
	uint64_t first_ns;
	uint64_t last_ns;
	const char *time_style;
	const char *plain_style;
	size_t warnings_said;
};

/* A form of output. What has no memory marks the output as failed. */
struct tw_print_form {
	/* Append an event's label, which is then the same in all its lines. */
	void (*add_event)(struct tw_json *json,
			  const struct tw_event_desc *event);
	/* Append a producer's. */
	void (*add_producer)(const struct tw_printer *printer,
			     const struct tw_trace_producer *producer,
			     struct tw_json *json);
	void (*event)(struct tw_printer *printer,
		      const struct tw_record *record,
		      const struct tw_printed_event *shown);
	/* A ring has taken the place of one that was shown before. */
	void (*reset)(struct tw_printer *printer,
		      const struct tw_trace_producer *producer,
		      uint64_t time_ns);
	void (*lost)(struct tw_printer *printer,
		     const struct tw_record *record);
};

extern const struct tw_print_form tw_print_as_text;
extern const struct tw_print_form tw_print_as_json;

#endif
