/* SPDX-License-Identifier: MIT */
/*
 * An event's fields are walked leaf by leaf, twice: once for its class, which
 * is when names and types are made, and then for every event's values. Both
 * times in the same order, by which a leaf is known.
 *
 * Called by read-ctf.c.
 */
#include "ctf-fields.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define LEAVES_MAX 4096
#define TEXT_MAX (TW_FOREIGN_SIZE_MAX / (TW_FIELDS_MAX + 1))

enum leaf_kind {
	LEAF_UNSIGNED,
	LEAF_SIGNED,
	LEAF_BOOL,
	LEAF_FLOAT,
	LEAF_STRING,
	LEAF_TEXT,
	LEAF_TID, /* a thread's number, which is not a field of ours */
};

struct leaf {
	const char *name;
	uint8_t kind;
	uint8_t size; /* bytes */
	uint8_t base; /* to be shown in */
	const char *values;
};

struct tw_ctf_class {
	int64_t id;
	struct leaf *leaves;
	uint32_t leaf_count;
	uint32_t shown_count; /* without those of LEAF_TID */
};

/* ---- Walking ---- */

struct walk {
	int (*visit)(struct walk *walk, const bt_field *field);
	struct tw_foreign *foreign;
	struct tw_ctf_class *class;
	char name[TW_NAME_MAX + 1]; /* of the leaf, when a class is made */
	bool is_context;
	uint32_t leaf; /* the next one */
	uint32_t shown;
	struct tw_text fields;
	struct tw_text more; /* what becomes one text */
	uint32_t tid;
	bool cut;
};

static int walk_field(struct walk *walk, const bt_field *field,
		      unsigned int depth);

static int walk_structure(struct walk *walk, const bt_field *field,
			  unsigned int depth)
{
	const bt_field_class *class = bt_field_borrow_class_const(field);
	const uint64_t count = bt_field_class_structure_get_member_count(class);
	const size_t size = strlen(walk->name);
	const bt_field_class_structure_member *member;
	int error = 0;

	for (uint64_t i = 0; !error && i < count; i++) {
		member = bt_field_class_structure_borrow_member_by_index_const(
			class, i);
		snprintf(walk->name + size, sizeof(walk->name) - size, "%s%s",
			 size ? "_" : "",
			 bt_field_class_structure_member_get_name(member));
		error = walk_field(
			walk,
			bt_field_structure_borrow_member_field_by_index_const(
				field, i),
			depth + 1);
		walk->name[size] = '\0';
	}
	return error;
}

static int walk_field(struct walk *walk, const bt_field *field,
		      unsigned int depth)
{
	if (bt_field_get_class_type(field) == BT_FIELD_CLASS_TYPE_STRUCTURE &&
	    depth < DEPTH_MAX)
		return walk_structure(walk, field, depth);
	if (walk->leaf == LEAVES_MAX)
		return 0;
	return walk->visit(walk, field);
}

/* Of a packet's context, the CPU tells something. */
static const bt_field *find_cpu(const bt_event *event)
{
	const bt_stream *stream = bt_event_borrow_stream_const(event);
	const bt_field *context;

	if (!bt_stream_class_supports_packets(
		    bt_stream_borrow_class_const(stream)))
		return NULL;
	context = bt_packet_borrow_context_field_const(
		bt_event_borrow_packet_const(event));
	return context ? bt_field_structure_borrow_member_field_by_name_const(
				 context, "cpu_id")
		       : NULL;
}

static int walk_event(struct walk *walk, const bt_event *event)
{
	const bt_field *const parts[] = {
		bt_event_borrow_payload_field_const(event),
		bt_event_borrow_specific_context_field_const(event),
		bt_event_borrow_common_context_field_const(event),
	};
	const bt_field *cpu = find_cpu(event);
	int error = 0;

	for (size_t i = 0; !error && i < 3; i++) {
		walk->is_context = i > 0;
		walk->name[0] = '\0';
		if (parts[i])
			error = walk_field(walk, parts[i], 0);
	}
	if (!error && cpu) {
		strcpy(walk->name, "cpu_id");
		error = walk_field(walk, cpu, 0);
	}
	return error;
}

/* ---- Classes ---- */

static uint8_t size_of_integer(const bt_field_class *class)
{
	const uint64_t bits = bt_field_class_integer_get_field_value_range(
		class);

	if (bits <= 8)
		return 1;
	if (bits <= 16)
		return 2;
	return bits <= 32 ? 4 : 8;
}

static uint8_t base_of(const bt_field_class *class)
{
	return (uint8_t)bt_field_class_integer_get_preferred_display_base(
		class);
}

/* Append "LABEL=VALUE"; false: values can't be said so. */
static bool add_value(struct tw_text *text, const char *label, int64_t value)
{
	char number[32];

	if (!tw_name_is_identifier(label, strlen(label)))
		return false;
	snprintf(number, sizeof(number), "=%" PRId64, value);
	tw_text_add_string(text, " ");
	tw_text_add_string(text, label);
	tw_text_add_string(text, number);
	return text->size <= TW_VALUES_MAX;
}

static bool add_mapping(struct tw_text *text, const bt_field_class *class,
			uint64_t index, bool is_signed)
{
	const bt_field_class_enumeration_mapping *mapping;
	const bt_field_class_enumeration_signed_mapping *one;
	const bt_field_class_enumeration_unsigned_mapping *other;
	const bt_integer_range_set_signed *ranges;
	const bt_integer_range_set_unsigned *unsigned_ranges;
	const bt_integer_range_signed *range;
	const bt_integer_range_unsigned *unsigned_range;
	uint64_t value;

	if (is_signed) {
		one = bt_field_class_enumeration_signed_borrow_mapping_by_index_const(
			class, index);
		mapping =
			bt_field_class_enumeration_signed_mapping_as_mapping_const(
				one);
		ranges =
			bt_field_class_enumeration_signed_mapping_borrow_ranges_const(
				one);
		range = bt_integer_range_set_signed_borrow_range_by_index_const(
			ranges, 0);
		value = (uint64_t)bt_integer_range_signed_get_lower(range);
		if (bt_integer_range_set_get_range_count(
			    bt_integer_range_set_signed_as_range_set_const(
				    ranges)) != 1 ||
		    (int64_t)value != bt_integer_range_signed_get_upper(range))
			return false;
	} else {
		other = bt_field_class_enumeration_unsigned_borrow_mapping_by_index_const(
			class, index);
		mapping =
			bt_field_class_enumeration_unsigned_mapping_as_mapping_const(
				other);
		unsigned_ranges =
			bt_field_class_enumeration_unsigned_mapping_borrow_ranges_const(
				other);
		unsigned_range =
			bt_integer_range_set_unsigned_borrow_range_by_index_const(
				unsigned_ranges, 0);
		value = bt_integer_range_unsigned_get_lower(unsigned_range);
		if (bt_integer_range_set_get_range_count(
			    bt_integer_range_set_unsigned_as_range_set_const(
				    unsigned_ranges)) != 1 ||
		    value != bt_integer_range_unsigned_get_upper(
				     unsigned_range) ||
		    value > INT64_MAX)
			return false;
	}
	return add_value(text,
			 bt_field_class_enumeration_mapping_get_label(mapping),
			 (int64_t)value);
}

/* The names of its values as event.h has them; NULL: it isn't that simple. */
static const char *make_values(struct tw_foreign *foreign,
			       const bt_field_class *class, bool is_signed)
{
	const uint64_t count = bt_field_class_enumeration_get_mapping_count(
		class);
	struct tw_text text = {0};
	const char *values = NULL;
	bool ok = count;

	tw_text_add_string(&text, "values");
	for (uint64_t i = 0; ok && i < count; i++)
		ok = add_mapping(&text, class, i, is_signed);
	if (ok && !text.failed)
		values = tw_arena_copy(&foreign->arena, text.data, text.size);
	free(text.data);
	return values;
}

static struct leaf make_leaf(struct tw_foreign *foreign, const bt_field *field)
{
	const bt_field_class *class = bt_field_borrow_class_const(field);
	const bt_field_class_type type = bt_field_class_get_type(class);
	struct leaf leaf = {.kind = LEAF_TEXT, .base = 10};
	bool is_signed;

	if (type == BT_FIELD_CLASS_TYPE_STRING) {
		leaf.kind = LEAF_STRING;
	} else if (type == BT_FIELD_CLASS_TYPE_BOOL) {
		leaf.kind = LEAF_BOOL;
		leaf.size = 1;
	} else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_REAL)) {
		leaf.kind = LEAF_FLOAT;
		leaf.size = type == BT_FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL
				    ? 4
				    : 8;
	} else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_INTEGER)) {
		is_signed = bt_field_class_type_is(
			type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER);
		leaf.kind = is_signed ? LEAF_SIGNED : LEAF_UNSIGNED;
		leaf.size = size_of_integer(class);
		leaf.base = base_of(class);
		if (bt_field_class_type_is(type,
					   BT_FIELD_CLASS_TYPE_ENUMERATION)) {
			leaf.values = make_values(foreign, class, is_signed);
			if (!leaf.values)
				leaf.kind = LEAF_TEXT;
		}
	}
	return leaf;
}

static bool is_tid(const struct walk *walk, const struct leaf *leaf)
{
	return walk->is_context &&
	       (leaf->kind == LEAF_UNSIGNED || leaf->kind == LEAF_SIGNED) &&
	       (strcmp(walk->name, "vtid") == 0 ||
		strcmp(walk->name, "tid") == 0);
}

static int declare_leaf(struct walk *walk, const bt_field *field)
{
	struct tw_ctf_class *class = walk->class;
	struct leaf leaf = make_leaf(walk->foreign, field);
	struct leaf *list;

	if (is_tid(walk, &leaf))
		leaf.kind = LEAF_TID;
	leaf.name = tw_arena_copy(&walk->foreign->arena, walk->name,
				  strlen(walk->name));
	list = reallocarray(class->leaves, class->leaf_count + 1,
			    sizeof(*list));
	if (!list || !leaf.name)
		return -ENOMEM;
	class->leaves = list;
	list[class->leaf_count++] = leaf;
	class->shown_count += leaf.kind != LEAF_TID;
	walk->leaf++;
	return 0;
}

static struct tw_field make_field(const struct leaf *leaf)
{
	static const struct {
		uint8_t kind;
		const char *type;
	} types[] = {
		[LEAF_UNSIGNED] = {TW_FIELD_UINT, "uint64_t"},
		[LEAF_SIGNED] = {TW_FIELD_SINT, "int64_t"},
		[LEAF_BOOL] = {TW_FIELD_BOOL, "bool"},
		[LEAF_FLOAT] = {TW_FIELD_FLOAT, "double"},
		[LEAF_STRING] = {TW_FIELD_STRING, "const char *"},
		[LEAF_TEXT] = {TW_FIELD_STRING, "const char *"},
	};

	return (struct tw_field){
		.name = leaf->name,
		.type = types[leaf->kind].type,
		.kind = types[leaf->kind].kind,
		.size = leaf->kind == LEAF_STRING || leaf->kind == LEAF_TEXT
				? 0
				: leaf->size,
		.values = leaf->values,
	};
}

/* "name=%d", in the base that the trace wants. */
static void add_format(struct tw_text *format, const struct leaf *leaf)
{
	const char *conversion = "=%s";

	if (format->size)
		tw_text_add_string(format, " ");
	for (const char *at = leaf->name; *at; at++)
		tw_text_add(format, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
	if (leaf->kind == LEAF_FLOAT)
		conversion = "=%g";
	else if (leaf->kind == LEAF_BOOL)
		conversion = "=%d";
	else if (leaf->size && !leaf->values && leaf->base == 16)
		conversion = "=0x%x";
	else if (leaf->size && !leaf->values && leaf->base == 8)
		conversion = "=0%o";
	else if (leaf->size && !leaf->values)
		conversion = leaf->kind == LEAF_SIGNED ? "=%d" : "=%u";
	tw_text_add_string(format, conversion);
}

/* Which leaf is the last of those that are fields of their own. */
static bool is_in_rest(const struct tw_ctf_class *class, uint32_t shown)
{
	return class->shown_count > TW_FIELDS_MAX && shown >= TW_FIELDS_MAX - 1;
}

static int declare(struct tw_foreign *foreign, struct tw_ctf_class *class,
		   const char *name)
{
	static const struct leaf rest = {.name = "rest", .kind = LEAF_TEXT};
	struct tw_field *fields = tw_arena_alloc(
		&foreign->arena, sizeof(*fields) * TW_FIELDS_MAX);
	struct tw_event_desc desc = {.loglevel = 14, .fields = fields};
	struct tw_text format = {0};
	const struct leaf *leaf;

	for (uint32_t i = 0; fields && i < class->leaf_count &&
			     !is_in_rest(class, desc.field_count);
	     i++) {
		leaf = &class->leaves[i];
		if (leaf->kind == LEAF_TID)
			continue;
		add_format(&format, leaf);
		fields[desc.field_count++] = make_field(leaf);
	}
	if (fields && class->shown_count > TW_FIELDS_MAX) {
		tw_text_add_string(&format, " %s");
		fields[desc.field_count++] = make_field(&rest);
	}
	desc.name = tw_arena_copy(&foreign->arena, name, strlen(name));
	desc.format = tw_arena_copy(
		&foreign->arena, format.size ? format.data : "", format.size);
	class->id = -ENOMEM;
	if (fields && desc.name && desc.format && !format.failed)
		class->id = tw_foreign_declare(foreign, &desc);
	free(format.data);
	return class->id < 0 ? (int)class->id : 0;
}

struct tw_ctf_class *tw_ctf_class_create(struct tw_foreign *foreign,
					 const bt_event *event, int *error)
{
	const char *name = bt_event_class_get_name(
		bt_event_borrow_class_const(event));
	struct tw_ctf_class *class = calloc(1, sizeof(*class));
	struct walk walk = {
		.visit = declare_leaf, .foreign = foreign, .class = class};

	*error = -ENOMEM;
	if (class)
		*error = walk_event(&walk, event);
	if (class && !*error)
		*error = declare(foreign, class, name ? name : "unnamed");
	if (!*error)
		return class;
	tw_ctf_class_destroy(class);
	return NULL;
}

void tw_ctf_class_destroy(struct tw_ctf_class *class)
{
	if (class)
		free(class->leaves);
	free(class);
}

/* ---- Values as text ---- */

static void add_text(struct tw_text *text, const bt_field *field,
		     unsigned int depth);

static void add_list(struct tw_text *text, const bt_field *field,
		     unsigned int depth)
{
	const uint64_t count = bt_field_array_get_length(field);

	tw_text_add_string(text, "[");
	for (uint64_t i = 0; i < count && text->size < TEXT_MAX; i++) {
		if (i)
			tw_text_add_string(text, ", ");
		add_text(text,
			 bt_field_array_borrow_element_field_by_index_const(
				 field, i),
			 depth + 1);
	}
	tw_text_add_string(text, "]");
}

static void add_structure(struct tw_text *text, const bt_field *field,
			  unsigned int depth)
{
	const bt_field_class *class = bt_field_borrow_class_const(field);
	const uint64_t count = bt_field_class_structure_get_member_count(class);

	tw_text_add_string(text, "{");
	for (uint64_t i = 0; i < count && text->size < TEXT_MAX; i++) {
		if (i)
			tw_text_add_string(text, ", ");
		tw_text_add_string(
			text,
			bt_field_class_structure_member_get_name(
				bt_field_class_structure_borrow_member_by_index_const(
					class, i)));
		tw_text_add_string(text, "=");
		add_text(text,
			 bt_field_structure_borrow_member_field_by_index_const(
				 field, i),
			 depth + 1);
	}
	tw_text_add_string(text, "}");
}

/* A name and the number: not every number has one, and not one only. */
static bool add_label(struct tw_text *text, const bt_field *field,
		      bool is_signed)
{
	bt_field_class_enumeration_mapping_label_array labels;
	uint64_t count = 0;

	if (!bt_field_class_type_is(bt_field_get_class_type(field),
				    BT_FIELD_CLASS_TYPE_ENUMERATION) ||
	    (is_signed ? bt_field_enumeration_signed_get_mapping_labels(
				 field, &labels, &count)
		       : bt_field_enumeration_unsigned_get_mapping_labels(
				 field, &labels, &count)) ||
	    !count)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			tw_text_add_string(text, "|");
		tw_text_add_string(text, labels[i]);
	}
	tw_text_add_string(text, " (");
	return true;
}

static void add_integer(struct tw_text *text, const bt_field *field,
			bool is_signed)
{
	const bool is_labelled = add_label(text, field, is_signed);
	const uint8_t base = base_of(bt_field_borrow_class_const(field));
	char number[32];

	if (is_signed && base != 16)
		snprintf(number, sizeof(number), "%" PRId64,
			 bt_field_integer_signed_get_value(field));
	else
		snprintf(number, sizeof(number),
			 base == 16  ? "0x%" PRIx64
			 : base == 8 ? "0%" PRIo64
				     : "%" PRIu64,
			 is_signed
				 ? (uint64_t)bt_field_integer_signed_get_value(
					   field)
				 : bt_field_integer_unsigned_get_value(field));
	tw_text_add_string(text, number);
	if (is_labelled)
		tw_text_add_string(text, ")");
}

static double double_of(const bt_field *field)
{
	return bt_field_get_class_type(field) ==
			       BT_FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL
		       ? (double)bt_field_real_single_precision_get_value(field)
		       : bt_field_real_double_precision_get_value(field);
}

static void add_scalar(struct tw_text *text, const bt_field *field,
		       bt_field_class_type type)
{
	char number[32] = "?";

	if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)) {
		add_integer(text, field, true);
		return;
	}
	if (bt_field_class_type_is(type,
				   BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) {
		add_integer(text, field, false);
		return;
	}
	if (type == BT_FIELD_CLASS_TYPE_STRING) {
		tw_text_add_string(text, "\"");
		tw_text_add_string(text, bt_field_string_get_value(field));
		tw_text_add_string(text, "\"");
		return;
	}
	if (type == BT_FIELD_CLASS_TYPE_BOOL)
		snprintf(number, sizeof(number), "%d",
			 bt_field_bool_get_value(field));
	else if (type == BT_FIELD_CLASS_TYPE_BIT_ARRAY)
		snprintf(number, sizeof(number), "0x%" PRIx64,
			 bt_field_bit_array_get_value_as_integer(field));
	else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_REAL))
		snprintf(number, sizeof(number), "%g", double_of(field));
	tw_text_add_string(text, number);
}

static void add_text(struct tw_text *text, const bt_field *field,
		     unsigned int depth)
{
	const bt_field_class_type type = bt_field_get_class_type(field);
	const bt_field *chosen = NULL;

	if (depth > DEPTH_MAX) {
		tw_text_add_string(text, "...");
	} else if (type == BT_FIELD_CLASS_TYPE_STRUCTURE) {
		add_structure(text, field, depth);
	} else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_ARRAY)) {
		add_list(text, field, depth);
	} else if (bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_VARIANT) ||
		   bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_OPTION)) {
		chosen =
			bt_field_class_type_is(type,
					       BT_FIELD_CLASS_TYPE_VARIANT)
				? bt_field_variant_borrow_selected_option_field_const(
					  field)
				: bt_field_option_borrow_field_const(field);
		if (chosen)
			add_text(text, chosen, depth + 1);
		else
			tw_text_add_string(text, "none");
	} else {
		add_scalar(text, field, type);
	}
}

/* ---- Values ---- */

static uint64_t bits_of(const bt_field *field, const struct leaf *leaf)
{
	const float narrow = leaf->kind == LEAF_FLOAT && leaf->size == 4
				     ? bt_field_real_single_precision_get_value(
					       field)
				     : 0;
	const double wide = leaf->kind == LEAF_FLOAT && leaf->size == 8
				    ? bt_field_real_double_precision_get_value(
					      field)
				    : 0;
	uint32_t u32;
	uint64_t u64;

	switch (leaf->kind) {
	case LEAF_SIGNED:
		return (uint64_t)bt_field_integer_signed_get_value(field);
	case LEAF_BOOL:
		return bt_field_bool_get_value(field) ? 1 : 0;
	case LEAF_FLOAT:
		memcpy(&u32, &narrow, sizeof(u32));
		memcpy(&u64, &wide, sizeof(u64));
		return leaf->size == 4 ? u32 : u64;
	default:
		return bt_field_integer_unsigned_get_value(field);
	}
}

static void pack_number(struct tw_text *out, uint64_t value, uint8_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	tw_text_add(out, (const char *)&value, size);
#else
	tw_text_add(out, (const char *)&value + sizeof(value) - size, size);
#endif
}

static void pack_string(struct walk *walk, const char *text, size_t size)
{
	const char *nul = memchr(text, '\0', size);

	size = nul ? (size_t)(nul - text) : size;
	walk->cut |= size > TEXT_MAX;
	tw_text_add(&walk->fields, text, size > TEXT_MAX ? TEXT_MAX : size);
	tw_text_add(&walk->fields, "", 1);
}

static void pack_text(struct walk *walk, const bt_field *field)
{
	struct tw_text text = {0};

	add_text(&text, field, 0);
	pack_string(walk, text.data ? text.data : "", text.size);
	walk->fields.failed |= text.failed;
	free(text.data);
}

static void add_to_rest(struct walk *walk, const struct leaf *leaf,
			const bt_field *field)
{
	if (walk->more.size > TEXT_MAX)
		return;
	if (walk->more.size)
		tw_text_add_string(&walk->more, " ");
	tw_text_add_string(&walk->more, leaf->name);
	tw_text_add_string(&walk->more, "=");
	add_text(&walk->more, field, 0);
}

static int put_leaf(struct walk *walk, const bt_field *field)
{
	const struct leaf *leaf = &walk->class->leaves[walk->leaf++];

	if (leaf->kind == LEAF_TID) {
		walk->tid =
			(uint32_t)(bt_field_class_type_is(
					   bt_field_get_class_type(field),
					   BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)
					   ? (uint64_t)
						     bt_field_integer_signed_get_value(
							     field)
					   : bt_field_integer_unsigned_get_value(
						     field));
		return 0;
	}
	if (is_in_rest(walk->class, walk->shown++))
		add_to_rest(walk, leaf, field);
	else if (leaf->kind == LEAF_STRING)
		pack_string(walk, bt_field_string_get_value(field),
			    bt_field_string_get_length(field));
	else if (leaf->kind == LEAF_TEXT)
		pack_text(walk, field);
	else
		pack_number(&walk->fields, bits_of(field, leaf), leaf->size);
	return 0;
}

int tw_ctf_class_put(struct tw_foreign *foreign, struct tw_ctf_class *class,
		     const bt_event *event, uint64_t time_ns, bool *cut)
{
	struct walk walk = {
		.visit = put_leaf, .foreign = foreign, .class = class};
	int error = walk_event(&walk, event);

	if (class->shown_count > TW_FIELDS_MAX)
		pack_string(&walk, walk.more.data ? walk.more.data : "",
			    walk.more.size);
	if (!error && (walk.fields.failed || walk.more.failed))
		error = -ENOMEM;
	if (!error)
		error = tw_foreign_put(foreign, time_ns, walk.tid, class->id,
				       walk.fields.data, walk.fields.size);
	*cut = walk.cut;
	free(walk.fields.data);
	free(walk.more.data);
	return error;
}
