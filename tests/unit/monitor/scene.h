/* SPDX-License-Identifier: MIT */
/*
 * Targets for the tests of the monitor, by name:
 *	live, other	rings of src/trace's fixture whose process is the test's
 *	dead		one whose process has ended
 *	demo		one of src/attach's, with demo_never compiled out
 *	bare		one without any event
 * Their events are written by the test, a tick of their clock apart.
 */
#ifndef TESTS_MONITOR_SCENE_H
#define TESTS_MONITOR_SCENE_H

#include "../../../src/monitor/monitor.h"
#include "../trace/fixture.h"

#define SCENE_TARGETS 5

struct scene_target {
	char name[16];
	bool has_fixture;
	struct fixture fixture;
	char path[64]; /* of a ring made by hand */
	void *memory;
	size_t size;
	struct tw_attach *attach;
};

struct scene {
	struct scene_target targets[SCENE_TARGETS];
	size_t count;
	struct tw_monitor *monitor;
};

/* names: separated by blanks. Ends the test where it can't. */
void scene_create(struct scene *scene, const char *names);
void scene_destroy(struct scene *scene);

/* The fixture of a target, or NULL. */
struct fixture *scene_fixture(struct scene *scene, const char *name);

#endif
