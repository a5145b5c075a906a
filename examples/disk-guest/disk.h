/* SPDX-License-Identifier: MIT */
/*
 * The first disk of a PC's IDE controller, read by DMA and polled. Every
 * command is traced: trace_disk_command() just before the device is told,
 * trace_disk_complete() as soon as the device has been seen to be done.
 */
#ifndef DISK_GUEST_DISK_H
#define DISK_GUEST_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define SECTOR_SIZE 512
#define SECTORS_MAX 8 /* of one read */

/* Look for the controller and the disk: its size in sectors; 0: none there. */
uint32_t disk_start(void);

/* Up to SECTORS_MAX sectors; the content is good until the next read. NULL:
 * the disk said no. */
const char *disk_read(uint32_t sector, uint32_t count);

/* How many commands there have been, those that failed among them. */
uint32_t disk_commands(void);

#endif
