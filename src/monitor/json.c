/* SPDX-License-Identifier: MIT */
/*
 * The monitor for programs: QEMU's protocol. JSON values come one behind the
 * other, with or without newlines; where a value ends is found by counting
 * brackets, and what is in it by jansson. After what can't be JSON the rest of
 * the line is passed over, so that a client is understood again with its next
 * one; a byte 0xff does the same at once, as in QEMU's.
 */
#include "client.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TW_VERSION
#error "TW_VERSION comes from meson.build"
#endif

#define FLUSH 0xff
#define DEPTH_MAX 1024u /* as in QEMU */
/* In one request: each takes some hundred bytes until it is answered. */
#define VALUES_MAX 2048u

/* ---- Answers ---- */

static void add(struct tw_monitor_client *client, const char *text)
{
	tw_text_add_string(&client->output, text);
}

static void add_json(struct tw_monitor_client *client, json_t *json)
{
	char *text = json ? json_dumps(json,
				       JSON_ENSURE_ASCII | JSON_ENCODE_ANY)
			  : NULL;

	if (text)
		add(client, text);
	else
		client->output.failed = true;
	free(text);
	json_decref(json);
}

static json_t *id_of(const struct tw_monitor_client *client)
{
	return json_object_get(client->request, "id");
}

/* Text may be of any bytes: those that are no UTF-8 are shown as \xff. */
static json_t *new_string(const char *text)
{
	struct tw_text escaped = {0};
	json_t *string = json_string(text);

	if (string)
		return string;
	tw_text_add_escaped(&escaped, text, strlen(text));
	if (!escaped.failed && escaped.size)
		string = json_stringn(escaped.data, escaped.size);
	free(escaped.data);
	return string;
}

static void add_error(struct tw_monitor_client *client, const char *class,
		      const char *description)
{
	json_t *id = id_of(client);

	add(client, "{");
	if (id) {
		add(client, "\"id\": ");
		add_json(client, json_incref(id));
		add(client, ", ");
	}
	add(client, "\"error\": ");
	add_json(client, json_pack("{s:s, s:o}", "class", class, "desc",
				   new_string(description)));
	add(client, "}\r\n");
}

static void fail_class(struct tw_monitor_client *client, const char *class,
		       const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0) {
		client->output.failed = true;
		return;
	}
	add_error(client, class, text);
	free(text);
}

static bool fail(struct tw_monitor_client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static bool fail(struct tw_monitor_client *client, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_class(client, "GenericError", format, args);
	va_end(args);
	return false;
}

static bool fail_unknown(struct tw_monitor_client *client, const char *format,
			 ...) __attribute__((format(printf, 2, 3)));
static bool fail_unknown(struct tw_monitor_client *client, const char *format,
			 ...)
{
	va_list args;

	va_start(args, format);
	fail_class(client, "CommandNotFound", format, args);
	va_end(args);
	return false;
}

static void show_failure(struct tw_monitor_client *client, const char *text)
{
	add_error(client, "GenericError", text);
}

/* ---- Results ---- */

/* The list begins with its first item. */
static void add_item(struct tw_monitor_client *client, json_t *item)
{
	add(client, client->is_listing ? ", " : "{\"return\": [");
	client->is_listing = true;
	add_json(client, item);
}

static void end_return(struct tw_monitor_client *client)
{
	json_t *id = id_of(client);

	if (id) {
		add(client, ", \"id\": ");
		add_json(client, json_incref(id));
	}
	add(client, "}\r\n");
}

static void show_end(struct tw_monitor_client *client)
{
	switch (client->command->result) {
	case TW_RESULT_NOTHING:
		add(client, "{\"return\": {}");
		break;
	case TW_RESULT_LIST:
		add(client, client->is_listing ? "]" : "{\"return\": []");
		break;
	case TW_RESULT_OBJECT:
		break;
	}
	end_return(client);
}

static json_t *new_event_name(const struct tw_monitor_event *event)
{
	json_t *name;
	char *text;

	if (!event->prefix)
		return new_string(event->name);
	if (asprintf(&text, "%s:%s", event->prefix, event->name) < 0)
		return NULL;
	name = new_string(text);
	free(text);
	return name;
}

static void show_event(struct tw_monitor_client *client,
		       const struct tw_monitor_event *event)
{
	const char *state = event->state < 0   ? "unavailable"
			    : event->state > 0 ? "enabled"
					       : "disabled";

	add_item(client, json_pack("{s:o, s:s}", "name", new_event_name(event),
				   "state", state));
}

/* Packed fields as hexadecimal digits. */
static json_t *new_hex(const struct tw_decoded *event)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(event->fields_size * 2 + 1);
	json_t *hex;

	if (!text)
		return NULL;
	for (size_t i = 0; i < event->fields_size; i++) {
		text[i * 2] = digits[event->fields[i] >> 4];
		text[i * 2 + 1] = digits[event->fields[i] & 15];
	}
	hex = json_stringn(text, event->fields_size * 2);
	free(text);
	return hex;
}

static json_t *new_record(const struct tw_monitor_record *shown)
{
	const struct tw_record *record = shown->record;
	const uint64_t time = record->time_ns;
	const uint64_t lost = record->lost + record->discarded;
	json_t *json = json_pack("{s:{s:I, s:I}, s:o, s:I}", "timestamp",
				 "seconds", (json_int_t)(time / 1000000000),
				 "nanoseconds", (json_int_t)(time % 1000000000),
				 "target", new_string(shown->target), "tid",
				 (json_int_t)record->tid);

	if (record->kind == TW_RECORD_LOST) {
		json_object_set_new(json, "lost",
				    json_integer((json_int_t)lost));
		return json;
	}
	json_object_set_new(json, "name",
			    new_string(record->event.event->name));
	if (shown->hex)
		json_object_set_new(json, "data", new_hex(&record->event));
	else
		json_object_set_new(json, "message",
				    new_string(shown->message));
	return json;
}

static void show_record(struct tw_monitor_client *client,
			const struct tw_monitor_record *shown)
{
	add_item(client, new_record(shown));
}

/* In the order in which QEMU has it. */
static void push_record(struct tw_monitor_client *client,
			const struct tw_monitor_record *shown)
{
	const uint64_t time = shown->record->time_ns;

	add(client, "{\"timestamp\": ");
	add_json(client,
		 json_pack("{s:I, s:I}", "seconds",
			   (json_int_t)(time / 1000000000), "microseconds",
			   (json_int_t)(time % 1000000000 / 1000)));
	add(client, ", \"event\": \"X_TRACKWAY_TRACE\", \"data\": ");
	add_json(client, new_record(shown));
	add(client, "}\r\n");
}

static void show_command(struct tw_monitor_client *client,
			 const struct tw_monitor_command *command)
{
	if (command->json)
		add_item(client, json_pack("{s:s}", "name", command->json));
}

static json_t *new_target(const struct tw_monitored *target)
{
	return json_pack("{s:o, s:o, s:I, s:b}", "target",
			 new_string(target->name), "program",
			 new_string(target->attach->target.name), "pid",
			 (json_int_t)target->attach->target.pid, "running",
			 tw_attach_is_alive(target->attach));
}

static void show_status(struct tw_monitor_client *client)
{
	const struct tw_monitor *monitor = client->monitor;
	json_t *targets = json_array();

	for (size_t i = 0; i < monitor->count; i++)
		json_array_append_new(targets,
				      new_target(&monitor->targets[i]));
	add(client, "{\"return\": ");
	add_json(client, json_pack("{s:b, s:o}", "enabled", !monitor->is_off,
				   "targets", targets));
}

static void show_trace_file(struct tw_monitor_client *client,
			    const struct tw_trace_file_status *status)
{
	json_t *json = json_pack("{s:b, s:o, s:s}", "enabled", status->is_on,
				 "path", new_string(status->path), "format",
				 status->is_directory ? "ctf" : "simpletrace");

	if (status->failure)
		json_object_set_new(json, "error", new_string(status->failure));
	add(client, "{\"return\": ");
	add_json(client, json);
}

/* What the greeting says, too. */
static json_t *new_version(void)
{
	int major = 0, minor = 0, micro = 0;

	sscanf(TW_VERSION, "%d.%d.%d", &major, &minor, &micro);
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "micro", micro,
			 "minor", minor, "major", major, "package",
			 "trackway " TW_VERSION);
}

static void show_version(struct tw_monitor_client *client)
{
	add(client, "{\"return\": ");
	add_json(client, new_version());
}

/* ---- Arguments ---- */

static bool fail_type(struct tw_monitor_client *client,
		      const struct tw_monitor_parameter *parameter,
		      const char *type)
{
	return fail(client, "Invalid parameter type for '%s', expected: %s",
		    parameter->name, type);
}

static bool take_boolean(struct tw_monitor_client *client,
			 const struct tw_monitor_parameter *parameter,
			 const json_t *value)
{
	struct tw_monitor_arguments *arguments = &client->arguments;
	const bool is_true = json_is_true(value);

	if (!json_is_boolean(value))
		return fail_type(client, parameter, "boolean");
	if (parameter->slot == TW_SLOT_HEX) {
		arguments->hex = is_true;
	} else if (parameter->slot == TW_SLOT_IGNORE) {
		arguments->ignore_unavailable = is_true;
	} else {
		arguments->on = is_true;
		arguments->option = is_true ? "on" : "off";
	}
	return true;
}

static bool take_max(struct tw_monitor_client *client,
		     const struct tw_monitor_parameter *parameter,
		     const json_t *value)
{
	if (!json_is_integer(value))
		return fail_type(client, parameter, "integer");
	if (json_integer_value(value) < 1)
		return fail(client, "Parameter '%s' expects a number from 1 on",
			    parameter->name);
	client->arguments.max = (uint64_t)json_integer_value(value);
	return true;
}

static bool is_string(enum tw_monitor_slot slot)
{
	return slot == TW_SLOT_NAME || slot == TW_SLOT_FILE ||
	       slot == TW_SLOT_PATH;
}

static void take_string(struct tw_monitor_arguments *arguments,
			enum tw_monitor_slot slot, const char *text)
{
	if (slot == TW_SLOT_NAME)
		arguments->name = text;
	else if (slot == TW_SLOT_PATH)
		arguments->path = text;
	else
		arguments->option = text;
}

static bool take_value(struct tw_monitor_client *client,
		       const struct tw_monitor_parameter *parameter,
		       const json_t *value)
{
	if (parameter->slot == TW_SLOT_MAX)
		return take_max(client, parameter, value);
	if (!is_string(parameter->slot))
		return take_boolean(client, parameter, value);
	if (!json_is_string(value))
		return fail_type(client, parameter, "string");
	take_string(&client->arguments, parameter->slot,
		    json_string_value(value));
	return true;
}

static bool is_known(const struct tw_monitor_parameter *parameter,
		     const char *key)
{
	for (; parameter->slot; parameter++)
		if (parameter->name && !strcmp(parameter->name, key))
			return true;
	return false;
}

static bool take_arguments(struct tw_monitor_client *client,
			   const struct tw_monitor_command *command)
{
	const struct tw_monitor_parameter *parameter = command->parameters;
	json_t *arguments = json_object_get(client->request, "arguments");
	json_t *value;
	const char *key;

	client->arguments = (struct tw_monitor_arguments){.on = -1};
	for (; parameter->slot; parameter++) {
		if (!parameter->name)
			continue;
		value = json_object_get(arguments, parameter->name);
		if (!value && parameter->is_needed)
			return fail(client, "Parameter '%s' is missing",
				    parameter->name);
		if (value && !take_value(client, parameter, value))
			return false;
	}
	json_object_foreach(arguments, key, value)
	{
		if (!is_known(command->parameters, key))
			return fail(client, "Parameter '%s' is unexpected",
				    key);
	}
	return true;
}

/* ---- Requests ---- */

static bool check_member(struct tw_monitor_client *client, const char *key,
			 const json_t *value)
{
	if (!strcmp(key, "id"))
		return true;
	if (!strcmp(key, "execute"))
		return json_is_string(value) ||
		       fail(client, "QMP input member 'execute' must be a "
				    "string");
	if (!strcmp(key, "arguments"))
		return json_is_object(value) ||
		       fail(client, "QMP input member 'arguments' must be an "
				    "object");
	return fail(client, "QMP input member '%s' is unexpected", key);
}

static bool check_request(struct tw_monitor_client *client)
{
	json_t *value;
	const char *key;

	if (!json_is_object(client->request))
		return fail(client, "QMP input must be a JSON object");
	json_object_foreach(client->request, key, value)
	{
		if (!check_member(client, key, value))
			return false;
	}
	if (json_object_get(client->request, "execute"))
		return true;
	return fail(client, "QMP input lacks member 'execute'");
}

/* There are none to be had; one that QEMU doesn't know is wrong by itself. */
static bool refuse_capability(struct tw_monitor_client *client, size_t index,
			      const json_t *value)
{
	const char *name = json_string_value(value);

	if (!name)
		return fail(client,
			    "Invalid parameter type for 'enable[%zu]', "
			    "expected: string",
			    index);
	if (strcmp(name, "oob") != 0)
		return fail(client,
			    "Parameter 'null' does not accept value '%s'",
			    name);
	return fail(client, "Capability %s not available", name);
}

static bool check_capabilities(struct tw_monitor_client *client)
{
	json_t *arguments = json_object_get(client->request, "arguments");
	json_t *enable = json_object_get(arguments, "enable");
	json_t *value;
	const char *key;
	size_t i;

	if (enable && !json_is_array(enable))
		return fail(client, "Invalid parameter type for 'enable', "
				    "expected: array");
	json_array_foreach(enable, i, value)
	{
		return refuse_capability(client, i, value);
	}
	json_object_foreach(arguments, key, value)
	{
		if (strcmp(key, "enable") != 0)
			return fail(client, "Parameter '%s' is unexpected",
				    key);
	}
	return true;
}

static void negotiate(struct tw_monitor_client *client)
{
	if (client->is_negotiated) {
		fail_unknown(client, "Capabilities negotiation is already "
				     "complete, command ignored");
		return;
	}
	if (!check_capabilities(client))
		return;
	client->is_negotiated = true;
	add(client, "{\"return\": {}");
	end_return(client);
}

static const struct tw_monitor_command *find_command(const char *name)
{
	const struct tw_monitor_command *command = tw_monitor_commands;

	for (; command->text || command->json; command++)
		if (command->json && !strcmp(command->json, name))
			return command;
	return NULL;
}

static void execute(struct tw_monitor_client *client)
{
	const struct tw_monitor_command *command;
	const char *name;

	if (!check_request(client))
		return;
	name = json_string_value(json_object_get(client->request, "execute"));
	command = find_command(name);
	if (command && command->is_negotiation)
		negotiate(client);
	else if (!client->is_negotiated)
		fail_unknown(client, "Expecting capabilities negotiation with "
				     "'qmp_capabilities'");
	else if (!command)
		fail_unknown(client, "The command %s has not been found", name);
	else if (take_arguments(client, command))
		tw_client_run(client, command);
}

static void run_request(struct tw_monitor_client *client, json_t *request)
{
	client->request = request;
	execute(client);
	if (client->command)
		return; /* which still needs it */
	json_decref(client->request);
	client->request = NULL;
}

/* ---- Values ---- */

static void start_value(struct tw_monitor_client *client)
{
	client->input_size = 0;
	client->depth = 0;
	client->values = 0;
	client->in_string = false;
	client->in_escape = false;
	client->is_too_long = false;
}

static void skip_line(struct tw_monitor_client *client)
{
	start_value(client);
	client->is_skipping = true;
}

/* What is no JSON: say so, and go on with the next line. */
static void refuse(struct tw_monitor_client *client, const char *what)
{
	fail(client, "JSON parse error, %s", what);
	skip_line(client);
}

/* What may be, but is too much. */
static void refuse_excess(struct tw_monitor_client *client, const char *of)
{
	fail(client, "JSON %s limit exceeded", of);
	skip_line(client);
}

/* Letters alone, which are no value. */
static bool is_keyword(const struct tw_monitor_client *client)
{
	for (size_t i = 0; i < client->input_size; i++)
		if (!isalpha((unsigned char)client->input[i]))
			return false;
	return true;
}

static void fail_parse(struct tw_monitor_client *client,
		       const json_error_t *error)
{
	if (is_keyword(client))
		fail(client, "JSON parse error, invalid keyword '%.*s'",
		     (int)client->input_size, client->input);
	else if (json_error_code(error) == json_error_null_character)
		fail(client, "JSON parse error, \\u0000 in a string");
	else
		fail(client, "JSON parse error, %s", error->text);
}

static void parse(struct tw_monitor_client *client)
{
	json_error_t error;
	json_t *request;

	if (client->is_too_long) {
		fail(client, "JSON token size limit exceeded");
		start_value(client);
		return;
	}
	request = json_loadb(client->input, client->input_size,
			     JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!request)
		fail_parse(client, &error);
	start_value(client);
	if (request)
		run_request(client, request);
}

static bool is_blank(unsigned char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void keep(struct tw_monitor_client *client, unsigned char byte)
{
	if (client->input_size == TW_MONITOR_INPUT_MAX)
		client->is_too_long = true;
	else
		client->input[client->input_size++] = (char)byte;
}

static void take_in_string(struct tw_monitor_client *client, unsigned char byte)
{
	if (byte < ' ') {
		refuse(client, "a control character in a string");
		client->is_skipping = byte != '\n';
		return;
	}
	keep(client, byte);
	if (client->in_escape)
		client->in_escape = false;
	else if (byte == '\\')
		client->in_escape = true;
	else if (byte == '"')
		client->in_string = false;
	if (!client->in_string && !client->depth)
		parse(client);
}

static void take_bracket(struct tw_monitor_client *client, unsigned char byte)
{
	keep(client, byte);
	client->depth += byte == '{' || byte == '[' ? 1u : -1u;
	if (client->depth > DEPTH_MAX)
		refuse_excess(client, "nesting depth");
	else if (!client->depth)
		parse(client);
}

static bool is_bracket(unsigned char byte)
{
	return byte == '{' || byte == '[' || byte == '}' || byte == ']';
}

/* A word or a number outside of brackets ends where anything else begins. */
static bool ends_word(const struct tw_monitor_client *client,
		      unsigned char byte)
{
	return client->input_size && !client->depth &&
	       (is_blank(byte) || is_bracket(byte) || byte == '"');
}

/* A value begins behind each of these, near enough. */
static bool is_one_too_many(struct tw_monitor_client *client,
			    unsigned char byte)
{
	client->values += byte == '{' || byte == '[' || byte == ',';
	return client->values > VALUES_MAX;
}

static void take_byte(struct tw_monitor_client *client, unsigned char byte)
{
	if (client->in_string) {
		take_in_string(client, byte);
	} else if (byte == '"') {
		client->in_string = true;
		keep(client, byte);
	} else if (is_one_too_many(client, byte)) {
		refuse_excess(client, "token count");
	} else if (is_bracket(byte)) {
		if (!client->depth && (byte == '}' || byte == ']'))
			refuse(client, "expecting value");
		else
			take_bracket(client, byte);
	} else if (client->depth && is_blank(byte)) {
		keep(client, ' ');
	} else if (!is_blank(byte)) {
		keep(client, byte);
	}
}

static void flush(struct tw_monitor_client *client)
{
	refuse(client, "stray '\xef\xbf\xbd'");
	client->is_skipping = false;
}

/* 1 taken; 0 not yet: a value ended before it. */
static size_t take(struct tw_monitor_client *client, unsigned char byte)
{
	if (byte == FLUSH) {
		flush(client);
	} else if (client->is_skipping) {
		client->is_skipping = byte != '\n';
	} else if (!client->in_string && ends_word(client, byte)) {
		parse(client);
		return 0;
	} else {
		take_byte(client, byte);
	}
	return 1;
}

/* Up to the end of a value, since its answer may have to be pulled first. */
static size_t feed(struct tw_monitor_client *client, const char *bytes,
		   size_t size)
{
	const size_t waiting = client->output.size;
	size_t taken = 0;

	while (taken < size && !client->command &&
	       client->output.size == waiting)
		taken += take(client, (unsigned char)bytes[taken]);
	return taken;
}

static void feed_end(struct tw_monitor_client *client)
{
	if (!client->input_size)
		return;
	if (client->depth || client->in_string)
		refuse(client, "premature end of input");
	else
		parse(client);
}

static void greet(struct tw_monitor_client *client)
{
	add(client, "{\"QMP\": {\"version\": ");
	add_json(client, new_version());
	add(client, ", \"capabilities\": []}}\r\n");
}

const struct tw_monitor_view tw_monitor_json = {
	.begin = greet,
	.feed = feed,
	.feed_end = feed_end,
	.event = show_event,
	.record = show_record,
	.push = push_record,
	.command = show_command,
	.status = show_status,
	.version = show_version,
	.trace_file = show_trace_file,
	.fail = show_failure,
	.end = show_end,
};
