# SPDX-License-Identifier: MIT
"""The machines that the test guests run on: the one table of them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Machine:
    name: str  # also the folder in firmware/
    compiler: tuple[str, ...]
    flags: tuple[str, ...]
    qemu: tuple[str, ...]  # FIRMWARE is the image's path
    cpus: int
    memory: str  # its usual size: what a RAM file must have
    ring: int  # where the ring lies in a RAM file
    big_endian: bool = False
    raw: bool = False  # QEMU wants no ELF file, but what is in it
    # Events of guest_work in one go, which the ring has room for, however late
    # the recorder comes. A million is a multiple of it.
    work: int = 1000000


FLAGS = (
    "-std=gnu11", "-Os", "-g", "-ffreestanding", "-nostdlib", "-static",
    "-fno-pic", "-fno-pie", "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-Wall", "-Wextra", "-Werror", "-Wundef", "-Wshadow",
    "-Wredundant-decls", "-Wmissing-prototypes", "-Wnested-externs",
    "-Wno-unused-parameter",
    "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments",
    "-Wl,-z,max-page-size=4096", "-Wl,-z,noexecstack", "-Wl,--fatal-warnings",
)

MACHINES = {
    machine.name: machine for machine in (
        Machine(
            name="x86_64",
            compiler=("x86_64-linux-gnu-gcc",),
            flags=("-m64", "-no-pie", "-mno-red-zone", "-mgeneral-regs-only"),
            qemu=("qemu-system-x86_64", "-M", "q35", "-smp", "2",
                  "-kernel", "FIRMWARE"),
            cpus=2,
            memory="128M",
            ring=0x3100000,
        ),
        Machine(
            name="aarch64",
            compiler=("aarch64-linux-gnu-gcc",),
            flags=("-no-pie", "-mgeneral-regs-only"),
            qemu=("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57",
                  "-smp", "2", "-kernel", "FIRMWARE"),
            cpus=2,
            memory="128M",
            ring=0x1000000,
        ),
        Machine(
            name="riscv64",
            compiler=("riscv64-linux-gnu-gcc",),
            flags=("-no-pie", "-march=rv64imac_zicsr", "-mabi=lp64",
                   "-mcmodel=medany"),
            qemu=("qemu-system-riscv64", "-M", "virt", "-smp", "2",
                  "-bios", "none", "-kernel", "FIRMWARE"),
            cpus=2,
            memory="128M",
            ring=0x1000000,
        ),
        Machine(
            name="cortex-m3",
            compiler=("arm-none-eabi-gcc",),
            flags=("-mcpu=cortex-m3", "-mthumb"),
            qemu=("qemu-system-arm", "-M", "mps2-an385",
                  "-kernel", "FIRMWARE"),
            cpus=1,
            memory="16M",
            ring=0,
            work=200000,
        ),
        Machine(
            name="sparc",
            compiler=("sparc64-linux-gnu-gcc",),
            flags=("-m32", "-mcpu=supersparc", "-mflat", "-no-pie"),
            qemu=("qemu-system-sparc", "-M", "SS-5", "-bios", "FIRMWARE"),
            cpus=1,
            memory="128M",
            ring=0x1000000,
            big_endian=True,
            raw=True,
        ),
        Machine(
            name="powerpc",
            compiler=("powerpc-linux-gnu-gcc",),
            flags=("-mcpu=8548", "-msoft-float", "-mno-sdata",
                   # -Os would call libgcc to save registers.
                   "-O2", "-no-pie"),
            qemu=("qemu-system-ppc", "-M", "ppce500", "-smp", "2",
                  "-kernel", "FIRMWARE"),
            cpus=2,
            memory="128M",
            ring=0x4000000,
            big_endian=True,
        ),
    )
}
