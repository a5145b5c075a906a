/* SPDX-License-Identifier: MIT */
/*
 * The channel by fw_cfg: seven u64 written to the data register, an event's id
 * and six arguments, with 0x4000 selected before each. Arguments 7 to 10 go
 * ahead, in a message whose id has its highest bit set, which a host that knows
 * nothing of it takes for an event that it doesn't have. Reading at the same
 * selector tells which events are on.
 */
#include "target.h"

#include "channel.h"

#define FW_CFG_CHANNEL 0x4000u
#define FW_CFG_ARGUMENTS 6u
#define FW_CFG_MORE ((uint64_t)1 << 63)

#if defined(__x86_64__) || defined(__i386__)
static void fw_cfg_out16(uint16_t port, uint16_t value)
{
	__asm__ __volatile__("outw %0, %1" : : "a"(value), "Nd"(port));
}

static void fw_cfg_out8(uint16_t port, uint8_t value)
{
	__asm__ __volatile__("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t fw_cfg_in8(uint16_t port)
{
	uint8_t value;

	__asm__ __volatile__("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}
#else
/* There are no ports. */
static void fw_cfg_out16(uint16_t port, uint16_t value)
{
	(void)port;
	(void)value;
}

static void fw_cfg_out8(uint16_t port, uint8_t value)
{
	(void)port;
	(void)value;
}

static uint8_t fw_cfg_in8(uint16_t port)
{
	(void)port;
	return 0;
}
#endif

static void fw_cfg_select(const struct tw_transport_fw_cfg *device)
{
	uint16_t key = FW_CFG_CHANNEL;

	if (device->select) {
		device->select(key);
		return;
	}
	if (!device->selector) {
		fw_cfg_out16(device->port, key);
		return;
	}
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (device->big_endian)
		key = (uint16_t)(key >> 8 | key << 8);
#endif
	*device->selector = key;
}

static void fw_cfg_write(const struct tw_transport_fw_cfg *device, uint8_t byte)
{
	if (device->write)
		device->write(byte);
	else if (device->data)
		*device->data = byte;
	else
		fw_cfg_out8((uint16_t)(device->port + 1), byte);
}

static uint8_t fw_cfg_read(const struct tw_transport_fw_cfg *device)
{
	if (device->read)
		return device->read();
	if (device->data)
		return *device->data;
	return fw_cfg_in8((uint16_t)(device->port + 1));
}

static void fw_cfg_write_u64(const struct tw_transport_fw_cfg *device,
			     uint64_t value)
{
	uint32_t i;

	fw_cfg_select(device);
	for (i = 0; i < 8; i++) {
		fw_cfg_write(device, (uint8_t)value);
		value >>= 8;
	}
}

/* A message of the arguments from the first on; of what is not there, 0. */
static void fw_cfg_write_message(const struct tw_transport_fw_cfg *device,
				 uint64_t id,
				 const struct tw_channel_message *message,
				 uint32_t first)
{
	uint32_t i;

	fw_cfg_write_u64(device, id);
	for (i = first; i < first + FW_CFG_ARGUMENTS; i++)
		fw_cfg_write_u64(
			device, i < message->count ? message->arguments[i] : 0);
}

static bool fw_cfg_send(struct tw_transport *transport,
			const struct tw_channel_message *message)
{
	const struct tw_transport_fw_cfg *device = (void *)transport;

	if (message->count > FW_CFG_ARGUMENTS)
		fw_cfg_write_message(device, message->id | FW_CFG_MORE, message,
				     FW_CFG_ARGUMENTS);
	fw_cfg_write_message(device, message->id, message, 0);
	return true;
}

/* Whether it is a host that answers. */
static bool fw_cfg_read_signature(const struct tw_transport_fw_cfg *device)
{
	static const uint8_t signature[] = {'T', 'W', 'C', '1'};
	uint32_t i;

	for (i = 0; i < sizeof(signature); i++)
		if (fw_cfg_read(device) != signature[i])
			return false;
	return true;
}

static void fw_cfg_read_states(const struct tw_transport_fw_cfg *device)
{
	uint32_t count, i;

	fw_cfg_select(device);
	if (!fw_cfg_read_signature(device))
		return;
	count = fw_cfg_read(device);
	count |= (uint32_t)fw_cfg_read(device) << 8;
	if (count > tw_channel_event_count())
		count = tw_channel_event_count();
	for (i = 0; i < count; i++)
		tw_channel_switch(i, fw_cfg_read(device) != 0);
}

static void fw_cfg_poll(struct tw_transport *transport)
{
	uintptr_t saved;

	if (!tw_channel_enter(&saved))
		return;
	fw_cfg_read_states((void *)transport);
	tw_channel_leave(saved);
}

/* Reading also puts the host in step, whatever was sent before. */
static bool fw_cfg_start(struct tw_transport *transport,
			 const struct tw_channel_options *options)
{
	(void)options;
	fw_cfg_read_states((void *)transport);
	return true;
}

const struct tw_transport_kind tw_transport_fw_cfg_kind = {
	fw_cfg_start,
	fw_cfg_send,
	fw_cfg_poll,
};
