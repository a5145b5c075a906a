/* SPDX-License-Identifier: MIT */
/*
 * Events declared in C or C++, without a trace-events file and without
 * tracetool. Readers can't tell them from generated ones.
 *
 * In a header, or in any file that emits the event:
 *
 *	DECLARE_TRACE(queue_push,
 *		TP_PROTO(const char *queue, uint32_t length),
 *		TP_ARGS(queue, length),
 *		TP_STRUCT__entry(
 *			__field(const char *, queue);
 *			__field(uint32_t, length);
 *		)
 *	)
 *
 * In one C or C++ file of each module (executable, library, plugin):
 *
 *	DEFINE_TRACE(queue_push,
 *		TP_PROTO(const char *queue, uint32_t length),
 *		TP_fast_assign(
 *			__entry->queue = queue;
 *			__entry->length = length;
 *		),
 *		TP_printk("queue %s length %u",
 *			  __entry->queue, __entry->length)
 *	)
 *
 * Where it happens: trace_queue_push(name, length). Whether it is on:
 * trace_queue_push_enabled().
 *
 * TP_ARGS, the parameters' names, may be left out. C has then no way to pass
 * them on from an inline function, and so trace_NAME() is a call whose first
 * two instructions are the test; with TP_ARGS, as with DO_TRACE(NAME, ...), the
 * test is at the caller's and an event that is off costs no call.
 *
 * __field takes integers, enums, bool, float, double, pointers, and "char *" or
 * "const char *", which is a string and copied, up to TW_STRING_MAX bytes.
 * __array(char, item, size) is a string as well, kept in the entry itself. Up
 * to 10 of them.
 *
 * Each of TP_printk's arguments is one field, "__entry->item", and none comes
 * twice; anything else does not compile. Their order is free and some may be
 * missing: the record then has the printed ones first, in their order.
 *
 * TRACKWAY_GROUP, if defined before DEFINE_TRACE, is the group's name, a string
 * of letters, digits and "_". The event is registered by a constructor of its
 * module, and taken back by a destructor, as generated groups are. It takes a
 * memory page for its state, so that events by the thousand are better left to
 * tracetool.
 */
#ifndef TRACKWAY_TRACEPOINT_H
#define TRACKWAY_TRACEPOINT_H

#include <trackway/emit.h>

/* A field's place among TP_STRUCT__entry's, 1 to 10, as a type. */
#ifdef __cplusplus
extern "C++" {
#include <type_traits>
template <unsigned number> struct tw_position {
};
template <class type> struct tw_position_number;
template <unsigned number> struct tw_position_number<tw_position<number>> {
	static constexpr uint8_t value = number;
};
template <class type, bool = std::is_enum<type>::value> struct tw_integer_of {
	typedef type is;
};
template <class type> struct tw_integer_of<type, true> {
	typedef typename std::underlying_type<type>::type is;
};
template <class field> constexpr uint8_t tw_kind_of()
{
	typedef typename tw_integer_of<typename std::decay<field>::type>::is
		type;

	return std::is_same<type, bool>::value		 ? TW_FIELD_BOOL
	       : std::is_same<type, char *>::value	 ? TW_FIELD_STRING
	       : std::is_same<type, const char *>::value ? TW_FIELD_STRING
	       : std::is_pointer<type>::value		 ? TW_FIELD_POINTER
	       : sizeof(type) > 8			 ? 0
	       : std::is_floating_point<type>::value	 ? TW_FIELD_FLOAT
	       : !std::is_integral<type>::value		 ? 0
	       : std::is_signed<type>::value		 ? TW_FIELD_SINT
							 : TW_FIELD_UINT;
}
}
#define TW_TP_POSITION_TYPE(number) tw_position<number>
#define TW_TP_POSITION(field) tw_position_number<decltype(field)>::value
#define TW_TP_KIND(name, item) tw_kind_of<decltype(tw_entry_##name::item)>()
#else
#define TW_TP_POSITION_TYPE(number) struct tw_position_##number
TW_TP_POSITION_TYPE(1)
{
	char is[1];
};
TW_TP_POSITION_TYPE(2)
{
	char is[1];
};
TW_TP_POSITION_TYPE(3)
{
	char is[1];
};
TW_TP_POSITION_TYPE(4)
{
	char is[1];
};
TW_TP_POSITION_TYPE(5)
{
	char is[1];
};
TW_TP_POSITION_TYPE(6)
{
	char is[1];
};
TW_TP_POSITION_TYPE(7)
{
	char is[1];
};
TW_TP_POSITION_TYPE(8)
{
	char is[1];
};
TW_TP_POSITION_TYPE(9)
{
	char is[1];
};
TW_TP_POSITION_TYPE(10)
{
	char is[1];
};
#define TW_TP_POSITION(field)                                                 \
	_Generic((field), struct tw_position_1 : 1, struct tw_position_2 : 2, \
		 struct tw_position_3 : 3, struct tw_position_4 : 4,          \
		 struct tw_position_5 : 5, struct tw_position_6 : 6,          \
		 struct tw_position_7 : 7, struct tw_position_8 : 8,          \
		 struct tw_position_9 : 9, struct tw_position_10 : 10)
#define TW_TP_KIND(name, item) \
	TW_TP_KIND_OF(((struct tw_entry_##name *)0)->item)
/* Of the classes of types, 5 is that of pointers. */
#define TW_TP_KIND_OF(field) \
	_Generic((field), _Bool                      \
		 : TW_FIELD_BOOL, char               \
		 : TW_KIND_OF(char), signed char     \
		 : TW_FIELD_SINT, short              \
		 : TW_FIELD_SINT, int                \
		 : TW_FIELD_SINT, long               \
		 : TW_FIELD_SINT, long long          \
		 : TW_FIELD_SINT, unsigned char      \
		 : TW_FIELD_UINT, unsigned short     \
		 : TW_FIELD_UINT, unsigned int       \
		 : TW_FIELD_UINT, unsigned long      \
		 : TW_FIELD_UINT, unsigned long long \
		 : TW_FIELD_UINT, float              \
		 : TW_FIELD_FLOAT, double            \
		 : TW_FIELD_FLOAT, char *            \
		 : TW_FIELD_STRING, const char *     \
		 : TW_FIELD_STRING, default          \
		 : __builtin_classify_type(field) == 5 ? TW_FIELD_POINTER : 0)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Complete the blob of a group of one event and register the group. blob: what
 * group->blob points to; its fields and their texts are still empty. declared:
 * these, field_count + 1 of struct tw_blob_field (the last unused) and the
 * texts. order: the positions, from 1, of the fields that come first, then 0.
 * Unregister with tw_group_unregister().
 */
TW_PUBLIC void tw_tracepoint_register(struct tw_group *group, void *blob,
				      const void *declared,
				      size_t declared_size,
				      const uint8_t *order);

/* Never called: for the compiler to compare a format with its arguments. */
static inline void tw_tp_check_format(const char *format, ...)
	__attribute__((format(printf, 1, 2), unused));
static inline void tw_tp_check_format(const char *format, ...)
{
	(void)format;
}

/* A field's value if that is a string: place has a pointer in it. */
static inline const char *tw_tp_text(const void *place, size_t size)
{
	const char *text = NULL;

	if (size == sizeof(text))
		memcpy(&text, place, sizeof(text));
	return text;
}

/* The length of an array's string: it need not end in a NUL. */
static inline size_t tw_tp_array_length(const char *text, size_t size)
{
	return strnlen(text, size < TW_STRING_MAX ? size : TW_STRING_MAX);
}

#ifdef __cplusplus
}
#define TW_TP_BEGIN extern "C" {
#define TW_TP_END }
#else
#define TW_TP_BEGIN
#define TW_TP_END
#endif

/* The macros' arguments: each is a list for DECLARE_TRACE or DEFINE_TRACE. */

#define TP_PROTO(...) __VA_ARGS__
#define TP_ARGS(...) (__VA_ARGS__)
#define TP_STRUCT__entry(...) __VA_ARGS__
#define TP_fast_assign(...) __VA_ARGS__
#define TP_printk(...) __VA_ARGS__

/*
 * A field is a tuple between two commas, so that a list of them splits into
 * the tuples and what stands between them, a semicolon or nothing:
 *
 *	(nothing) , tuple , ; , tuple , ;
 */
#define __field(type, item) , (tw_value, type, item, 0, #type, #item),
#define __array(type, item, size) , (tw_array, type, item, size, #type, #item),

/* Events register themselves: all this does is to ask for a declaration. */
#define INIT_TRACE(name) ((void)sizeof(struct tw_entry_##name))

/* trace_NAME(), with the test at the caller's whatever the declaration. A
 * statement, with or without a semicolon behind it. */
#define DO_TRACE(name, ...)                              \
	{                                                \
		if (TW_UNLIKELY(TW_STATE(tp_##name, 0))) \
			_tw_emit_##name(__VA_ARGS__);    \
	}

#ifndef TRACKWAY_GROUP
#define TRACKWAY_GROUP "tracepoint"
#endif

/*
 * The preprocessor's part. TW_TP_EACH(n, macro, x, (list)) is macro(x, 1,
 * tuple) macro(x, 2, tuple)...; TW_TP_PRINTED_n(macro, x, ...) is macro(x,
 * argument) for all arguments. Lists end in a "~" of ours, so that no
 * "..." is ever empty.
 */
#define TW_TP_LIST(...) __VA_ARGS__
#define TW_TP_FIRST(first, ...) first
#define TW_TP_REST(first, ...) __VA_ARGS__
#define TW_TP_CALL(macro, ...) macro(__VA_ARGS__)
#define TW_TP_CALL_EACH(macro, ...) macro(__VA_ARGS__)
#define TW_TP_CALL_FIELD(macro, ...) macro(__VA_ARGS__)
#define TW_TP_JOIN(a, b) TW_TP_JOIN_AS_IS(a, b)
#define TW_TP_JOIN_AS_IS(a, b) a##b

#define TW_TP_SECOND(a, b, ...) b
#define TW_TP_IS_TUPLE(x) TW_TP_CALL(TW_TP_SECOND, TW_TP_PROBE x, 0, ~)
#define TW_TP_PROBE(...) ~, 1

/* How many: fields, with what is between them, and arguments of TP_printk, its
 * format not counted. */
#define TW_TP_41ST(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13,     \
		   a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, \
		   a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, a36, a37, \
		   a38, a39, a40, n, ...)                                      \
	n
#define TW_TP_FIELD_COUNT(...)                                               \
	TW_TP_41ST(__VA_ARGS__, too_many_fields, too_many_fields,            \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, \
		   4, 3, 3, 2, 2, 1, 1, 0, 0, ~)
#define TW_TP_PRINTED_COUNT(...)                                             \
	TW_TP_41ST(__VA_ARGS__, too_many_fields, too_many_fields,            \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields,        \
		   too_many_fields, too_many_fields, too_many_fields, 10, 9, \
		   8, 7, 6, 5, 4, 3, 2, 1, 0, ~, ~)

#define TW_TP_EACH(n, m, x, list) \
	TW_TP_CALL_EACH(TW_TP_EACH_##n, m, x, TW_TP_LIST list)
#define TW_TP_EACH_0(m, x, ...)
#define TW_TP_EACH_1(m, x, f1, ...) m(x, 1, f1)
#define TW_TP_EACH_2(m, x, f1, s1, f2, ...) \
	TW_TP_EACH_1(m, x, f1, s1) m(x, 2, f2)
#define TW_TP_EACH_3(m, x, f1, s1, f2, s2, f3, ...) \
	TW_TP_EACH_2(m, x, f1, s1, f2, s2) m(x, 3, f3)
#define TW_TP_EACH_4(m, x, f1, s1, f2, s2, f3, s3, f4, ...) \
	TW_TP_EACH_3(m, x, f1, s1, f2, s2, f3, s3) m(x, 4, f4)
#define TW_TP_EACH_5(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, ...) \
	TW_TP_EACH_4(m, x, f1, s1, f2, s2, f3, s3, f4, s4) m(x, 5, f5)
#define TW_TP_EACH_6(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, ...) \
	TW_TP_EACH_5(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5) m(x, 6, f6)
#define TW_TP_EACH_7(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     ...)                                                      \
	TW_TP_EACH_6(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6)     \
	m(x, 7, f7)
#define TW_TP_EACH_8(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     s7, f8, ...)                                              \
	TW_TP_EACH_7(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     s7)                                                       \
	m(x, 8, f8)
#define TW_TP_EACH_9(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     s7, f8, s8, f9, ...)                                      \
	TW_TP_EACH_8(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     s7, f8, s8)                                               \
	m(x, 9, f9)
#define TW_TP_EACH_10(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6,    \
		      f7, s7, f8, s8, f9, s9, f10, ...)                        \
	TW_TP_EACH_9(m, x, f1, s1, f2, s2, f3, s3, f4, s4, f5, s5, f6, s6, f7, \
		     s7, f8, s8, f9, s9)                                       \
	m(x, 10, f10)
#define TW_TP_PRINTED_0(m, x, ...)
#define TW_TP_PRINTED_1(m, x, a, ...) m(x, a) TW_TP_PRINTED_0(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_2(m, x, a, ...) m(x, a) TW_TP_PRINTED_1(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_3(m, x, a, ...) m(x, a) TW_TP_PRINTED_2(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_4(m, x, a, ...) m(x, a) TW_TP_PRINTED_3(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_5(m, x, a, ...) m(x, a) TW_TP_PRINTED_4(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_6(m, x, a, ...) m(x, a) TW_TP_PRINTED_5(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_7(m, x, a, ...) m(x, a) TW_TP_PRINTED_6(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_8(m, x, a, ...) m(x, a) TW_TP_PRINTED_7(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_9(m, x, a, ...) m(x, a) TW_TP_PRINTED_8(m, x, __VA_ARGS__)
#define TW_TP_PRINTED_10(m, x, a, ...) \
	m(x, a) TW_TP_PRINTED_9(m, x, __VA_ARGS__)

/* With the field's tuple laid open: macro_(x, number, tag, type, ...). */
#define TW_TP_OPEN(macro, x, number, tuple) \
	TW_TP_CALL_FIELD(macro, x, number, TW_TP_LIST tuple)

/* What is made of a field. */
#define TW_TP_MEMBER(x, number, tuple) \
	TW_TP_OPEN(TW_TP_MEMBER_, x, number, tuple)
#define TW_TP_MEMBER_(x, number, tag, type, item, size, ...) \
	TW_TP_MEMBER_##tag(type, item, size)
#define TW_TP_MEMBER_tw_value(type, item, size) type item;
#define TW_TP_MEMBER_tw_array(type, item, size) type item[size];

#define TW_TP_PLACE(x, number, tuple) TW_TP_OPEN(TW_TP_PLACE_, x, number, tuple)
#define TW_TP_PLACE_(x, number, tag, type, item, ...) \
	TW_TP_POSITION_TYPE(number) item;

#define TW_TP_TEXTS(x, number, tuple) TW_TP_OPEN(TW_TP_TEXTS_, x, number, tuple)
#define TW_TP_TEXTS_(x, number, tag, type, item, size, type_text, item_text) \
	char name_##item[sizeof(item_text)];                                 \
	char type_##item[sizeof(type_text)];

#define TW_TP_TEXT(x, number, tuple) TW_TP_OPEN(TW_TP_TEXT_, x, number, tuple)
#define TW_TP_TEXT_(x, number, tag, type, item, size, type_text, item_text) \
	item_text, type_text,

#define TW_TP_FIELD(x, number, tuple) TW_TP_OPEN(TW_TP_FIELD_, x, number, tuple)
#define TW_TP_FIELD_(x, number, tag, type, item, ...)        \
	{offsetof(struct tw_texts_##x, name_##item),         \
	 offsetof(struct tw_texts_##x, type_##item),         \
	 TW_TP_KIND(x, item),                                \
	 TW_TP_KIND(x, item) == TW_FIELD_STRING              \
		 ? 0                                         \
		 : sizeof(((struct tw_entry_##x *)0)->item), \
	 0,                                                  \
	 0},

#define TW_TP_NO_FIELD           \
	{                        \
		0, 0, 0, 0, 0, 0 \
	}

#define TW_TP_CHECK(x, number, tuple) TW_TP_OPEN(TW_TP_CHECK_, x, number, tuple)
#define TW_TP_CHECK_(x, number, tag, type, item, size, type_text, item_text) \
	TW_STATIC_ASSERT(TW_TP_KIND(x, item) != 0,                           \
			 "no field can be of this type: " item_text);        \
	TW_TP_CHECK_##tag(x, item, item_text) TW_STATIC_ASSERT(              \
		sizeof(type_text) <= 256 && sizeof(item_text) <= 256,        \
		"too long");
#define TW_TP_CHECK_tw_value(x, item, item_text)
#define TW_TP_CHECK_tw_array(x, item, item_text)                 \
	TW_STATIC_ASSERT(TW_TP_KIND(x, item) == TW_FIELD_STRING, \
			 "only char has arrays: " item_text);

#define TW_TP_MEASURE(x, number, tuple) \
	TW_TP_OPEN(TW_TP_MEASURE_, x, number, tuple)
#define TW_TP_MEASURE_(x, number, tag, type, item, ...)                \
	length->of[number] = TW_TP_KIND(x, item) == TW_FIELD_STRING    \
				     ? TW_TP_LENGTH_##tag(entry->item) \
				     : 0;                              \
	size += TW_TP_KIND(x, item) == TW_FIELD_STRING                 \
			? length->of[number] + 1                       \
			: sizeof(entry->item);
#define TW_TP_LENGTH_tw_value(value) \
	tw_string_length(TW_TP_STRING_tw_value(value))
#define TW_TP_LENGTH_tw_array(value) \
	tw_tp_array_length(TW_TP_STRING_tw_array(value), sizeof(value))
#define TW_TP_STRING_tw_value(value) tw_tp_text(&(value), sizeof(value))
#define TW_TP_STRING_tw_array(value) ((const char *)(value))

#define TW_TP_PUT(x, number, tuple) TW_TP_OPEN(TW_TP_PUT_, x, number, tuple)
#define TW_TP_PUT_(x, number, tag, type, item, ...)                           \
	case number:                                                          \
		return TW_TP_KIND(x, item) == TW_FIELD_STRING                 \
			       ? tw_put_string(                               \
					 at, TW_TP_STRING_##tag(entry->item), \
					 length->of[number])                  \
			       : TW_PUT(at, entry->item);

#define TW_TP_PUT_REST(x, number, tuple) \
	if (!(but & 1u << number))       \
		at = tw_put_##x(at, entry, length, number);

/* What is made of an argument of TP_printk. */
#define TW_TP_ORDER(x, field) TW_TP_POSITION(field),
#define TW_TP_OR(x, field) | 1u << TW_TP_POSITION(field)
#define TW_TP_PLUS(x, field) +(1u << TW_TP_POSITION(field))
#define TW_TP_PUT_PRINTED(x, field)                        \
	_tw_at = tw_put_##x(_tw_at, _tw_entry, _tw_length, \
			    TW_TP_POSITION(field));
#define TW_TP_PRINTED(macro, x, ...)                                          \
	TW_TP_CALL(                                                           \
		TW_TP_JOIN(TW_TP_PRINTED_, TW_TP_PRINTED_COUNT(__VA_ARGS__)), \
		macro, x, TW_TP_REST(__VA_ARGS__, ~))

/* Declaring */

#define DECLARE_TRACE(name, proto, ...) \
	TW_TP_DECLARE(name, (proto), __VA_ARGS__, ~)
#define TW_TP_DECLARE(name, proto, first, ...)                              \
	TW_TP_CALL(TW_TP_JOIN(TW_TP_DECLARE_, TW_TP_IS_TUPLE(first)), name, \
		   proto, first, __VA_ARGS__)
/* Without TP_ARGS: first is the nothing before a list of fields. */
#define TW_TP_DECLARE_0(name, proto, first, ...)                             \
	TW_TP_BEGIN                                                          \
	TW_TP_DECLARE_COMMON(name, proto, TW_TP_FIELD_COUNT(__VA_ARGS__),    \
			     (__VA_ARGS__))                                  \
	extern TW_HIDDEN void trace_##name proto __asm__("_tw_emit_" #name); \
	TW_TP_END
#define TW_TP_DECLARE_1(name, proto, args, first, ...)                    \
	TW_TP_BEGIN                                                       \
	TW_TP_DECLARE_COMMON(name, proto, TW_TP_FIELD_COUNT(__VA_ARGS__), \
			     (__VA_ARGS__))                               \
	static inline __attribute__((unused)) void trace_##name proto     \
	{                                                                 \
		if (TW_UNLIKELY(TW_STATE(tp_##name, 0)))                  \
			_tw_emit_##name args;                             \
	}                                                                 \
	TW_TP_END

#define TW_TP_DECLARE_COMMON(name, proto, count, list) \
	TW_TP_DECLARE_ALL(name, proto, count, list)
#define TW_TP_DECLARE_ALL(name, proto, count, list)                            \
	struct tw_entry_##name {                                               \
		TW_TP_EACH(count, TW_TP_MEMBER, name, list)                    \
		char tw_end;                                                   \
	};                                                                     \
	struct tw_positions_##name {                                           \
		TW_TP_EACH(count, TW_TP_PLACE, name, list)                     \
		char tw_end;                                                   \
	};                                                                     \
	struct tw_texts_##name {                                               \
		TW_TP_EACH(count, TW_TP_TEXTS, name, list)                     \
		char tw_end[1];                                                \
	};                                                                     \
	struct tw_fields_##name {                                              \
		struct tw_blob_field field[count + 1];                         \
		struct tw_texts_##name texts;                                  \
	};                                                                     \
	struct tw_lengths_##name {                                             \
		size_t of[count + 1];                                          \
	};                                                                     \
	enum {                                                                 \
		tw_field_count_##name = count                                  \
	};                                                                     \
	TW_TP_EACH(count, TW_TP_CHECK, name, list)                             \
	/* Where nobody asks for it, it is not in the object either. */        \
	static inline __attribute__((unused))                                  \
	const struct tw_fields_##name *tw_declared_##name(void)                \
	{                                                                      \
		static const struct tw_fields_##name fields = {                \
			{TW_TP_EACH(count, TW_TP_FIELD, name, list)            \
				 TW_TP_NO_FIELD},                              \
			{TW_TP_EACH(count, TW_TP_TEXT, name, list) ""},        \
		};                                                             \
		return &fields;                                                \
	}                                                                      \
	static TW_INLINE __attribute__((unused))                               \
	size_t tw_measure_##name(const struct tw_entry_##name *entry,          \
				 struct tw_lengths_##name *length)             \
	{                                                                      \
		size_t size = TW_EVENT_HEADER;                                 \
		(void)entry;                                                   \
		length->of[0] = 0;                                             \
		TW_TP_EACH(count, TW_TP_MEASURE, name, list)                   \
		return size;                                                   \
	}                                                                      \
	static TW_INLINE __attribute__((unused)) unsigned char *tw_put_##name( \
		unsigned char *at, const struct tw_entry_##name *entry,        \
		const struct tw_lengths_##name *length, unsigned number)       \
	{                                                                      \
		(void)entry, (void)length;                                     \
		switch (number) {                                              \
			TW_TP_EACH(count, TW_TP_PUT, name, list)               \
		default:                                                       \
			return at;                                             \
		}                                                              \
	}                                                                      \
	static TW_INLINE                                                       \
		__attribute__((unused)) unsigned char *tw_put_rest_##name(     \
			unsigned char *at,                                     \
			const struct tw_entry_##name *entry,                   \
			const struct tw_lengths_##name *length, unsigned but)  \
	{                                                                      \
		(void)entry, (void)length, (void)but;                          \
		TW_TP_EACH(count, TW_TP_PUT_REST, name, list)                  \
		return at;                                                     \
	}                                                                      \
	TW_DECLARE_STATES(tp_##name, 1);                                       \
	extern TW_HIDDEN void _tw_emit_##name proto;                           \
	static inline                                                          \
		__attribute__((unused)) bool trace_##name##_enabled(void)      \
	{                                                                      \
		return TW_STATE(tp_##name, 0);                                 \
	}

/* Defining */

#define DEFINE_TRACE(name, proto, assign, ...)                                 \
	TW_TP_BEGIN                                                            \
	TW_TP_DEFINE_GROUP(name, TW_TP_FIRST(__VA_ARGS__, ~))                  \
	static TW_INLINE void tw_store_##name(                                 \
		const struct tw_slot *_tw_slot,                                \
		const struct tw_entry_##name *_tw_entry,                       \
		const struct tw_lengths_##name *_tw_length, size_t _tw_size)   \
	{                                                                      \
		const struct tw_positions_##name *__entry                      \
			__attribute__((unused)) = NULL;                        \
		unsigned char *_tw_at = tw_slot_fields(_tw_slot);              \
		TW_TP_PRINTED(TW_TP_PUT_PRINTED, name, __VA_ARGS__)            \
		_tw_at = tw_put_rest_##name(                                   \
			_tw_at, _tw_entry, _tw_length,                         \
			0 TW_TP_PRINTED(TW_TP_OR, name, __VA_ARGS__));         \
		(void)_tw_at;                                                  \
		tw_slot_commit(_tw_slot, tw_group_tp_##name.id_base,           \
			       _tw_size);                                      \
	}                                                                      \
	/* By value, so that the common case's are never in memory. */         \
	static TW_COLD void tw_slow_##name(                                    \
		struct tw_entry_##name _tw_entry,                              \
		struct tw_lengths_##name _tw_length, size_t _tw_size)          \
	{                                                                      \
		struct tw_slot _tw_slot;                                       \
		if (tw_slot_open_slow(&_tw_slot, _tw_size))                    \
			tw_store_##name(&_tw_slot, &_tw_entry, &_tw_length,    \
					_tw_size);                             \
	}                                                                      \
	void _tw_emit_##name(proto)                                            \
	{                                                                      \
		struct tw_entry_##name _tw_entry;                              \
		struct tw_entry_##name *const __entry = &_tw_entry;            \
		struct tw_lengths_##name _tw_length;                           \
		struct tw_slot _tw_slot;                                       \
		size_t _tw_size;                                               \
		if (!TW_STATE(tp_##name, 0))                                   \
			return;                                                \
		__entry->tw_end = 0;                                           \
		assign;                                                        \
		if (0)                                                         \
			tw_tp_check_format(__VA_ARGS__);                       \
		_tw_size = tw_measure_##name(&_tw_entry, &_tw_length);         \
		if (TW_LIKELY(tw_slot_open(&_tw_slot, _tw_size)))              \
			tw_store_##name(&_tw_slot, &_tw_entry, &_tw_length,    \
					_tw_size);                             \
		else                                                           \
			tw_slow_##name(_tw_entry, _tw_length, _tw_size);       \
	}                                                                      \
	__attribute__((constructor)) static void tw_register_##name(void)      \
	{                                                                      \
		const struct tw_positions_##name *__entry                      \
			__attribute__((unused)) = NULL;                        \
		static const uint8_t order[] = {                               \
			TW_TP_PRINTED(TW_TP_ORDER, name, __VA_ARGS__) 0};      \
		TW_STATIC_ASSERT(                                              \
			(0 TW_TP_PRINTED(TW_TP_OR, name, __VA_ARGS__)) ==      \
				(0 TW_TP_PRINTED(TW_TP_PLUS, name,             \
						 __VA_ARGS__)),                \
			"a field is printed twice");                           \
		tw_tracepoint_register(                                        \
			&tw_group_tp_##name, &tw_blob_tp_##name,               \
			tw_declared_##name(), sizeof(struct tw_fields_##name), \
			order);                                                \
	}                                                                      \
	__attribute__((destructor)) static void tw_unregister_##name(void)     \
	{                                                                      \
		tw_group_unregister(&tw_group_tp_##name);                      \
	}                                                                      \
	TW_TP_END

/* The group of one event: all of its blob but what DECLARE_TRACE knows. */
#define TW_TP_STRINGS(name)                             \
	(offsetof(struct tw_blob_tp_##name, declared) + \
	 offsetof(struct tw_fields_##name, texts))
#define TW_TP_STRING(name, member) \
	offsetof(struct tw_blob_tp_##name, member) - TW_TP_STRINGS(name)
#define TW_TP_DEFINE_GROUP(name, text)                                         \
	static struct tw_blob_tp_##name {                                      \
		struct tw_blob_header header;                                  \
		struct tw_blob_event event;                                    \
		/* A struct tw_fields_NAME, yet easier to fill with zeros. */  \
		uint32_t declared[sizeof(struct tw_fields_##name) / 4];        \
		char own_name[sizeof(#name)];                                  \
		char group[sizeof(TRACKWAY_GROUP)];                            \
		char format[sizeof(text)];                                     \
		char file[sizeof(__FILE__)];                                   \
	} tw_blob_tp_##name = {                                                \
		{TW_BLOB_MAGIC, TW_BLOB_MAJOR, TW_BLOB_MINOR,                  \
		 sizeof(struct tw_blob_tp_##name), 1,                          \
		 sizeof(struct tw_blob_event),                                 \
		 offsetof(struct tw_blob_tp_##name, event),                    \
		 tw_field_count_##name, sizeof(struct tw_blob_field),          \
		 offsetof(struct tw_blob_tp_##name, declared),                 \
		 TW_TP_STRINGS(name),                                          \
		 sizeof(struct tw_blob_tp_##name) - TW_TP_STRINGS(name),       \
		 TW_TP_STRING(name, group)},                                   \
		{TW_TP_STRING(name, own_name), TW_TP_STRING(name, format),     \
		 TW_TP_STRING(name, file), __LINE__, 0, tw_field_count_##name, \
		 14, 0},                                                       \
		{0},                                                           \
		#name,                                                         \
		TRACKWAY_GROUP,                                                \
		text,                                                          \
		__FILE__,                                                      \
	};                                                                     \
	struct tw_states_tp_##name tw_states_tp_##name;                        \
	static struct tw_group tw_group_tp_##name = {                          \
		sizeof(struct tw_group),                                       \
		1,                                                             \
		(struct tw_states *)(void *)&tw_states_tp_##name,              \
		sizeof(tw_states_tp_##name),                                   \
		&tw_blob_tp_##name,                                            \
		sizeof(tw_blob_tp_##name),                                     \
		0,                                                             \
		0,                                                             \
		NULL,                                                          \
	};

#endif
