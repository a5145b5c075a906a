/* SPDX-License-Identifier: MIT */
/* Targets for the tests of the monitor: see scene.h. */
#include "scene.h"

#include "../attach/ring-maker.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static void make_fixture(struct scene_target *target)
{
	struct fixture *f = &target->fixture;

	fixture_create(f, 4096, 4, TW_RING_OVERWRITE);
	target->has_fixture = true;
	/* What times are told by is the ring's own, not this host's. */
	f->ring.control->clock_kind = TW_CLOCK_OTHER;
	memset(f->ring.control->name, 0, sizeof(f->ring.control->name));
	strcpy((char *)f->ring.control->name, target->name);
	if (strcmp(target->name, "dead") != 0)
		f->ring.control->pid = (uint32_t)getpid();
	if (!strcmp(target->name, "bare"))
		f->ring.control->group_count = 0;
	target->attach = fixture_attach(f, NULL);
}

/* Mapped here, since a ring is known to live by who has it mapped. */
static void make_demo(struct scene_target *target)
{
	struct tw_attach_error error;
	struct made_ring ring;
	int fd;

	strcpy(target->path, "/tmp/trackway-monitor-XXXXXX");
	fd = mkstemp(target->path);
	check(fd >= 0, "mkstemp");
	close(fd);
	made_ring_init(&ring, false, target->name, getpid(), 0);
	check(made_ring_write(&ring, ring.size, target->path), "demo");
	target->size = ring.size;
	made_ring_free(&ring);
	fd = open(target->path, O_RDWR | O_CLOEXEC);
	target->memory = mmap(NULL, target->size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	check(target->memory != MAP_FAILED, "mmap");
	close(fd);
	if (tw_attach_open(target->path, false, &target->attach, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
}

static void make_target(struct scene *scene, const char *name)
{
	struct scene_target *target = &scene->targets[scene->count++];

	snprintf(target->name, sizeof(target->name), "%s", name);
	if (!strcmp(name, "demo"))
		make_demo(target);
	else
		make_fixture(target);
}

void scene_create(struct scene *scene, const char *names)
{
	struct tw_monitor_target targets[SCENE_TARGETS];
	char *copy = strdup(names);
	char *rest = copy;
	char *name;

	memset(scene, 0, sizeof(*scene));
	while ((name = strtok_r(rest, " ", &rest)))
		make_target(scene, name);
	free(copy);
	for (size_t i = 0; i < scene->count; i++)
		targets[i] = (struct tw_monitor_target){
			scene->targets[i].name,
			scene->targets[i].attach,
		};
	check(!tw_monitor_create(targets, scene->count, &scene->monitor),
	      "monitor");
}

void scene_destroy(struct scene *scene)
{
	tw_monitor_destroy(scene->monitor);
	for (size_t i = 0; i < scene->count; i++) {
		struct scene_target *target = &scene->targets[i];

		tw_attach_close(target->attach);
		if (target->has_fixture) {
			fixture_destroy(&target->fixture);
			continue;
		}
		munmap(target->memory, target->size);
		unlink(target->path);
	}
}

struct fixture *scene_fixture(struct scene *scene, const char *name)
{
	for (size_t i = 0; i < scene->count; i++)
		if (!strcmp(scene->targets[i].name, name))
			return &scene->targets[i].fixture;
	return NULL;
}
