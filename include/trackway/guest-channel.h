/* SPDX-License-Identifier: MIT */
/*
 * The channel, on the guest's side: for a guest with no memory that the host
 * can see. tracetool's backend channel makes trace_NAME() call trace0() to
 * trace10(), which send the event at once, by the transport that the firmware
 * has chosen: fw_cfg's write channel, or a stream of bytes (debugcon, a serial
 * line, virtio-console). docs/channel.md has what goes over the wire,
 * docs/guests.md leads a firmware author through it.
 *
 * tracetool --emit-guest-runtime writes this with the rest of the guest runtime
 * (trackway/guest.h): one header and one source file, no libc, no function of a
 * compiler's library. The hooks are those of trackway/guest.h, and
 *
 *	TW_GUEST_NO_RING  if defined, the ring is left out of the source file
 *	TW_GUEST_NO_CHANNEL
 *			  the same of the channel
 *	TW_GUEST_NO_CLOCK if defined, TW_GUEST_CLOCK() is not needed: events go
 *			  without a time, and there is no ring
 *	TW_GUEST_GUARD_ENTER(), TW_GUEST_GUARD_LEAVE(saved)
 *			  are around each message. Where the guard lets
 *			  interrupts come, as the default does on machines with
 *			  compare-and-swap, an event emitted in the middle of a
 *			  message is not sent, and counted as lost
 */
#ifndef TRACKWAY_GUEST_CHANNEL_H
#define TRACKWAY_GUEST_CHANNEL_H

#include <trackway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The events of one trace-events file, as tracetool's output defines them.
 * A layout has a byte for each field, and 0:
 *
 *	1 2 4 8	  a value of so many bytes
 *	0x10	  a string
 *	0x20 + n  bytes, as many as argument n (from 0) says
 *	0x30	  bytes, as many as the next two bytes say, the low one first
 */
struct tw_channel_group {
	volatile uint8_t *states; /* one for each event: not 0, it is on */
	const uint16_t *places;	  /* of each event's layout */
	const uint8_t *layouts;
	uint32_t event_count;
	uint32_t id_base; /* the first event's id, once started */
};

enum tw_channel_flags {
	TW_CHANNEL_EVENTS_ON = 1, /* begin with every event on */
};

struct tw_transport;

struct tw_channel_options {
	/*
	 * Kept until the stop. Ids go through all of them in this order, as
	 * they go in the host through the same trace-events files; there are
	 * at most 65,535.
	 */
	struct tw_channel_group *const *groups;
	uint32_t group_count;
	struct tw_transport *transport; /* kept until the stop */
	const char *name;  /* the guest's, up to 31 bytes; NULL: none */
	uint64_t clock_hz; /* ticks a second; 0: not known */
	uint32_t flags;	   /* enum tw_channel_flags */
};

/*
 * Number the events, and begin. fw_cfg asks the host which events are on: where
 * there is one that answers, that counts, else events stay as they are. A
 * stream sends its first frame. What is running is stopped first. To be called
 * on one CPU, with no event under way on any. 0, or -1 and events are off: no
 * transport, or too many events. A host that doesn't listen is no error.
 */
int tw_channel_start(const struct tw_channel_options *options);

/*
 * Look for switches from the host, and apply them. To be called where the
 * firmware likes, as often as it likes: in a timer interrupt, in a loop that
 * waits. It reads what there is, of a stream at most 256 bytes, and never waits
 * for more. By fw_cfg it reads a byte for each event, with interrupts off where
 * the guard does that.
 */
void tw_channel_poll(void);

/* Switch every event off for good. Nothing is sent. */
void tw_channel_stop(void);

/* Events that were not sent since the start: emitted in the middle of another
 * one's message, or refused by the transport; the start's own frame counts as
 * one. */
uint32_t tw_channel_lost(void);

/*
 * Send an event, on or off. id: the event's place in its file, more the id_base
 * of its group. What is shorter than the type of 64 bits is converted as C
 * does; float and double are their bits, strings and bytes their address.
 */
void trace0(uint64_t id);
void trace1(uint64_t id, uint64_t x1);
void trace2(uint64_t id, uint64_t x1, uint64_t x2);
void trace3(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3);
void trace4(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);
void trace5(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5);
void trace6(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6);
void trace7(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7);
void trace8(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8);
void trace9(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	    uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8, uint64_t x9);
void trace10(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4,
	     uint64_t x5, uint64_t x6, uint64_t x7, uint64_t x8, uint64_t x9,
	     uint64_t x10);

/*
 * Transports: an object of one of the kinds below, filled in by its macro, is
 * given to tw_channel_start() by the address of its member transport.
 */
struct tw_transport_kind;
struct tw_transport {
	const struct tw_transport_kind *kind;
};

/*
 * fw_cfg: a selector of 16 bits, at which 0x4000 is selected, and a data
 * register of 8 bits. The three functions are how the two are reached; they may
 * be the firmware's own, or, where these are NULL, the members below say where
 * they are.
 *
 * A firmware that uses fw_cfg for itself, and whose interrupts emit events,
 * must not be interrupted between its select and its last read.
 */
struct tw_transport_fw_cfg {
	struct tw_transport transport;
	void (*select)(uint16_t key);
	void (*write)(uint8_t byte);
	uint8_t (*read)(void);
	/* In memory: */
	volatile uint16_t *selector; /* NULL: it is x86's ports */
	volatile uint8_t *data;
	bool big_endian; /* the selector is, whatever the CPU is */
	/* By ports: the selector's. The data's is the next. */
	uint16_t port;
};

extern const struct tw_transport_kind tw_transport_fw_cfg_kind;

/* struct tw_transport_fw_cfg fw_cfg = TW_FW_CFG_PORTS(0x510); */
#define TW_FW_CFG_PORTS(port)                                              \
	{                                                                  \
		{&tw_transport_fw_cfg_kind}, NULL, NULL, NULL, NULL, NULL, \
			false, port                                        \
	}

/* The registers' addresses; big_endian: true on ARM's virt, false on SPARC32,
 * where the selector has the CPU's order. */
#define TW_FW_CFG_MMIO(selector, data, big_endian)                             \
	{                                                                      \
		{&tw_transport_fw_cfg_kind}, NULL, NULL, NULL,                 \
			(volatile uint16_t *)(uintptr_t)(selector),            \
			(volatile uint8_t *)(uintptr_t)(data), (big_endian), 0 \
	}

#define TW_FW_CFG_HOOKS(select, write, read)                                  \
	{                                                                     \
		{&tw_transport_fw_cfg_kind}, select, write, read, NULL, NULL, \
			false, 0                                              \
	}

/* The longest payload of a frame from the host, bytes. */
#define TW_STREAM_SWITCHES 48u

/*
 * A stream of bytes. put sends one: 0, or -1 if the other end takes none and it
 * is no use to wait any longer; the rest of that frame is then not sent, and
 * its event is lost. get returns a byte that has come, or -1 if there is none;
 * NULL: nothing comes.
 */
struct tw_transport_stream {
	struct tw_transport transport;
	int (*put)(uint8_t byte);
	int (*get)(void);
	/* The rest is the transport's own. */
	uint32_t received;
	uint8_t room[8 + TW_STREAM_SWITCHES + 4];
};

extern const struct tw_transport_kind tw_transport_stream_kind;

/* struct tw_transport_stream com1 = TW_STREAM(com1_put, com1_get); */
#define TW_STREAM(put, get)                               \
	{                                                 \
		{&tw_transport_stream_kind}, put, get, 0, \
		{                                         \
			0                                 \
		}                                         \
	}

/*
 * What tracetool's output is made of.
 */
#define TW_CHANNEL_STRING 0x10
#define TW_CHANNEL_BYTES_BY 0x20
#define TW_CHANNEL_BYTES 0x30

#define TW_DECLARE_CHANNEL(group, count)                          \
	extern volatile uint8_t tw_channel_states_##group[count]; \
	extern struct tw_channel_group tw_channel_group_##group

#define TW_CHANNEL_STATE(group, index) \
	(__builtin_expect(tw_channel_states_##group[index] != 0, 0))

#define TW_CHANNEL_ID(group, index) (tw_channel_group_##group.id_base + (index))

/* After TW_DECLARE_CHANNEL(), with as many states, and the two tables. */
#define TW_DEFINE_CHANNEL(group, count, event_count, places, layouts) \
	volatile uint8_t tw_channel_states_##group[count];            \
	struct tw_channel_group tw_channel_group_##group = {          \
		tw_channel_states_##group, places, layouts, event_count, 0}

static inline uint64_t tw_channel_float(float value)
{
	union {
		float value;
		uint32_t bits;
	} both;

	both.value = value;
	return both.bits;
}

static inline uint64_t tw_channel_double(double value)
{
	union {
		double value;
		uint64_t bits;
	} both;

	both.value = value;
	return both.bits;
}

#ifdef __cplusplus
}
#endif

#endif
