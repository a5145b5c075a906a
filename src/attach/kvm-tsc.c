/* SPDX-License-Identifier: MIT */
/*
 * Files of one number each; those of simple attributes can't be read again from
 * their start, so they are opened anew each time.
 */
#include "kvm-tsc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VCPUS_MAX 4096u

struct tw_kvm_tsc {
	int directory; /* of the VM */
	/* Their ids, which have gaps where cores aren't a power of two. */
	unsigned int vcpus[VCPUS_MAX];
	unsigned int vcpu_count;
};

/* ---- Finding the VM ---- */

/* "PID-FD", as KVM names a VM's directory. */
static bool is_of_process(const char *name, pid_t pid)
{
	char *end;
	long number;

	if (name[0] < '1' || name[0] > '9')
		return false;
	errno = 0;
	number = strtol(name, &end, 10);
	return !errno && number == (long)pid && *end == '-';
}

/* A descriptor of the only one's directory. */
static int open_vm(const char *root, pid_t pid)
{
	DIR *directory = opendir(root);
	const struct dirent *entry;
	int found = -ENOENT;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		if (!is_of_process(entry->d_name, pid))
			continue;
		if (found >= 0) {
			close(found);
			found = -ENOENT;
			break;
		}
		found = openat(dirfd(directory), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (found < 0) {
			found = -errno;
			break;
		}
	}
	closedir(directory);
	return found;
}

/* "vcpuN"; other files are beside them. */
static bool is_vcpu(const char *name, unsigned int *id)
{
	unsigned long number;
	char *end;

	if (strncmp(name, "vcpu", 4) != 0 || name[4] < '0' || name[4] > '9')
		return false;
	number = strtoul(name + 4, &end, 10);
	*id = (unsigned int)number;
	return !*end && number == *id;
}

static int list_vcpus(struct tw_kvm_tsc *kvm)
{
	int fd = openat(kvm->directory, ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = -errno;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (kvm->vcpu_count < VCPUS_MAX && (entry = readdir(directory)))
		if (is_vcpu(entry->d_name, &kvm->vcpus[kvm->vcpu_count]))
			kvm->vcpu_count++;
	closedir(directory);
	if (kvm->vcpu_count == VCPUS_MAX)
		return -E2BIG;
	return kvm->vcpu_count ? 0 : -ENOENT;
}

int tw_kvm_tsc_open(const char *root, pid_t pid, struct tw_kvm_tsc **result)
{
	struct tw_kvm_tsc *kvm;
	struct tw_kvm_scale scale;
	int directory = open_vm(root, pid);
	int err;

	if (directory < 0)
		return directory;
	kvm = calloc(1, sizeof(*kvm));
	if (!kvm) {
		close(directory);
		return -ENOMEM;
	}
	kvm->directory = directory;
	err = list_vcpus(kvm);
	if (!err)
		err = tw_kvm_tsc_scale(kvm, &scale);
	if (err && err != -EAGAIN) {
		tw_kvm_tsc_close(kvm);
		return err;
	}
	*result = kvm;
	return 0;
}

void tw_kvm_tsc_close(struct tw_kvm_tsc *kvm)
{
	if (!kvm)
		return;
	close(kvm->directory);
	free(kvm);
}

/* ---- Reading ---- */

/* A decimal number and a newline, into *value as two's complement. */
static int read_number(const struct tw_kvm_tsc *kvm, unsigned int vcpu,
		       const char *file, uint64_t *value)
{
	char path[64], text[32];
	ssize_t got;
	char *end;
	int fd;

	snprintf(path, sizeof(path), "vcpu%u/%s", vcpu, file);
	fd = openat(kvm->directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, text, sizeof(text) - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got <= 0)
		return got ? (int)got : -EBADMSG;
	text[got] = '\0';
	errno = 0;
	*value = text[0] == '-' ? (uint64_t)strtoll(text, &end, 10)
				: strtoull(text, &end, 10);
	return errno || end == text || *end != '\n' ? -EBADMSG : 0;
}

static int read_scale(const struct tw_kvm_tsc *kvm, unsigned int vcpu,
		      struct tw_kvm_scale *scale)
{
	uint64_t offset = 0, fraction = 0;
	int err = read_number(kvm, vcpu, "tsc-offset", &offset);

	if (err)
		return err;
	scale->offset = (int64_t)offset;
	scale->ratio = 1;
	scale->fraction = 0;
	err = read_number(kvm, vcpu, "tsc-scaling-ratio", &scale->ratio);
	if (err == -ENOENT)
		return 0; /* it can't be scaled */
	if (!err)
		err = read_number(kvm, vcpu, "tsc-scaling-ratio-frac-bits",
				  &fraction);
	if (!err && fraction >= 64)
		err = -EBADMSG;
	scale->fraction = (unsigned int)fraction;
	return err;
}

bool tw_kvm_scale_equals(const struct tw_kvm_scale *scale,
			 const struct tw_kvm_scale *other)
{
	return scale->offset == other->offset && scale->ratio == other->ratio &&
	       scale->fraction == other->fraction;
}

int tw_kvm_tsc_scale(const struct tw_kvm_tsc *kvm, struct tw_kvm_scale *scale)
{
	struct tw_kvm_scale other;
	int err = read_scale(kvm, kvm->vcpus[0], scale);

	for (unsigned int i = 1; !err && i < kvm->vcpu_count; i++) {
		err = read_scale(kvm, kvm->vcpus[i], &other);
		if (!err && !tw_kvm_scale_equals(scale, &other))
			err = -EAGAIN;
	}
	return err;
}

uint64_t tw_kvm_scale_apply(const struct tw_kvm_scale *scale, uint64_t tsc)
{
	const unsigned __int128 scaled = (unsigned __int128)tsc * scale->ratio;

	return (uint64_t)(scaled >> scale->fraction) + (uint64_t)scale->offset;
}
