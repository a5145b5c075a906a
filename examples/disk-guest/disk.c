/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include "ports.h"
#include "trace.h"

#include <stddef.h>

enum {
	PCI_ADDRESS = 0xcf8,
	PCI_DATA = 0xcfc,
	PCI_COMMAND = 0x04, /* offsets of a function's registers */
	PCI_CLASS = 0x08,
	PCI_BAR4 = 0x20,
	PCI_FUNCTIONS = 32 * 8, /* of a bus */
	PCI_IO_AND_MASTER = 5,
	CLASS_IDE = 0x0101,
};

enum {
	ATA_DATA = 0x1f0,
	ATA_COUNT = 0x1f2,
	ATA_LBA_LOW = 0x1f3,
	ATA_LBA_MIDDLE = 0x1f4,
	ATA_LBA_HIGH = 0x1f5,
	ATA_DEVICE = 0x1f6,
	ATA_COMMAND = 0x1f7, /* written; status, if it is read */
	ATA_CONTROL = 0x3f6,

	DEVICE_LBA = 0xe0,
	STATUS_ERROR = 0x21, /* or a fault of the device */
	STATUS_REQUEST = 0x08,
	STATUS_BUSY = 0x80,
	READ_DMA = 0xc8,
	IDENTIFY = 0xec,
	IDENTIFY_SECTORS = 30, /* in units of 32 bits */
};

/* The controller's bus master: registers, from its base on. */
enum {
	MASTER_COMMAND = 0,
	MASTER_STATUS = 2,
	MASTER_TABLE = 4,

	MASTER_START = 1,
	MASTER_TO_MEMORY = 8,
	MASTER_ERROR = 2,
	MASTER_INTERRUPT = 4,
	TABLE_END = 0x8000,
};

/* Where the bus master puts what it reads; it has one entry. */
struct table {
	uint32_t address;
	uint16_t size;
	uint16_t flags;
} __attribute__((aligned(8)));

/* Aligned so that it crosses no border of 64 KiB. */
static char content[SECTORS_MAX * SECTOR_SIZE]
	__attribute__((aligned(SECTORS_MAX * SECTOR_SIZE)));
static volatile struct table table;
static uint16_t master;
static uint32_t commands;

static uint32_t pci_read(uint32_t function, uint32_t offset)
{
	out32(PCI_ADDRESS, 1u << 31 | function << 8 | offset);
	return in32(PCI_DATA);
}

/* The bus master's base; 0: no such controller. */
static uint16_t find_master(void)
{
	for (uint32_t i = 0; i < PCI_FUNCTIONS; i++) {
		if (pci_read(i, PCI_CLASS) >> 16 != CLASS_IDE)
			continue;
		out32(PCI_ADDRESS, 1u << 31 | i << 8 | PCI_COMMAND);
		out32(PCI_DATA, PCI_IO_AND_MASTER);
		return (uint16_t)(pci_read(i, PCI_BAR4) & ~3u);
	}
	return 0;
}

/* The disk's size as it says itself. */
static uint32_t identify(void)
{
	uint32_t sectors = 0;
	uint8_t status;

	out8(ATA_DEVICE, DEVICE_LBA);
	out8(ATA_COMMAND, IDENTIFY);
	do
		status = in8(ATA_COMMAND);
	while (status & STATUS_BUSY);
	if (!(status & STATUS_REQUEST))
		return 0;
	for (unsigned int i = 0; i < SECTOR_SIZE / 4; i++) {
		const uint32_t word = in32(ATA_DATA);

		if (i == IDENTIFY_SECTORS)
			sectors = word;
	}
	return sectors;
}

uint32_t disk_start(void)
{
	master = find_master();
	out8(ATA_CONTROL, 0); /* interrupts on: they are seen, and not taken */
	return master ? identify() : 0;
}

static void prepare(uint32_t sector, uint32_t count)
{
	table.address = (uint32_t)(uintptr_t)content;
	table.size = (uint16_t)(count * SECTOR_SIZE);
	table.flags = TABLE_END;
	out32(master + MASTER_TABLE, (uint32_t)(uintptr_t)&table);
	out8(master + MASTER_STATUS, MASTER_INTERRUPT | MASTER_ERROR);
	out8(master + MASTER_COMMAND, MASTER_TO_MEMORY);
	out8(ATA_DEVICE, DEVICE_LBA | (uint8_t)(sector >> 24));
	out8(ATA_COUNT, (uint8_t)count);
	out8(ATA_LBA_LOW, (uint8_t)sector);
	out8(ATA_LBA_MIDDLE, (uint8_t)(sector >> 8));
	out8(ATA_LBA_HIGH, (uint8_t)(sector >> 16));
}

const char *disk_read(uint32_t sector, uint32_t count)
{
	const uint32_t number = commands++;
	uint32_t polls = 0;
	uint8_t status;

	prepare(sector, count);
	trace_disk_command(number, sector, count);
	out8(ATA_COMMAND, READ_DMA);
	out8(master + MASTER_COMMAND, MASTER_TO_MEMORY | MASTER_START);
	for (; !(in8(master + MASTER_STATUS) & MASTER_INTERRUPT); polls++)
		tw_guest_sync();
	status = in8(ATA_COMMAND);
	trace_disk_complete(number, status, polls);
	out8(master + MASTER_COMMAND, 0);
	if (!(status & STATUS_ERROR))
		return content;
	trace_disk_failed(number, status);
	return NULL;
}

uint32_t disk_commands(void)
{
	return commands;
}
