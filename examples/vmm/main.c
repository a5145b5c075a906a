/* SPDX-License-Identifier: MIT */
/*
 * vmm: a machine of one CPU, 64 MiB and a handful of ports, for a firmware
 * whose events become the VMM's own. README.md leads through it.
 */
#include "cpu.h"
#include "devices.h"
#include "guest-events.h"
#include "memory.h"
#include "trace.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"usage: vmm [--cpu=KIND] [--times] IMAGE [NUMBER]\n"
	"\n"
	"Run the firmware IMAGE, which is given NUMBER (0), and print what it\n"
	"writes to its console. Its exit status is the VMM's; what came from "
	"it\n"
	"by the channel is said at the end. Ctrl-C ends it, too.\n"
	"\n"
	"  --cpu=KIND  kvm or unicorn; KVM if /dev/kvm can be had\n"
	"  --times     print when the firmware sets its marks\n"
	"  -h, --help  this\n"
	"\n"
	"example, in two terminals:\n"
	"  vmm demo.bin\n"
	"  trackway enable vmm 'esp_*' && trackway print --follow vmm\n";

static const struct cpu_kind *const kinds[] = {
	&cpu_kvm,
	&cpu_unicorn,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct options {
	const char *cpu; /* NULL: the first that can be had */
	const char *image;
	uint64_t argument;
	bool times;
	bool help;
};

struct machine {
	const struct options *options;
	struct memory memory;
	struct guest_events events;
	struct devices devices;
	const struct cpu_kind *kind;
	struct cpu *cpu;
	uint32_t boots;
};

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno == 0 && end != text && !*end && text[0] != '-';
}

/* 0, or -1 after a message. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"cpu", required_argument, NULL, 'c'},
		{"times", no_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*options = (struct options){0};
	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->cpu = optarg;
			break;
		case 't':
			options->times = true;
			break;
		case 'h':
			options->help = true;
			return 0;
		default:
			return -1;
		}
	}
	if (optind < argc)
		options->image = argv[optind++];
	if (optind < argc && !parse_number(argv[optind++], &options->argument))
		fprintf(stderr, "vmm: not a number: %s\n", argv[optind - 1]);
	else if (!options->image || optind < argc)
		fprintf(stderr, "vmm: expected an image, and a number\n");
	else
		return 0;
	return -1;
}

/* The first kind of CPU that can be had, or the one that is asked for. */
static int open_cpu(struct machine *machine)
{
	const char *name = machine->options->cpu;
	int err = -ENOTSUP;

	for (size_t i = 0; i < KINDS; i++) {
		if (name && strcmp(name, kinds[i]->name) != 0)
			continue;
		err = kinds[i]->open(&machine->cpu, &machine->memory,
				     &machine->devices.ports);
		if (!err) {
			machine->kind = kinds[i];
			return 0;
		}
	}
	fprintf(stderr, "vmm: no CPU%s%s: %s\n", name ? " of kind " : "",
		name ? name : "", strerror(-err));
	return err;
}

static int boot(struct machine *machine)
{
	const struct cpu_start start = {
		.entry = MEMORY_IMAGE,
		.stack = MEMORY_IMAGE,
		.argument = machine->options->argument,
	};
	int err = memory_load(&machine->memory, machine->options->image);

	if (err) {
		fprintf(stderr, "vmm: %s: %s\n", machine->options->image,
			strerror(-err));
		return err;
	}
	trace_vmm_boot(machine->kind->name, ++machine->boots, start.entry);
	err = machine->kind->reset(machine->cpu, &start);
	if (err)
		fprintf(stderr, "vmm: can't reset the CPU: %s\n",
			strerror(-err));
	return err;
}

/* What ends it, other than the guest. Returns the VMM's status. */
static int give_up(enum cpu_exit why)
{
	static const char *const texts[] = {
		[CPU_HALTED] = "the guest has halted",
		[CPU_SHUTDOWN] = "the guest had a fault that it can't handle",
		[CPU_BAD_ADDRESS] = "the guest went to where no memory is",
		[CPU_INTERRUPTED] = "interrupted",
		[CPU_OTHER] = "the CPU can't go on",
	};

	fprintf(stderr, "vmm: %s\n", texts[why]);
	return why == CPU_INTERRUPTED ? 0 : 1;
}

/* Until it stops for a reason. A signal that nobody handles interrupts it too:
 * that of a shell's fg. */
static int run_cpu(struct machine *machine, enum cpu_exit *why)
{
	int err;

	do {
		err = machine->kind->run(machine->cpu, why);
		if (err)
			break;
		trace_vmm_exit((int)*why);
	} while (*why == CPU_INTERRUPTED && !devices_interrupted());
	if (err)
		fprintf(stderr, "vmm: can't run the CPU: %s\n", strerror(-err));
	return err;
}

/* Until the guest ends, or is ended. Returns the VMM's status. */
static int run(struct machine *machine)
{
	struct devices *devices = &machine->devices;
	enum cpu_exit why;

	while (!boot(machine)) {
		if (run_cpu(machine, &why))
			return 1;
		if (devices_interrupted())
			return give_up(CPU_INTERRUPTED);
		if (why != CPU_ASKED)
			return give_up(why);
		if (devices->request == DEVICES_END)
			return devices->status;
		devices_reset(devices);
	}
	return 1;
}

static int run_machine(const struct options *options)
{
	struct machine machine = {.options = options};
	int status = 1;

	if (memory_open(&machine.memory) ||
	    guest_events_open(&machine.events, &machine.memory)) {
		fprintf(stderr, "vmm: out of memory\n");
		goto out;
	}
	devices_init(&machine.devices, &machine.events, options->times);
	if (open_cpu(&machine))
		goto out;
	status = run(&machine);
	trace_vmm_end(status);
	guest_events_end(&machine.events, stderr);
out:
	if (machine.cpu)
		machine.kind->close(machine.cpu);
	guest_events_close(&machine.events);
	memory_close(&machine.memory);
	return status;
}

static void on_signal(int signal)
{
	(void)signal;
	devices_interrupt();
}

int main(int argc, char **argv)
{
	/* The second one ends it even if the guest uses no port. */
	const struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND,
	};
	struct options options;
	int status;

	if (parse_options(argc, argv, &options)) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (options.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	status = run_machine(&options);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "vmm: can't write to standard output\n");
		return 1;
	}
	return status;
}
