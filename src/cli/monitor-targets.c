/* SPDX-License-Identifier: MIT */
/*
 * The targets of trackway monitor. A guest's memory is searched when it is
 * opened, and after that only while one of its rings is gone: a command is to
 * take effect at once, and a search takes its time.
 */
#include "monitor-targets.h"

#include "guests.h"
#include "rings.h"
#include "status-line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target {
	struct tw_attach *attach;
	const char *word; /* of the command line */
	bool is_guest;	  /* its attach is ours, not one of the rings' */
	bool has_lived;	  /* as an image's never does */
	bool is_gone;	  /* which has been said */
};

struct tw_monitor_targets {
	struct tw_monitor *monitor;
	struct tw_rings *rings; /* by word; none for a guest's */
	size_t ring_words;
	struct tw_guests *guests; /* NULL: there are none */
	struct target *list;
	size_t count;
};

struct tw_monitor *tw_monitor_targets_monitor(
	const struct tw_monitor_targets *targets)
{
	return targets->monitor;
}

void tw_monitor_targets_close(struct tw_monitor_targets *targets)
{
	if (!targets)
		return;
	tw_monitor_destroy(targets->monitor);
	for (size_t i = 0; i < targets->count; i++)
		if (targets->list[i].is_guest)
			tw_attach_close(targets->list[i].attach);
	for (size_t i = 0; i < targets->ring_words; i++)
		tw_rings_close(&targets->rings[i]);
	tw_guests_destroy(targets->guests);
	free(targets->list);
	free(targets->rings);
	free(targets);
}

static int add(struct tw_monitor_targets *targets, const struct target *target)
{
	struct target *list = reallocarray(targets->list, targets->count + 1,
					   sizeof(*list));

	if (!list)
		return tw_error_memory();
	targets->list = list;
	list[targets->count++] = *target;
	return TW_EXIT_OK;
}

/* ---- Programs ---- */

/* One that has ended can be looked at, so its ring need not be writable. */
static int open_rings(struct tw_monitor_targets *targets, const char *word)
{
	struct tw_rings *rings = &targets->rings[targets->ring_words];
	const bool is_channel = tw_is_channel(word);
	int status = tw_rings_open(rings, word, is_channel, NULL,
				   &(struct tw_words){0});

	targets->ring_words++;
	for (size_t i = 0; !status && i < rings->count; i++)
		status = add(targets, &(struct target){.attach = rings->list[i],
						       .word = word});
	return status;
}

/* ---- Guests ---- */

static int take_first(struct tw_monitor_targets *targets,
		      const struct tw_guest_ring *ring)
{
	const struct target target = {
		.attach = ring->attach,
		.word = ring->target,
		.is_guest = true,
		.has_lived = tw_attach_is_alive(ring->attach),
	};
	int status = add(targets, &target);

	if (status)
		tw_attach_close(ring->attach);
	return status;
}

/* The target whose place a new ring takes: the one that was at the same place
 * in memory, if it is among several. NULL: none. */
static struct target *find_gone(struct tw_monitor_targets *targets,
				const struct tw_guest_ring *ring)
{
	const struct tw_target *is = &ring->attach->target;
	struct target *found = NULL;

	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = &targets->list[i];
		const struct tw_target *was = &target->attach->target;

		if (target->is_gone && !strcmp(target->word, ring->target) &&
		    !strcmp(was->name, is->name) && was->pid == is->pid &&
		    (!found || !strcmp(was->path, is->path)))
			found = target;
	}
	return found;
}

static void replace(struct tw_monitor_targets *targets, struct target *target,
		    struct tw_attach *attach)
{
	struct tw_attach *before = target->attach;

	target->attach = attach;
	target->is_gone = false;
	tw_monitor_replace(targets->monitor, (size_t)(target - targets->list),
			   attach);
	tw_attach_close(before);
}

static const char *name_of(const struct tw_monitor_targets *targets,
			   const struct target *target)
{
	return tw_monitor_target_name(targets->monitor,
				      (size_t)(target - targets->list));
}

static int take_late(struct tw_monitor_targets *targets,
		     const struct tw_guest_ring *ring)
{
	struct target *target = find_gone(targets, ring);

	if (target) {
		replace(targets, target, ring->attach);
		tw_notice("%s: \"%s\" was reset: its ring is number %u now, "
			  "with events switched as it has them",
			  ring->target, name_of(targets, target), ring->epoch);
		return TW_EXIT_OK;
	}
	tw_notice("%s: there is a new ring, of \"%s\": a monitor that is "
		  "started now will have it",
		  ring->target, ring->attach->target.name);
	tw_attach_close(ring->attach);
	return TW_EXIT_OK;
}

static int take_ring(void *context, const struct tw_guest_ring *ring)
{
	struct tw_monitor_targets *targets = context;

	return targets->monitor ? take_late(targets, ring)
				: take_first(targets, ring);
}

static int open_guest(struct tw_monitor_targets *targets, const char *word,
		      const char *schema)
{
	const size_t before = targets->count;
	int status;

	if (!targets->guests) {
		targets->guests = tw_guests_create(schema, tw_interrupted);
		if (!targets->guests)
			return TW_EXIT_FAILED;
		tw_guests_set_writable(targets->guests);
	}
	status = tw_guests_add(targets->guests, word);
	if (!status)
		status = tw_guests_look(targets->guests, take_ring, targets);
	tw_status_clear();
	if (!status && targets->count == before)
		status = tw_guests_expect_rings(targets->guests);
	return status;
}

/* Whether a ring is missing; what is new of that is said. */
static bool check_gone(struct tw_monitor_targets *targets, bool *is_news)
{
	bool is_gone = false;

	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = &targets->list[i];

		if (!target->has_lived ||
		    (!target->is_gone && tw_attach_is_alive(target->attach)))
			continue;
		*is_news |= !target->is_gone;
		is_gone = true;
		target->is_gone = true;
	}
	return is_gone;
}

void tw_monitor_targets_look(struct tw_monitor_targets *targets)
{
	bool is_news = false;

	if (!targets->guests || !check_gone(targets, &is_news))
		return;
	if (is_news)
		tw_guests_hurry(targets->guests);
	tw_guests_look(targets->guests, take_ring, targets);
	tw_status_clear();
	for (size_t i = 0; is_news && i < targets->count; i++)
		if (targets->list[i].is_gone)
			tw_notice("%s: the ring of \"%s\" is gone",
				  targets->list[i].word,
				  name_of(targets, &targets->list[i]));
}

/* ---- All ---- */

static int open_words(struct tw_monitor_targets *targets,
		      const struct tw_words *words, const char *schema)
{
	int status = TW_EXIT_OK;

	targets->rings = calloc(words->count, sizeof(*targets->rings));
	if (!targets->rings)
		return tw_error_memory();
	for (size_t i = 0; !status && i < words->count; i++) {
		const char *word = words->list[i];

		status = tw_is_guest(word) ? open_guest(targets, word, schema)
					   : open_rings(targets, word);
	}
	return status ? status
		      : tw_guests_check_schema(targets->guests, schema);
}

static int create_monitor(struct tw_monitor_targets *targets)
{
	struct tw_monitor_target *list;
	int err;

	/* One more, for none. */
	list = calloc(targets->count + 1, sizeof(*list));
	if (!list)
		return tw_error_memory();
	for (size_t i = 0; i < targets->count; i++) {
		list[i].attach = targets->list[i].attach;
	}
	err = tw_monitor_create(list, targets->count, &targets->monitor);
	free(list);
	return err ? tw_error_memory() : TW_EXIT_OK;
}

int tw_monitor_targets_open(const struct tw_words *words, const char *schema,
			    struct tw_monitor_targets **out)
{
	struct tw_monitor_targets *targets = calloc(1, sizeof(*targets));
	int status;

	if (!targets)
		return tw_error_memory();
	status = open_words(targets, words, schema);
	if (!status)
		status = create_monitor(targets);
	if (status)
		tw_monitor_targets_close(targets);
	else
		*out = targets;
	return status;
}
