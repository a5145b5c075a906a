/* SPDX-License-Identifier: MIT */
/*
 * What is to be generated: the events of all inputs, as one group, with the
 * names that they have in C, and the backends that serve them.
 */
#ifndef TRACKWAY_TRACETOOL_JOB_H
#define TRACKWAY_TRACETOOL_JOB_H

#include "../schema/event.h"

struct tw_tool_backend;

struct tw_job_event {
	const struct tw_event_desc *desc;
	uint32_t index;	   /* in the group: of its state byte and blob entry */
	const char *macro; /* its name in upper case, for macros */
	/* The arguments' names, or others where those are no names in C++. */
	const char *arguments[TW_FIELDS_MAX];
	bool has_enabled; /* no event has the name of its NAME_enabled() */
};

struct tw_job {
	const char *group;    /* of letters, digits and underscores */
	const char *provider; /* of probes and tracepoints, a C identifier */
	const char *binary;   /* the traced program; NULL: not said */
	const char *probe_prefix; /* of SystemTap's probes; NULL: not said */
	const char *guest_suffix; /* of the functions of format guest */
	const char *guest_prefix; /* of the host's names for them; may be "" */
	uint32_t guest_base;	  /* the first event's id in the guest */
	const char *output_name;  /* what the generated file is called */
	struct tw_job_event *events;
	uint32_t event_count;
	const struct tw_tool_backend *const *backends; /* in the order given */
	uint32_t backend_count;
	struct tw_arena *names; /* the job's own strings */
};

/*
 * Fill in events from the schemas, in their order; job is zero-filled before,
 * and the schemas must outlive it. 0; -EINVAL with a line in message (no
 * newline) and its event in *culprit; -ENOMEM.
 */
int tw_job_add_events(struct tw_job *job, struct tw_schema *const *schemas,
		      size_t schema_count, char *message, size_t message_size,
		      const struct tw_event_desc **culprit);

/* Free what tw_job_add_events() made. */
void tw_job_clear(struct tw_job *job);

/*
 * A group's name from its first input's path, to be freed; NULL: no memory.
 *
 *	trace-events => common		hw/net/trace-events => hw_net
 *	../a-b/trace-events => a_b	/src/x/trace-events => x
 *	net/esp.trace-events => net_esp	9p.events => 9p
 *
 * Of an absolute path only the last folder counts: names that depend on where
 * a tree was unpacked make builds that can't be repeated.
 */
char *tw_job_group_name(const char *path);

/*
 * The provider's name, to be freed; NULL: no memory. What is no letter or digit
 * becomes an underscore, and one goes before a digit.
 *
 *	qemu.system.x86_64 => qemu_system_x86_64	9p => _9p
 */
char *tw_job_provider_name(const char *text);

#endif
