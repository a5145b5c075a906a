/* SPDX-License-Identifier: MIT */
/*
 * The RAM of a virtual machine as it lies in the VMM's process: a stock one,
 * which knows nothing of us and is neither stopped nor told.
 *
 * Which of its mappings are the guest's? Shared ones may be (memfd, RAM files).
 * Private ones are where the VMM has kept them from being inherited by fork, as
 * QEMU does with all guest memory and malloc() with none. Where a VMM does no
 * such thing, all its larger private mappings are read, and the largest is
 * taken for the RAM. Nothing else is written to: in the VMM's own memory a
 * guest may have had copies made of whatever it likes (the buffers of its
 * disks), rings among them, whose state bytes would lie among the VMM's data.
 *
 * What the guest has never touched is passed over by /proc/PID/pagemap, since
 * to read it would give it memory. Bytes are read by process_vm_readv(), where
 * a pid that is used again can do no more harm than nonsense, and written
 * through a descriptor of /proc/PID/mem, which stays with the very process that
 * it was opened for.
 */
#include "ram-source.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RANGES_MAX 4096
#define GUESSED_SIZE_MIN (1u << 20) /* of a mapping that may be RAM, bytes */
#define GUESSED_SPARSE_MAX 65536u   /* its size, in what is there of it */
#define LOOK_INTERVAL_NS 1000000000ull

#define PAGEMAP_WORDS 8192	  /* read at a time */
#define PAGEMAP_HERE (3ull << 62) /* present, or swapped out */

struct vm {
	pid_t pid;
	uint64_t start; /* field 22 of /proc/PID/stat */
	int process;	/* a pidfd, or -1 */
	int memory;	/* /proc/PID/mem */
	int pagemap;
	bool copies; /* process_vm_readv() works */
	uint64_t looked_ns;
	uint64_t page_size;
	/* A piece of the page map. */
	uint64_t words[PAGEMAP_WORDS];
	uint64_t first_word;
	uint64_t word_count;
};

/* ---- Mappings ---- */

/* A mapping as smaps tells. */
struct area {
	struct tw_ram_range range;
	bool is_shared;
	bool is_guest;	 /* private, and kept from children */
	bool is_ignored; /* not read: a device, a library, a stack */
	uint64_t there;	 /* in memory or swapped out, KiB */
};

struct areas {
	struct area *list;
	size_t count;
	/* Files that have executable mappings: their data is no RAM. */
	struct tw_ram_range *code;
	size_t code_count;
};

static bool begins_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Devices, whose reading may have effects, and the kernel's own. */
static bool is_ignored_path(const char *path)
{
	if (begins_with(path, "/dev/"))
		return !begins_with(path, "/dev/shm/") &&
		       !begins_with(path, "/dev/hugepages") &&
		       !begins_with(path, "/dev/zero");
	return path[0] == '[' || begins_with(path, "anon_inode:") ||
	       begins_with(path, "socket:") || begins_with(path, "/sys/");
}

static int grow(void **list, size_t count, size_t size)
{
	void *more;

	if (count & (count - 1) || (count && count < 16))
		return 0;
	more = realloc(*list, (count ? count * 2 : 16) * size);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

/* Returns the mapping's entry, NULL if it is of no interest, or an error. */
static int add_area(struct areas *areas, const char *line, struct area **added)
{
	unsigned long long start, end, offset, inode;
	unsigned int major, minor;
	struct tw_ram_range range;
	char mode[5];
	int at = 0, err;

	*added = NULL;
	if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end, mode,
		   &offset, &major, &minor, &inode, &at) != 7 ||
	    !at || start >= end)
		return 0;
	range = (struct tw_ram_range){
		.start = start,
		.end = end,
		.device = makedev(major, minor),
		.inode = (ino_t)inode,
		.offset = offset,
	};
	if (mode[2] == 'x' && inode) {
		err = grow((void **)&areas->code, areas->code_count,
			   sizeof(range));
		if (!err)
			areas->code[areas->code_count++] = range;
		return err;
	}
	if (mode[0] != 'r' || mode[1] != 'w' || areas->count >= RANGES_MAX)
		return 0;
	err = grow((void **)&areas->list, areas->count, sizeof(struct area));
	if (err)
		return err;
	*added = &areas->list[areas->count++];
	**added = (struct area){
		.range = range,
		.is_shared = mode[3] == 's',
		.is_ignored = is_ignored_path(line + at),
	};
	return 0;
}

static bool is_flag(const char *flags, const char *flag)
{
	const char *at = strstr(flags, flag);

	return at && at > flags && at[-1] == ' ' &&
	       (at[2] == ' ' || at[2] == '\n' || !at[2]);
}

static int read_areas(const struct vm *vm, struct areas *areas)
{
	struct area *area = NULL;
	char *line = NULL;
	size_t room = 0;
	char path[32];
	FILE *smaps;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)vm->pid);
	smaps = fopen(path, "re");
	if (!smaps)
		return -errno;
	while (!err && getline(&line, &room, smaps) > 0) {
		/* Addresses are small letters, names of values capitals. */
		if (begins_with(line, "VmFlags:")) {
			if (area)
				area->is_guest = is_flag(line, "dc");
		} else if (begins_with(line, "Rss:") ||
			   begins_with(line, "Swap:")) {
			if (area)
				area->there += strtoull(strchr(line, ':') + 1,
							NULL, 10);
		} else if (line[0] < 'A' || line[0] > 'Z') {
			err = add_area(areas, line, &area);
		}
	}
	if (!err && ferror(smaps))
		err = -EIO;
	free(line);
	fclose(smaps);
	return err;
}

static bool is_data_of_code(const struct areas *areas, const struct area *area)
{
	if (!area->range.inode || area->is_shared)
		return false;
	for (size_t i = 0; i < areas->code_count; i++)
		if (areas->code[i].inode == area->range.inode &&
		    areas->code[i].device == area->range.device)
			return true;
	return false;
}

/* The same memory mapped twice is one memory. */
static bool is_seen(const struct tw_ram_range *ranges, size_t count,
		    const struct tw_ram_range *range)
{
	for (size_t i = 0; range->inode && i < count; i++) {
		const struct tw_ram_range *seen = &ranges[i];

		if (seen->inode == range->inode &&
		    seen->device == range->device &&
		    range->offset >= seen->offset &&
		    range->offset + (range->end - range->start) <=
			    seen->offset + (seen->end - seen->start))
			return true;
	}
	return false;
}

static uint64_t size_of(const struct area *area)
{
	return area->range.end - area->range.start;
}

/* A mapping of terabytes with next to nothing in it is no RAM (a sanitizer's
 * shadow, a reserve of addresses), and its page map alone takes minutes. */
static bool is_candidate(const struct area *area)
{
	return !area->is_ignored &&
	       (area->is_shared || size_of(area) >= GUESSED_SIZE_MIN) &&
	       area->there >= size_of(area) / 1024 / GUESSED_SPARSE_MAX;
}

/* For a VMM that marks nothing: what is large may be RAM. */
static void guess_guest(struct areas *areas)
{
	struct area *largest = NULL;

	for (size_t i = 0; i < areas->count; i++) {
		const struct area *area = &areas->list[i];

		if (area->is_guest && !area->is_ignored)
			return;
	}
	for (size_t i = 0; i < areas->count; i++) {
		struct area *area = &areas->list[i];

		if (!is_candidate(area))
			continue;
		area->is_guest = true;
		if (!largest || size_of(area) > size_of(largest))
			largest = area;
	}
	if (largest)
		largest->range.writable = true;
}

/* Replace the ranges by what of the areas may be the guest's. */
static int take_areas(struct tw_ram_memory *memory, struct areas *areas)
{
	struct tw_ram_range *ranges = calloc(areas->count + 1, sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return -ENOMEM;
	for (size_t i = 0; i < areas->count; i++) {
		struct area *area = &areas->list[i];

		area->is_ignored |= is_data_of_code(areas, area);
		area->range.writable = area->is_guest || area->is_shared;
	}
	guess_guest(areas);
	for (size_t i = 0; i < areas->count; i++) {
		const struct area *area = &areas->list[i];

		if (!area->is_ignored && (area->is_guest || area->is_shared) &&
		    !is_seen(ranges, count, &area->range))
			ranges[count++] = area->range;
	}
	free(memory->ranges);
	memory->ranges = ranges;
	memory->range_count = count;
	return 0;
}

static bool is_alive(struct tw_ram_memory *memory)
{
	const struct vm *vm = memory->source;
	struct pollfd poll_fd = {.fd = vm->process, .events = POLLIN};
	uint64_t start;

	if (vm->process >= 0)
		return poll(&poll_fd, 1, 0) != 1;
	return !tw_process_start_time(vm->pid, &start) && start == vm->start;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int open_in_proc(pid_t pid, const char *name, int flags)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The descriptor is that of the process's memory now, if it can be had. */
static void reopen(struct tw_ram_memory *memory, int fd, const char *name)
{
	const struct vm *vm = memory->source;
	const int flags = fcntl(fd, F_GETFL);
	const int now = open_in_proc(vm->pid, name, flags & O_ACCMODE);

	if (now < 0)
		return;
	/* Alive still, it is the process that has been opened again. */
	if (is_alive(memory))
		dup3(now, fd, O_CLOEXEC);
	close(now);
}

static int refresh(struct tw_ram_memory *memory)
{
	struct vm *vm = memory->source;
	struct areas areas = {0};
	uint64_t now = now_ns();
	int err;

	vm->word_count = 0;
	/* A large process's smaps take a while. */
	if (memory->ranges && now - vm->looked_ns < LOOK_INTERVAL_NS)
		return 0;
	vm->looked_ns = now;
	/* By exec a process has other memory, which what was opened before
	 * never shows: behind a shell's "&" it is the shell for a moment. */
	if (memory->ranges) {
		reopen(memory, vm->memory, "mem");
		reopen(memory, vm->pagemap, "pagemap");
	}
	err = read_areas(vm, &areas);
	if (!err)
		err = take_areas(memory, &areas);
	free(areas.list);
	free(areas.code);
	if (err && !is_alive(memory)) {
		memory->range_count = 0;
		return 0;
	}
	return err;
}

/* ---- What is there ---- */

/* The page map's word of this page; 0 where it can't be had. */
static uint64_t page_word(struct vm *vm, uint64_t page)
{
	ssize_t got;

	if (page < vm->first_word || page - vm->first_word >= vm->word_count) {
		got = pread(vm->pagemap, vm->words, sizeof(vm->words),
			    (off_t)(page * sizeof(vm->words[0])));
		vm->first_word = page;
		vm->word_count = got > 0 ? (uint64_t)got / sizeof(vm->words[0])
					 : 0;
		if (!vm->word_count)
			return 0;
	}
	return vm->words[page - vm->first_word];
}

static bool present(struct tw_ram_memory *memory, uint64_t *from, uint64_t *to)
{
	struct vm *vm = memory->source;
	uint64_t end = *to / vm->page_size;
	uint64_t first = *from / vm->page_size;
	uint64_t last;

	while (first < end && !(page_word(vm, first) & PAGEMAP_HERE))
		first++;
	if (first >= end)
		return false;
	last = first + 1;
	while (last < end && page_word(vm, last) & PAGEMAP_HERE)
		last++;
	if (first * vm->page_size > *from)
		*from = first * vm->page_size;
	*to = last * vm->page_size;
	return true;
}

/* ---- Reading and writing ---- */

static int read_through(const struct vm *vm, uint64_t place, void *to,
			size_t size)
{
	ssize_t got = pread(vm->memory, to, size, (off_t)place);

	if (got == (ssize_t)size)
		return 0;
	return got < 0 ? -errno : -EFAULT;
}

static int read_vm(struct tw_ram_memory *memory, uint64_t place, void *to,
		   size_t size)
{
	struct vm *vm = memory->source;
	struct iovec here = {.iov_base = to, .iov_len = size};
	struct iovec there = {
		.iov_base = (void *)(uintptr_t)place,
		.iov_len = size,
	};
	ssize_t got;

	if (!vm->copies)
		return read_through(vm, place, to, size);
	got = process_vm_readv(vm->pid, &here, 1, &there, 1, 0);
	if (got == (ssize_t)size)
		return 0;
	if (got >= 0)
		return -EFAULT;
	/* A container may forbid the call and not the file. */
	if (errno != EPERM && errno != ENOSYS)
		return -errno;
	vm->copies = false;
	return read_through(vm, place, to, size);
}

static int write_vm(struct tw_ram_memory *memory, uint64_t place,
		    const void *from, size_t size)
{
	const struct vm *vm = memory->source;
	const struct tw_ram_range *range = tw_ram_range_at(memory, place);
	ssize_t got;

	if (!range || !range->writable || size > range->end - place)
		return -EROFS;
	got = pwrite(vm->memory, from, size, (off_t)place);
	if (got == (ssize_t)size)
		return 0;
	return got < 0 ? -errno : -ESRCH;
}

/*
 * Readers take turns by a lock on the VM's own file in /proc, which all of them
 * have open. The one byte that differs between full and free is stored alone,
 * so that nobody meets the word half-way.
 */
static int exchange_vm(struct tw_ram_memory *memory, uint64_t place,
		       uint32_t expected, uint32_t desired)
{
	const struct vm *vm = memory->source;
	const uint8_t *old = (const uint8_t *)&expected;
	const uint8_t *new = (const uint8_t *)&desired;
	uint32_t word;
	int err, i;

	if (flock(vm->memory, LOCK_EX))
		return -errno;
	err = read_vm(memory, place, &word, sizeof(word));
	if (!err && word != expected)
		err = -EAGAIN;
	for (i = 0; !err && i < 4; i++)
		if (old[i] != new[i])
			err = write_vm(memory, place + (uint64_t)i, &new[i], 1);
	flock(vm->memory, LOCK_UN);
	return err;
}

static void close_vm(struct tw_ram_memory *memory)
{
	struct vm *vm = memory->source;

	if (vm->process >= 0)
		close(vm->process);
	if (vm->memory >= 0)
		close(vm->memory);
	if (vm->pagemap >= 0)
		close(vm->pagemap);
	free(vm);
}

static const struct tw_ram_ops vm_ops = {
	.refresh = refresh,
	.present = present,
	.read = read_vm,
	.write = write_vm,
	.exchange = exchange_vm,
	.is_alive = is_alive,
	.close = close_vm,
};

/* ---- Opening ---- */

static int yama_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &scope) != 1)
		scope = 0;
	fclose(file);
	return scope;
}

/* Why a process's memory may not be opened. */
static int fail_permission(const char *spec, pid_t pid, int code,
			   struct tw_attach_error *error)
{
	int err = tw_process_check_owner(pid, spec, error);
	int scope = yama_scope();

	if (err)
		return err;
	if (scope > 0 && geteuid() != 0)
		return tw_attach_fail(error, -EPERM,
				      "%s: not permitted: "
				      "kernel.yama.ptrace_scope is %d; run "
				      "this as root, or set it to 0",
				      spec, scope);
	return tw_attach_fail(error, code,
			      "%s: not permitted: the process's memory can't "
			      "be opened: %s",
			      spec, strerror(-code));
}

static int fail_open(const char *spec, pid_t pid, int code,
		     struct tw_attach_error *error)
{
	if (code == -EACCES || code == -EPERM)
		return fail_permission(spec, pid, code, error);
	if (code == -ENOENT || code == -ESRCH)
		return tw_attach_fail(error, -ESRCH, "%s: no such process",
				      spec);
	return tw_attach_fail(error, code, "%s: cannot open: %s", spec,
			      strerror(-code));
}

static int open_files(struct vm *vm, bool *writable, const char *spec,
		      struct tw_attach_error *error)
{
	int err;

	/* The pidfd first: what is opened after it is that process's as long as
	 * it is alive. */
	vm->process = (int)syscall(SYS_pidfd_open, vm->pid, 0);
	err = tw_process_start_time(vm->pid, &vm->start);
	if (err)
		return fail_open(spec, vm->pid, err, error);
	*writable = true;
	vm->memory = open_in_proc(vm->pid, "mem", O_RDWR);
	if (vm->memory < 0) {
		*writable = false;
		vm->memory = open_in_proc(vm->pid, "mem", O_RDONLY);
	}
	if (vm->memory < 0)
		return fail_open(spec, vm->pid, vm->memory, error);
	vm->pagemap = open_in_proc(vm->pid, "pagemap", O_RDONLY);
	if (vm->pagemap < 0)
		return fail_open(spec, vm->pid, vm->pagemap, error);
	return 0;
}

/* ---- By name ---- */

/* Whether QEMU's "-name" option, "[guest=]NAME[,...]", says name. */
static bool is_guest_name(const char *option, const char *name)
{
	size_t size;

	if (begins_with(option, "guest="))
		option += strlen("guest=");
	size = strcspn(option, ",");
	return size == strlen(name) && !strncmp(option, name, size);
}

/* A process's arguments, each ended by a NUL, and one more behind them. */
static bool is_called(const char *arguments, size_t size, const char *name)
{
	const char *end = arguments + size;
	const char *slash = strrchr(arguments, '/');
	const char *at = arguments;

	if (!size)
		return false;
	if (!strcmp(slash ? slash + 1 : arguments, name))
		return true;
	for (at += strlen(at) + 1; at < end; at += strlen(at) + 1)
		if ((!strcmp(at, "-name") || !strcmp(at, "--name")) &&
		    at + strlen(at) + 1 < end &&
		    is_guest_name(at + strlen(at) + 1, name))
			return true;
	return false;
}

static bool is_process_called(pid_t pid, const char *name)
{
	char arguments[16384 + 2];
	ssize_t got;
	int fd = open_in_proc(pid, "cmdline", O_RDONLY);

	if (fd < 0)
		return false;
	got = read(fd, arguments, sizeof(arguments) - 2);
	close(fd);
	if (got <= 0)
		return false;
	arguments[got] = '\0';
	arguments[got + 1] = '\0';
	return is_called(arguments, (size_t)got, name);
}

static int find_process(const char *spec, const char *name, pid_t *pid,
			struct tw_attach_error *error)
{
	char pids[128] = "";
	size_t used = 0, count = 0;
	pid_t *list;
	size_t room = tw_processes_list(&list);

	for (size_t i = 0; i < room; i++) {
		if (list[i] == getpid() || !is_process_called(list[i], name))
			continue;
		*pid = list[i];
		if (used < sizeof(pids) - 24)
			used += (size_t)snprintf(
				pids + used, sizeof(pids) - used, "%s%d",
				count ? ", " : "", (int)list[i]);
		count++;
	}
	free(list);
	if (count == 1)
		return 0;
	if (count)
		return tw_attach_fail(error, -EEXIST,
				      "%s: several processes, give one's PID: "
				      "%s",
				      spec, pids);
	return tw_attach_fail(error, -ESRCH,
			      "%s: no process whose program or -name option "
			      "is so called",
			      spec);
}

static int parse_process(const char *spec, const char *rest, pid_t *pid,
			 struct tw_attach_error *error)
{
	unsigned long long number;

	if (!rest[0])
		return tw_attach_fail(error, -EINVAL,
				      "%s: which process? vm:PID or vm:NAME",
				      spec);
	if (rest[strspn(rest, "0123456789")])
		return find_process(spec, rest, pid, error);
	errno = 0;
	number = strtoull(rest, NULL, 10);
	if (errno || number > INT_MAX || number == 0)
		return tw_attach_fail(error, -ESRCH, "%s: no such process",
				      spec);
	*pid = (pid_t)number;
	return 0;
}

int tw_ram_open_vm(struct tw_ram_memory *memory, const char *spec,
		   const char *rest, struct tw_attach_error *error)
{
	struct vm *vm;
	pid_t pid = 0;
	int err = parse_process(spec, rest, &pid, error);

	if (err)
		return err;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return tw_attach_fail(error, -ENOMEM, "%s: out of memory",
				      spec);
	vm->pid = pid;
	vm->memory = vm->pagemap = -1;
	vm->copies = true;
	vm->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	*memory = (struct tw_ram_memory){.ops = &vm_ops, .source = vm};
	err = open_files(vm, &memory->writable, spec, error);
	if (err) {
		close_vm(memory);
		return err;
	}
	memory->pid = pid;
	memory->pid_start = vm->start;
	return 0;
}
