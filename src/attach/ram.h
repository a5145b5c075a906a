/* SPDX-License-Identifier: MIT */
/*
 * Memory that may hold any number of rings: the RAM of a virtual machine
 * ("vm:PID"), the file behind such RAM ("ram:FILE"), a dump of it
 * ("image:FILE"). It is searched for rings by their magic, again and again if
 * wanted, since a guest boots, resets and relocates as it likes.
 *
 * All that is in such memory is hostile and changes while it is looked at:
 * nothing here crashes, hangs or reaches outside of it, whatever a guest
 * writes. One thread's, with the attaches made out of it. Nothing here prints;
 * errors are as in attach.h, and each text begins with the spec.
 */
#ifndef TRACKWAY_ATTACH_RAM_H
#define TRACKWAY_ATTACH_RAM_H

#include "attach.h"

struct tw_ram;

/* Rings and candidates that are remembered at a time; the rest is counted. */
#define TW_RAM_RINGS_MAX 256
#define TW_RAM_REFUSED_MAX 32

/*
 * What was found at one place. An entry is not used again for another ring
 * before the list is full; then those that are gone are, with a new serial.
 */
struct tw_ram_ring {
	uint64_t serial; /* 1, 2, ... as they were found; never twice */
	/* Where its control block is: vm: an address in the VMM's process,
	 * ram: and image: an offset in the file. */
	uint64_t place;
	uint64_t size; /* of the whole ring, bytes */
	uint64_t cost; /* of keeping track of it, for ram-budget.c */
	bool is_kept;  /* it has been let in */
	uint8_t uuid[16];
	uint32_t generation;		  /* 0 where it isn't counted */
	uint32_t pid;			  /* 0: a firmware's */
	char name[TW_RING_NAME_SIZE + 1]; /* any bytes: escape them */
	/* Replaced by another ring or by other bytes, or its VM has ended. */
	bool gone;
	/* Another place has the same ring in a later state: a relocated
	 * firmware's first image. Left alone by all that isn't told its place.
	 */
	bool copy;
	/* Why it can't be used, a phrase: a static string. NULL: it can. A
	 * ring that is left out because of others may be let in later. */
	const char *why;
};

/* Whether spec begins with "vm:", "ram:" or "image:". */
bool tw_ram_is_spec(const char *spec);

/*
 * Open the memory that spec names:
 *	vm:PID		a VMM's process
 *	vm:NAME		the only VMM whose program, or whose -name option, is
 *			so called
 *	ram:FILE	shared RAM, mapped
 *	image:FILE	a raw dump, read only
 * each with "/RING" behind it to see no other rings than those of this name, or
 * the one at this place ("/0x1000"). writable: fail unless its rings can be
 * written to. Nothing is searched yet. Errors: -ENOENT or -ESRCH, nothing
 *there; -EEXIST, several; -EPERM or -EACCES, not permitted (the text says by
 *what); -EROFS; -EINVAL, no such spec.
 */
int tw_ram_open(const char *spec, bool writable, struct tw_ram **ram,
		struct tw_attach_error *error);

/* Attaches made out of it stay good; the memory goes with the last. NULL: ok.
 */
void tw_ram_close(struct tw_ram *ram);

/* The spec without its "/RING", as target.path of attaches begins. */
const char *tw_ram_spec(const struct tw_ram *ram);

/*
 * Look for rings, and at those already known. The first call searches all of
 * the memory that is there (untouched memory stays untouched). Each later one
 * first looks at the known places, then goes on searching for at most 256 MiB
 * where the call before has stopped, so that it may be made once or more a
 * second. Returns 1 if an entry is new, or gone, 0 if all is as before, or an
 * error, -EINTR among them. A VM that has ended is no error: all is gone.
 */
int tw_ram_scan(struct tw_ram *ram, struct tw_attach_error *error);

/*
 * To be called about every 64 MiB of a first search, with bytes; false stops
 * the search with -EINTR, and the next one starts afresh.
 */
typedef bool (*tw_ram_progress)(void *context, uint64_t done, uint64_t total);
void tw_ram_on_progress(struct tw_ram *ram, tw_ram_progress progress,
			void *context);

/* The entries, those that are gone and those with a why included. */
size_t tw_ram_ring_count(const struct tw_ram *ram);
/* NULL: no such entry. Good until the next scan or close. */
const struct tw_ram_ring *tw_ram_ring(const struct tw_ram *ram, size_t i);

/* Neither gone nor a copy, and without a why. */
bool tw_ram_ring_is_usable(const struct tw_ram_ring *ring);

/*
 * What the list can't say, or NULL: that there were more rings or candidates
 * than are remembered. Good until the next scan or close.
 */
const char *tw_ram_notice(const struct tw_ram *ram);

/*
 * Open the ring of entry i; all of attach.h works with it. -ESTALE: it is gone;
 * -EBADMSG: it has a why; -EROFS. The attach is alive
 * (tw_attach_is_alive()) while this very ring is at its place, its producer
 * hasn't closed it, and the VM lives; never in an image. target.path is the
 * spec and the ring's place, "vm:1234/0x7f0000001000", which tw_attach_open()
 * takes; target.pid is the producer's own, in the guest: 0 for a firmware.
 */
int tw_ram_attach(struct tw_ram *ram, size_t i, bool writable,
		  struct tw_attach **attach, struct tw_attach_error *error);

/*
 * The same of the one usable ring; where there are several, an error that
 * lists them (-EEXIST), and where there is none, why (-ENOENT).
 * tw_attach_open() of a spec is open, scan and this.
 */
int tw_ram_attach_only(struct tw_ram *ram, bool writable,
		       struct tw_attach **attach,
		       struct tw_attach_error *error);

/*
 * Whether more may happen in it: vm: its process lives; ram: always, until the
 * file is truncated; image: never. Cheap.
 */
bool tw_ram_is_alive(struct tw_ram *ram);

/*
 * Whether some process, but for Trackway's own, has the memory: 1 or 0; or
 * -EACCES: not every process may be looked at. Takes a while.
 */
int tw_ram_is_in_use(struct tw_ram *ram);

/*
 * Schemas for rings without (a firmware short of ROM): give a ring's groups
 * that have no schema of their own the one of as many events as they have. The
 * schema is copied, with the sizes that long, size_t and pointers have in the
 * ring's producer. Holds for groups that come later, too, and may be called
 * for several schemas, of which the first that fits is taken. 0 or more: the
 * groups that it was taken for now; -ENOMEM.
 */
int tw_attach_use_schema(struct tw_attach *attach,
			 const struct tw_schema *schema,
			 struct tw_attach_error *error);

/* Give it those that another attach was given. 0 or -ENOMEM. */
int tw_attach_share_schemas(struct tw_attach *attach,
			    const struct tw_attach *from,
			    struct tw_attach_error *error);

/*
 * A trace-events file for it; to be freed with tw_schema_destroy(). The error's
 * text is the first of the file's, with its line.
 */
int tw_attach_load_schema(const char *path, struct tw_schema **schema,
			  struct tw_attach_error *error);

#endif
