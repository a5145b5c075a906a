/* SPDX-License-Identifier: MIT */
/*
 * CTF traces of other tracers, LTTng's above all, read by libbabeltrace2: its
 * component ctf.fs opens one trace, its muxer brings the streams into one
 * order, and a sink of ours takes the messages.
 *
 * libbabeltrace2 gives up a whole trace for a damaged stream file. What it has
 * given until then is kept, and one line says why there is no more. Where that
 * is nothing, repair-ctf.c finds out what it would read.
 *
 * Called by read-foreign.c.
 */
#include "read-foreign.h"

#include <errno.h>

#ifdef TW_HAVE_BABELTRACE2

#include "ctf-fields.h"
#include "repair-ctf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	const bt_event_class *key;
	struct tw_ctf_class *class;
};

struct ctf {
	struct tw_foreign *foreign;
	struct tw_ctf_repair *repair; /* what is read instead, or NULL */
	bt_graph *graph;
	bt_message_iterator *messages;
	struct slot *slots; /* hashed by key */
	size_t slot_room;
	size_t slot_count;
	int error; /* of ours, in the graph's midst */
	bool has_name;
	bool is_open;
	bool has_ended;
	uint64_t last_ns;
	uint64_t no_clock;
	uint64_t packets_lost;
	uint64_t uncounted; /* losses of an unknown number of events */
	uint64_t cut;
	bool is_since_epoch;
};

/* ---- Words ---- */

/* What the library says is wrong, in one line; its root is the first cause. */
static void say_why(char *to, size_t size, const char *otherwise)
{
	const bt_error *error = bt_current_thread_take_error();
	const bt_error_cause *cause;
	char *at;

	snprintf(to, size, "%s", otherwise);
	if (!error)
		return;
	if (bt_error_get_cause_count(error)) {
		cause = bt_error_borrow_cause_by_index(error, 0);
		snprintf(to, size, "%s", bt_error_cause_get_message(cause));
	}
	bt_error_release(error);
	for (at = to; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

/* ---- Messages ---- */

static size_t find_slot(const struct slot *slots, size_t room,
			const bt_event_class *key)
{
	size_t at = ((uintptr_t)key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20;

	for (at &= room - 1; slots[at].key && slots[at].key != key;)
		at = (at + 1) & (room - 1);
	return at;
}

static int grow_slots(struct ctf *ctf)
{
	const size_t room = ctf->slot_room ? ctf->slot_room * 2 : 256;
	struct slot *slots;

	if (ctf->slot_count * 2 < ctf->slot_room)
		return 0;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < ctf->slot_room; i++)
		if (ctf->slots[i].key)
			slots[find_slot(slots, room, ctf->slots[i].key)] =
				ctf->slots[i];
	free(ctf->slots);
	ctf->slots = slots;
	ctf->slot_room = room;
	return 0;
}

static struct tw_ctf_class *find_class(struct ctf *ctf, const bt_event *event)
{
	const bt_event_class *key = bt_event_borrow_class_const(event);
	struct tw_ctf_class *class;
	struct slot *slot;

	ctf->error = grow_slots(ctf);
	if (ctf->error)
		return NULL;
	slot = &ctf->slots[find_slot(ctf->slots, ctf->slot_room, key)];
	if (slot->key)
		return slot->class;
	class = tw_ctf_class_create(ctf->foreign, event, &ctf->error);
	if (!class)
		return NULL;
	*slot = (struct slot){.key = key, .class = class};
	/* So that its address is no other class's. */
	bt_event_class_get_ref(key);
	ctf->slot_count++;
	return class;
}

/* Since the epoch; events without a time are where those before them are. */
static uint64_t time_of(struct ctf *ctf, const bt_message *message)
{
	const bt_clock_class *clock =
		bt_message_event_borrow_stream_class_default_clock_class_const(
			message);
	int64_t ns;

	if (clock &&
	    !bt_clock_snapshot_get_ns_from_origin(
		    bt_message_event_borrow_default_clock_snapshot_const(
			    message),
		    &ns)) {
		ctf->is_since_epoch &= bt_clock_class_origin_is_unix_epoch(
					       clock) != 0;
		ctf->last_ns = ns > 0 ? (uint64_t)ns : 0;
	} else {
		ctf->no_clock++;
	}
	return ctf->last_ns;
}

static void take_event(struct ctf *ctf, const bt_message *message)
{
	const bt_event *event = bt_message_event_borrow_event_const(message);
	struct tw_ctf_class *class = find_class(ctf, event);
	bool cut = false;

	if (!class)
		return;
	ctf->error = tw_ctf_class_put(ctf->foreign, class, event,
				      time_of(ctf, message), &cut);
	ctf->cut += cut;
}

static void take_discarded_events(struct ctf *ctf, const bt_message *message)
{
	uint64_t count;

	if (bt_message_discarded_events_get_count(message, &count) !=
	    BT_PROPERTY_AVAILABILITY_AVAILABLE) {
		ctf->uncounted++;
		count = 1;
	}
	tw_foreign_lose(ctf->foreign, 0, count);
}

static void take_discarded_packets(struct ctf *ctf, const bt_message *message)
{
	uint64_t count;

	if (bt_message_discarded_packets_get_count(message, &count) !=
	    BT_PROPERTY_AVAILABILITY_AVAILABLE)
		count = 1;
	ctf->packets_lost += count;
	tw_foreign_lose(ctf->foreign, count, 0);
}

static const bt_value *find_entry(const bt_trace *trace, const char *name,
				  bt_value_type type)
{
	const bt_value *value =
		bt_trace_borrow_environment_entry_value_by_name_const(trace,
								      name);

	return value && bt_value_is_null(value) == BT_FALSE &&
			       bt_value_get_type(value) == type
		       ? value
		       : NULL;
}

/* What LTTng says of a trace: the session and the domain, or the process. */
static void take_name(struct ctf *ctf, const bt_message *message)
{
	const bt_trace *trace = bt_stream_borrow_trace_const(
		bt_message_stream_beginning_borrow_stream_const(message));
	const bt_value *session = find_entry(trace, "trace_name",
					     BT_VALUE_TYPE_STRING);
	const bt_value *domain = find_entry(trace, "domain",
					    BT_VALUE_TYPE_STRING);
	const bt_value *process = find_entry(trace, "procname",
					     BT_VALUE_TYPE_STRING);
	const bt_value *pid = find_entry(trace, "vpid",
					 BT_VALUE_TYPE_SIGNED_INTEGER);
	struct tw_source *source = ctf->foreign->source;
	char *name = NULL;

	ctf->has_name = true;
	if (pid)
		source->producer.pid = (uint32_t)bt_value_integer_signed_get(
			pid);
	if (process)
		name = strdup(bt_value_string_get(process));
	else if (session && domain &&
		 asprintf(&name, "%s/%s", bt_value_string_get(session),
			  bt_value_string_get(domain)) < 0)
		name = NULL;
	if (!name)
		return;
	free(source->name);
	source->name = name;
}

static void take_message(struct ctf *ctf, const bt_message *message)
{
	switch (bt_message_get_type(message)) {
	case BT_MESSAGE_TYPE_STREAM_BEGINNING:
		if (!ctf->is_open && !ctf->has_name)
			take_name(ctf, message);
		break;
	case BT_MESSAGE_TYPE_EVENT:
		take_event(ctf, message);
		break;
	case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
		take_discarded_events(ctf, message);
		break;
	case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
		take_discarded_packets(ctf, message);
		break;
	default:
		break;
	}
}

static bt_graph_simple_sink_component_initialize_func_status begin(
	bt_message_iterator *messages, void *data)
{
	struct ctf *ctf = data;

	ctf->messages = messages;
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_INITIALIZE_FUNC_STATUS_OK;
}

static bt_graph_simple_sink_component_consume_func_status consume(
	bt_message_iterator *iterator, void *data)
{
	struct ctf *ctf = data;
	bt_message_array_const messages;
	uint64_t count;

	switch (bt_message_iterator_next(iterator, &messages, &count)) {
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_OK:
		break;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_END:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_AGAIN;
	case BT_MESSAGE_ITERATOR_NEXT_STATUS_MEMORY_ERROR:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_MEMORY_ERROR;
	default:
		return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_ERROR;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!ctf->error)
			take_message(ctf, messages[i]);
		bt_message_put_ref(messages[i]);
	}
	return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK;
}

/* ---- Reading ---- */

static void say_counts(const struct ctf *ctf)
{
	struct tw_trace *trace = ctf->foreign->source->trace;
	const char *path = ctf->foreign->source->path;

	if (ctf->packets_lost)
		tw_trace_warn(trace,
			      "%s: %" PRIu64 " packets of events are missing: "
			      "how many events were in them is not known, and "
			      "counted as one each",
			      path, ctf->packets_lost);
	if (ctf->uncounted)
		tw_trace_warn(trace,
			      "%s: in %" PRIu64 " places an unknown number of "
			      "events is missing, counted as one each",
			      path, ctf->uncounted);
	if (ctf->cut)
		tw_trace_warn(trace,
			      "%s: %" PRIu64 " events have texts too long to "
			      "be shown whole",
			      path, ctf->cut);
	if (ctf->no_clock)
		tw_trace_warn(trace, "%s: %" PRIu64 " events have no time",
			      path, ctf->no_clock);
	if (!ctf->is_since_epoch)
		tw_trace_warn(trace,
			      "%s: its clock does not say when it began: its "
			      "times are as if that were 1970",
			      path);
}

static void end_early(struct ctf *ctf)
{
	struct tw_source *source = ctf->foreign->source;
	char why[256];

	source->producer.complete = false;
	say_why(why, sizeof(why), "libbabeltrace2 does not say why");
	tw_trace_warn(source->trace, "%s: ends early: %s", source->path, why);
}

static int read_ctf(struct tw_foreign *foreign)
{
	struct ctf *ctf = foreign->reader;
	bt_graph_run_once_status status;

	if (ctf->has_ended)
		return TW_FOREIGN_END;
	status = bt_graph_run_once(ctf->graph);
	if (ctf->error)
		return ctf->error;
	if (status == BT_GRAPH_RUN_ONCE_STATUS_OK ||
	    status == BT_GRAPH_RUN_ONCE_STATUS_AGAIN)
		return TW_FOREIGN_MORE;
	if (status != BT_GRAPH_RUN_ONCE_STATUS_END)
		end_early(ctf);
	say_counts(ctf);
	ctf->has_ended = true;
	return TW_FOREIGN_END;
}

/* ---- Opening ---- */

/* Its inputs: the one trace. */
static bt_value *make_params(const char *path)
{
	bt_value *params = bt_value_map_create();
	bt_value *inputs;

	if (params &&
	    (bt_value_map_insert_empty_array_entry(params, "inputs", &inputs) ||
	     bt_value_array_append_string_element(inputs, path))) {
		bt_value_put_ref(params);
		params = NULL;
	}
	return params;
}

static const bt_plugin *find_plugin(const char *name)
{
	const bt_plugin *plugin = NULL;

	return bt_plugin_find(name, BT_TRUE, BT_FALSE, BT_TRUE, BT_TRUE,
			      BT_FALSE, &plugin)
		       ? NULL
		       : plugin;
}

struct parts {
	const bt_plugin *ctf;
	const bt_plugin *utils;
	bt_value *params;
	const bt_component_class_source *source_class;
	const bt_component_class_filter *muxer_class;
	const bt_component_source *source;
	const bt_component_filter *muxer;
	const bt_component_sink *sink;
};

static bool connect_parts(bt_graph *graph, const struct parts *parts)
{
	const uint64_t count = bt_component_source_get_output_port_count(
		parts->source);
	const bt_port_output *output;
	const bt_port_input *input;

	for (uint64_t i = 0; i < count; i++) {
		output = bt_component_source_borrow_output_port_by_index_const(
			parts->source, i);
		/* There is always one more. */
		input = bt_component_filter_borrow_input_port_by_index_const(
			parts->muxer,
			bt_component_filter_get_input_port_count(parts->muxer) -
				1);
		if (bt_graph_connect_ports(graph, output, input, NULL))
			return false;
	}
	output = bt_component_filter_borrow_output_port_by_index_const(
		parts->muxer, 0);
	input = bt_component_sink_borrow_input_port_by_index_const(parts->sink,
								   0);
	return !bt_graph_connect_ports(graph, output, input, NULL);
}

static bool build(struct ctf *ctf, struct parts *parts)
{
	return !bt_graph_add_source_component(
		       ctf->graph, parts->source_class, "source", parts->params,
		       BT_LOGGING_LEVEL_NONE, &parts->source) &&
	       !bt_graph_add_filter_component(
		       ctf->graph, parts->muxer_class, "muxer", NULL,
		       BT_LOGGING_LEVEL_NONE, &parts->muxer) &&
	       !bt_graph_add_simple_sink_component(ctf->graph, "sink", begin,
						   consume, NULL, ctf,
						   &parts->sink) &&
	       connect_parts(ctf->graph, parts);
}

/* Of the trace in this directory. */
static int make_graph(struct ctf *ctf, const char *directory,
		      struct tw_attach_error *error)
{
	const char *path = ctf->foreign->source->path;
	struct parts parts = {
		.ctf = find_plugin("ctf"),
		.utils = find_plugin("utils"),
		.params = make_params(directory),
	};
	char why[256];
	int err = 0;

	if (parts.ctf)
		parts.source_class =
			bt_plugin_borrow_source_component_class_by_name_const(
				parts.ctf, "fs");
	if (parts.utils)
		parts.muxer_class =
			bt_plugin_borrow_filter_component_class_by_name_const(
				parts.utils, "muxer");
	bt_graph_put_ref(ctf->graph);
	ctf->graph = bt_graph_create(0);
	if (!parts.source_class || !parts.muxer_class)
		err = tw_trace_fail(error, -ENOENT,
				    "%s: libbabeltrace2 has no plugins ctf and "
				    "utils here",
				    path);
	else if (!ctf->graph || !parts.params)
		err = tw_trace_fail(error, -ENOMEM, "%s: out of memory", path);
	else if (!build(ctf, &parts)) {
		say_why(why, sizeof(why), "no CTF trace that can be read");
		err = tw_trace_fail(error, -EBADMSG, "%s: %s", path, why);
	}
	bt_value_put_ref(parts.params);
	bt_plugin_put_ref(parts.ctf);
	bt_plugin_put_ref(parts.utils);
	return err;
}

/* ---- Repair ---- */

static bool is_readable(void *context, const char *path)
{
	struct ctf trial = {.foreign = ((struct ctf *)context)->foreign};
	struct tw_attach_error error;
	const bool is_good = !make_graph(&trial, path, &error);

	bt_graph_put_ref(trial.graph);
	return is_good;
}

static void say_missing(void *context, const char *line)
{
	const struct tw_source *source =
		((struct ctf *)context)->foreign->source;

	tw_trace_warn(source->trace, "%s: %s", source->path, line);
}

/* *error says already why that is needed. */
static int repair(struct ctf *ctf, struct tw_attach_error *error)
{
	const struct tw_ctf_repair_hooks hooks = {
		.is_readable = is_readable,
		.say = say_missing,
		.context = ctf,
	};

	if (tw_ctf_repair_create(ctf->foreign->path, &hooks, &ctf->repair))
		return -EBADMSG;
	ctf->foreign->source->producer.complete = false;
	return make_graph(ctf, tw_ctf_repair_path(ctf->repair), error);
}

static void close_ctf(void *reader)
{
	struct ctf *ctf = reader;

	for (size_t i = 0; i < ctf->slot_room; i++) {
		if (!ctf->slots[i].key)
			continue;
		bt_event_class_put_ref(ctf->slots[i].key);
		tw_ctf_class_destroy(ctf->slots[i].class);
	}
	free(ctf->slots);
	bt_graph_put_ref(ctf->graph);
	tw_ctf_repair_destroy(ctf->repair);
	free(ctf);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int open_ctf(struct tw_foreign *foreign, struct tw_attach_error *error)
{
	struct tw_source *source = foreign->source;
	struct ctf *ctf = calloc(1, sizeof(*ctf));
	int err;

	foreign->reader = ctf;
	foreign->follow = false;
	source->name = strdup(base_name(foreign->path));
	if (!ctf || !source->name)
		return tw_trace_fail(error, -ENOMEM, "%s: out of memory",
				     source->path);
	ctf->foreign = foreign;
	ctf->is_since_epoch = true;
	/* Nothing in a trace tells how its clock was set. */
	tw_source_set_bounds(source, TW_BOUND_UNKNOWN, TW_BOUND_UNKNOWN);
	bt_logging_set_global_level(BT_LOGGING_LEVEL_NONE);
	err = make_graph(ctf, foreign->path, error);
	if (err == -EBADMSG)
		err = repair(ctf, error);
	/* The first messages tell its name. */
	if (!err)
		err = read_ctf(foreign);
	ctf->is_open = true;
	return err < 0 ? err : 0;
}

#else

static int open_ctf(struct tw_foreign *foreign, struct tw_attach_error *error)
{
	return tw_trace_fail(error, -ENOTSUP,
			     "%s: a CTF trace that Trackway has not recorded: "
			     "this trackway is built without libbabeltrace2, "
			     "which reads those",
			     foreign->source->path);
}

static int read_ctf(struct tw_foreign *foreign)
{
	return TW_FOREIGN_END;
}

static void close_ctf(void *reader)
{
}

#endif

const struct tw_foreign_kind tw_foreign_ctf = {
	.prefix = "ctf:",
	.open = open_ctf,
	.read = read_ctf,
	.close = close_ctf,
};
