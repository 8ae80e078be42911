package io.vferry.vendor.hisiacc.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;

/**
 * What a chip is, and what its guest does with it.
 *
 * @param kind which accelerator
 * @param version of the queue manager
 * @param windows whether the migration registers are in the physical function
 * @param functions number of virtual functions
 * @param queues of each virtual function
 * @param isolation whether queues have doorbell pages of their own
 * @param capabilities what a function can do
 * @param tickNanos how long one stage of a task takes
 * @param workTicks how many stages the work itself takes
 * @param fetched how many tasks a queue has in flight
 * @param iommuLog whether the host logs what is written by DMA
 * @param hostPageBytes page size of the host
 * @param guest whether the guest loads its driver
 * @param depth of the queues that the guest sets up
 * @param tasksPerSecond that the guest hands out; each is as many bytes as {@code taskBytes}
 * @param taskBytes what one task works on
 * @param seed of the guest's data
 * @param chip its name; empty if no other device is on it
 * @param vf which virtual function a device is, from 0
 */
record HisiAccSettings(
    HisiAccKind kind,
    int version,
    boolean windows,
    int functions,
    int queues,
    boolean isolation,
    int capabilities,
    long tickNanos,
    int workTicks,
    int fetched,
    boolean iommuLog,
    int hostPageBytes,
    boolean guest,
    int depth,
    int tasksPerSecond,
    int taskBytes,
    long seed,
    String chip,
    int vf) {

  /** Returns what the guest does with one of the functions. */
  HisiAccWorkload workload() {
    return new HisiAccWorkload(kind, queues, depth, taskBytes, tasksPerSecond, seed);
  }

  /** Returns the size of a function's doorbells: a page for each queue, as a power of two. */
  long doorbellBytes() {
    int pages = Integer.highestOneBit(2 * queues - 1);
    return (long) pages * HisiAccNumbers.DOORBELL_PAGE_BYTES;
  }

  /** Whether another device with these settings can be on the same chip. */
  boolean sameChip(HisiAccSettings other) {
    return withVf(0).equals(other.withVf(0));
  }

  private HisiAccSettings withVf(int other) {
    return new HisiAccSettings(
        kind,
        version,
        windows,
        functions,
        queues,
        isolation,
        capabilities,
        tickNanos,
        workTicks,
        fetched,
        iommuLog,
        hostPageBytes,
        guest,
        depth,
        tasksPerSecond,
        taskBytes,
        seed,
        chip,
        other);
  }

  static HisiAccSettings read(HisiAccKind kind, DeviceAddress address) throws MigrationException {
    DeviceParameters parameters =
        new DeviceParameters("the modelled device " + address.path(), address.parameters());
    HisiAccWorkload usual = HisiAccWorkload.of(kind);
    int version = version(parameters);
    int functions = (int) parameters.number("vfs", 1, 1, HisiAccNumbers.MAX_VFS);
    HisiAccSettings settings =
        new HisiAccSettings(
            kind,
            version,
            parameters.flag("windows", false) && version > HisiAccNumbers.QM_V3,
            functions,
            (int) parameters.number("queues", usual.queues(), 1, HisiAccWorkload.MAX_QUEUES),
            parameters.flag("isolation", false),
            (int) parameters.number("capabilities", 0x601, 0, 0xffff),
            parameters.nanos("tick", 50_000, 1_000, 1_000_000_000),
            (int) parameters.number("work-ticks", 3, 1, 1_000_000),
            (int) parameters.number("fetched", 4, 1, 64),
            parameters.flag("iommu-log", false),
            parameters.flag("host-page-64k", false) ? 0x10000 : 0x1000,
            parameters.flag("guest", true),
            (int)
                parameters.number(
                    "depth", usual.depth(), HisiAccWorkload.MIN_DEPTH, HisiAccWorkload.MAX_DEPTH),
            (int)
                parameters.number(
                    "task-rate", usual.tasksPerSecond(), 0, HisiAccWorkload.MAX_TASKS_PER_SECOND),
            (int)
                parameters.number(
                    "task-bytes",
                    usual.taskBytes(),
                    HisiAccWorkload.MIN_TASK_BYTES,
                    HisiAccWorkload.MAX_TASK_BYTES),
            parameters.number("seed", usual.seed(), 0, Integer.MAX_VALUE),
            parameters.text("chip").orElse(""),
            (int) parameters.number("vf", functions - 1, 0, functions - 1));
    parameters.finish();
    return settings;
  }

  private static int version(DeviceParameters parameters) throws MigrationException {
    return switch ((int) parameters.number("qm", 3, 2, 5)) {
      case 2 -> 0x21;
      case 3 -> HisiAccNumbers.QM_V3;
      case 4 -> HisiAccNumbers.QM_V4;
      default -> HisiAccNumbers.QM_V5;
    };
  }
}
