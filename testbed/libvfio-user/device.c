/*
 * device SOCKET: a device with libvfio-user, for one client after the other, until it is killed.
 * Only what include/libvfio-user.h offers is used.
 *
 * BAR 0 is a block of registers of 64 bits:
 *   0  where in the client's memory
 *   8  how many bytes, up to those of BAR 2
 *  16  write: what to do
 *      1  copy BAR 2 to the memory, by messages    2  the memory to BAR 2, by messages
 *      3  copy BAR 2 to the memory, by its file    4  the memory to BAR 2, by its file
 *      read: 0, or the errno with which that failed.  Its end is told by interrupt INTx
 *  24  read: how often the device was reset
 *
 * BAR 2 is memory.  Its first half can be mapped, and comes with a file.
 *
 * The registers but for the last one, and BAR 2, are the state that migrates, by the region of
 * Linux 5.8 (libvfio-user of 2022 knows no other).  A chunk is a position and the bytes from there
 * on, and is gone through once in pre-copy, and once more when the device has stopped.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libvfio-user.h"

#define MEMORY_BYTES (3 << 20)
#define WINDOW_BYTES (256 << 10)

struct chunk {
    uint64_t position;
    uint8_t bytes[WINDOW_BYTES - sizeof(uint64_t)];
};

static struct {
    uint64_t registers[4];
    uint8_t *memory;
    struct chunk chunk;
    uint64_t saved;
    int loading;
} device;

enum { ADDRESS, LENGTH, COMMAND, RESETS };

static void
said(vfu_ctx_t *vfu __attribute__((unused)), int level __attribute__((unused)), const char *what)
{
    fprintf(stderr, "device: %s\n", what);
}

static int
copy(vfu_ctx_t *vfu, uint64_t command)
{
    int write = command & 1;
    struct iovec part;
    dma_sg_t *sg = alloca(dma_sg_size());

    if (command < 1 || command > 4 || device.registers[LENGTH] > MEMORY_BYTES) {
        return EINVAL;
    }
    if (vfu_addr_to_sgl(vfu, (void *)device.registers[ADDRESS], device.registers[LENGTH], sg, 1,
                        write ? PROT_WRITE : PROT_READ) != 1) {
        return EFAULT;
    }
    if (command <= 2) {
        int result = write ? vfu_sgl_write(vfu, sg, 1, device.memory)
                           : vfu_sgl_read(vfu, sg, 1, device.memory);
        return result < 0 ? errno : 0;
    }
    if (!vfu_sg_is_mappable(vfu, sg) || vfu_sgl_get(vfu, sg, &part, 1, 0) < 0) {
        return ENXIO;
    }
    if (write) {
        memcpy(part.iov_base, device.memory, part.iov_len);
        vfu_sgl_mark_dirty(vfu, sg, 1);
    } else {
        memcpy(device.memory, part.iov_base, part.iov_len);
    }
    vfu_sgl_put(vfu, sg, &part, 1);
    return 0;
}

static ssize_t
registers(vfu_ctx_t *vfu, char *bytes, size_t count, loff_t offset, bool write)
{
    if (count != 8 || offset % 8 != 0) {
        errno = EINVAL;
        return -1;
    }
    uint64_t *at = &device.registers[offset / 8];
    if (!write) {
        memcpy(bytes, at, 8);
    } else if (offset / 8 == COMMAND) {
        uint64_t command;
        memcpy(&command, bytes, 8);
        device.registers[COMMAND] = copy(vfu, command);
        vfu_irq_trigger(vfu, 0);
    } else if (offset / 8 < RESETS) {
        memcpy(at, bytes, 8);
    }
    return count;
}

static ssize_t
memory(vfu_ctx_t *vfu __attribute__((unused)), char *bytes, size_t count, loff_t offset, bool write)
{
    memcpy(write ? (char *)device.memory + offset : bytes,
           write ? bytes : (char *)device.memory + offset, count);
    return count;
}

static int
reset(vfu_ctx_t *vfu __attribute__((unused)), vfu_reset_type_t why)
{
    if (why == VFU_RESET_LOST_CONN) {
        return 0; /* The next client finds the device as this one left it. */
    }
    device.loading = 0;
    memset(device.memory, 0, MEMORY_BYTES);
    memset(device.registers, 0, sizeof(device.registers[0]) * RESETS);
    device.registers[RESETS]++;
    return 0;
}

/* ---- migration: the state is the registers before RESETS, and the memory ---- */

#define REGISTER_BYTES (RESETS * sizeof(uint64_t))
#define STATE_BYTES (REGISTER_BYTES + MEMORY_BYTES)

static int
transition(vfu_ctx_t *vfu __attribute__((unused)), vfu_migr_state_t state)
{
    if (device.loading && state == VFU_MIGR_STATE_RUNNING && device.saved != STATE_BYTES) {
        errno = EINVAL; /* What was loaded is not whole. */
        return -1;
    }
    device.loading = state == VFU_MIGR_STATE_RESUME;
    device.saved = 0;
    return 0;
}

static uint64_t
chunk_bytes(void)
{
    uint64_t left = STATE_BYTES - device.saved;
    return left < sizeof(device.chunk.bytes) ? left : sizeof(device.chunk.bytes);
}

static uint64_t
pending(vfu_ctx_t *vfu __attribute__((unused)))
{
    return STATE_BYTES - device.saved;
}

static int
prepare(vfu_ctx_t *vfu __attribute__((unused)), uint64_t *offset, uint64_t *size)
{
    *offset = 0;
    if (size == NULL) {
        return 0; /* A chunk will be written there. */
    }
    uint64_t length = chunk_bytes();
    device.chunk.position = device.saved;
    for (uint64_t i = 0; i < length; i++) {
        uint64_t at = device.saved + i;
        device.chunk.bytes[i] = at < REGISTER_BYTES ? ((uint8_t *)device.registers)[at]
                                                    : device.memory[at - REGISTER_BYTES];
    }
    device.saved += length;
    *size = sizeof(device.chunk.position) + length;
    return 0;
}

static ssize_t
window(void *bytes, uint64_t count, uint64_t offset, int write)
{
    if (offset > sizeof(device.chunk) || count > sizeof(device.chunk) - offset) {
        errno = EINVAL;
        return -1;
    }
    char *at = (char *)&device.chunk + offset;
    memcpy(write ? at : bytes, write ? bytes : at, count);
    return count;
}

static ssize_t
read_data(vfu_ctx_t *vfu __attribute__((unused)), void *bytes, uint64_t count, uint64_t offset)
{
    return window(bytes, count, offset, 0);
}

static ssize_t
write_data(vfu_ctx_t *vfu __attribute__((unused)), void *bytes, uint64_t count, uint64_t offset)
{
    return window(bytes, count, offset, 1);
}

static int
data_written(vfu_ctx_t *vfu __attribute__((unused)), uint64_t size)
{
    uint64_t length = size - sizeof(device.chunk.position);
    /* The first image may be followed by another. */
    if (device.chunk.position == 0) {
        device.saved = 0;
    }
    if (size < sizeof(device.chunk.position) || device.chunk.position != device.saved ||
        length != chunk_bytes()) {
        errno = EINVAL;
        return -1;
    }
    for (uint64_t i = 0; i < length; i++) {
        uint64_t at = device.saved + i;
        *(at < REGISTER_BYTES ? (uint8_t *)device.registers + at
                              : device.memory + at - REGISTER_BYTES) = device.chunk.bytes[i];
    }
    device.saved += length;
    return 0;
}

static void
mapped(vfu_ctx_t *vfu __attribute__((unused)), vfu_dma_info_t *info __attribute__((unused)))
{
}

static void
must(int ok, const char *what)
{
    if (!ok) {
        err(EXIT_FAILURE, "device: %s", what);
    }
}

int
main(int argc, char *argv[])
{
    if (argc != 2) {
        errx(2, "usage: device SOCKET");
    }
    int file = memfd_create("device", MFD_CLOEXEC);
    must(file >= 0 && ftruncate(file, MEMORY_BYTES) == 0, "memory");
    device.memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    must(device.memory != MAP_FAILED, "memory");

    vfu_ctx_t *vfu = vfu_create_ctx(VFU_TRANS_SOCK, argv[1], 0, NULL, VFU_DEV_TYPE_PCI);
    must(vfu != NULL, argv[1]);
    must(vfu_setup_log(vfu, said, 3 /* LOG_ERR */) == 0, "log");
    must(vfu_pci_init(vfu, VFU_PCI_TYPE_CONVENTIONAL, PCI_HEADER_TYPE_NORMAL, 0) == 0, "PCI");
    vfu_pci_set_id(vfu, 0x1b36, 0x0005, 0xf5f5, 0x0001);
    must(vfu_setup_region(vfu, VFU_PCI_DEV_BAR0_REGION_IDX, sizeof(device.registers), registers,
                          VFU_REGION_FLAG_RW, NULL, 0, -1, 0) == 0, "BAR 0");
    struct iovec half = {.iov_base = 0, .iov_len = MEMORY_BYTES / 2};
    must(vfu_setup_region(vfu, VFU_PCI_DEV_BAR2_REGION_IDX, MEMORY_BYTES, memory,
                          VFU_REGION_FLAG_RW | VFU_REGION_FLAG_MEM, &half, 1, file, 0) == 0, "BAR 2");
    size_t header = vfu_get_migr_register_area_size();
    must(vfu_setup_region(vfu, VFU_PCI_DEV_MIGR_REGION_IDX, header + sizeof(device.chunk), NULL,
                          VFU_REGION_FLAG_RW, NULL, 0, -1, 0) == 0, "migration region");
    const vfu_migration_callbacks_t migration = {
        .version = VFU_MIGR_CALLBACKS_VERS,
        .transition = transition,
        .get_pending_bytes = pending,
        .prepare_data = prepare,
        .read_data = read_data,
        .data_written = data_written,
        .write_data = write_data,
    };
    must(vfu_setup_device_migration_callbacks(vfu, &migration, header) == 0, "migration");
    must(vfu_setup_device_reset_cb(vfu, reset) == 0, "reset");
    must(vfu_setup_device_dma(vfu, mapped, mapped) == 0, "DMA");
    must(vfu_setup_device_nr_irqs(vfu, VFU_DEV_INTX_IRQ, 1) == 0, "INTx");
    must(vfu_realize_ctx(vfu) == 0, "realize");
    for (;;) {
        if (vfu_attach_ctx(vfu) < 0) {
            continue; /* A client that cannot agree on a version; the next one, please. */
        }
        while (vfu_run_ctx(vfu) >= 0) {
        }
        if (errno != ENOTCONN && errno != ESHUTDOWN && errno != ECONNRESET) {
            warn("device: a client is given up");
        }
    }
}
