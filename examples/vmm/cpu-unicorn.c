/* SPDX-License-Identifier: MIT */
/* A CPU of Unicorn's: QEMU's translator as a library, in this process. */
#include "cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <unicorn/unicorn.h>

#define FLAGS_RESERVED 0x2u

struct cpu {
	const struct cpu_ports *ports;
	uc_engine *engine;
	bool was_asked;
};

static void on_out(uc_engine *engine, uint32_t port, int size, uint32_t value,
		   void *context)
{
	struct cpu *cpu = context;

	if (!cpu->ports->out(cpu->ports->context, (uint16_t)port,
			     (uint32_t)size, value)) {
		cpu->was_asked = true;
		uc_emu_stop(engine);
	}
}

static uint32_t on_in(uc_engine *engine, uint32_t port, int size, void *context)
{
	struct cpu *cpu = context;

	return cpu->ports->in(cpu->ports->context, (uint16_t)port,
			      (uint32_t)size);
}

/* uc_hook_add() takes any function as a void *, which C does not have. */
static void *as_pointer(void (*function)(void))
{
	return (void *)(uintptr_t)function;
}

static int add_hooks(struct cpu *cpu)
{
	uc_hook hook;

	if (uc_hook_add(cpu->engine, &hook, UC_HOOK_INSN,
			as_pointer((void (*)(void))on_out), cpu, 1, 0,
			UC_X86_INS_OUT) ||
	    uc_hook_add(cpu->engine, &hook, UC_HOOK_INSN,
			as_pointer((void (*)(void))on_in), cpu, 1, 0,
			UC_X86_INS_IN))
		return -ENOTSUP;
	return 0;
}

static void unicorn_close(struct cpu *cpu)
{
	if (cpu->engine)
		uc_close(cpu->engine);
	free(cpu);
}

static int unicorn_open(struct cpu **to, const struct memory *memory,
			const struct cpu_ports *ports)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));
	int err;

	if (!cpu)
		return -ENOMEM;
	cpu->ports = ports;
	err = -ENOTSUP;
	if (uc_open(UC_ARCH_X86, UC_MODE_64, &cpu->engine))
		goto fail;
	err = -ENOMEM;
	if (uc_mem_map_ptr(cpu->engine, 0, memory->size, UC_PROT_ALL,
			   memory->base))
		goto fail;
	err = add_hooks(cpu);
	if (err)
		goto fail;
	*to = cpu;
	return 0;
fail:
	unicorn_close(cpu);
	return err;
}

static int unicorn_reset(struct cpu *cpu, const struct cpu_start *start)
{
	const uint64_t flags = FLAGS_RESERVED;

	if (uc_reg_write(cpu->engine, UC_X86_REG_RIP, &start->entry) ||
	    uc_reg_write(cpu->engine, UC_X86_REG_RSP, &start->stack) ||
	    uc_reg_write(cpu->engine, UC_X86_REG_RDI, &start->argument) ||
	    uc_reg_write(cpu->engine, UC_X86_REG_RFLAGS, &flags))
		return -EIO;
	return 0;
}

static enum cpu_exit reason(uc_err error)
{
	switch (error) {
	case UC_ERR_OK:
		return CPU_HALTED;
	case UC_ERR_READ_UNMAPPED:
	case UC_ERR_WRITE_UNMAPPED:
	case UC_ERR_FETCH_UNMAPPED:
		return CPU_BAD_ADDRESS;
	/* A fault, and there is nobody to handle it. */
	case UC_ERR_EXCEPTION:
	case UC_ERR_INSN_INVALID:
		return CPU_SHUTDOWN;
	default:
		return CPU_OTHER;
	}
}

static int unicorn_run(struct cpu *cpu, enum cpu_exit *why)
{
	uint64_t from;
	uc_err error;

	if (uc_reg_read(cpu->engine, UC_X86_REG_RIP, &from))
		return -EIO;
	cpu->was_asked = false;
	error = uc_emu_start(cpu->engine, from, UINT64_MAX, 0, 0);
	*why = cpu->was_asked ? CPU_ASKED : reason(error);
	return 0;
}

const struct cpu_kind cpu_unicorn = {
	.name = "unicorn",
	.open = unicorn_open,
	.reset = unicorn_reset,
	.run = unicorn_run,
	.close = unicorn_close,
};
