package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;

/** How one virtual function is made. */
final class Mlx5FunctionSettings {

  private static final long MAX_STATE_BYTES = 16L << 30;
  private static final long MAX_BYTES_PER_SECOND = 1L << 40;
  static final int MAX_DMA_PAGES = 4096;

  final int index;
  final long stateBytes;
  final long dirtyBytesPerSecond;
  final boolean bootedByGuest;
  final boolean migratable;
  final long seed;
  final long dmaBytesPerSecond;
  final int dmaPages;
  final long tasksPerSecond;
  final long taskNanos;
  final long messagesPerSecond;
  final long tickNanos;

  Mlx5FunctionSettings(DeviceParameters in) throws MigrationException {
    this.index = (int) in.number("vf", 0, 0, Mlx5CardSettings.MAX_FUNCTIONS - 1);
    this.stateBytes = in.bytes("state", 4 << 20, Mlx5Iommu.PAGE_BYTES, MAX_STATE_BYTES);
    this.dirtyBytesPerSecond = in.bytes("dirty-rate", 0, 0, MAX_BYTES_PER_SECOND);
    this.bootedByGuest = in.flag("guest-boots", false);
    this.migratable = in.flag("migratable", true);
    this.seed = in.number("seed", 1, 0, Long.MAX_VALUE);
    this.dmaBytesPerSecond = in.bytes("dma-rate", 16 << 20, 0, MAX_BYTES_PER_SECOND);
    this.dmaPages = (int) (in.bytes("dma-area", 256 << 10, 0, 16 << 20) / Mlx5Iommu.PAGE_BYTES);
    this.tasksPerSecond = in.number("task-rate", 2000, 0, 1_000_000);
    this.taskNanos = in.nanos("task-time", 100_000, 0, 3_600_000_000_000L);
    this.messagesPerSecond = in.number("p2p-rate", 1000, 0, 1_000_000);
    this.tickNanos = Math.max(1_000, in.nanos("tick", 1_000_000, 0, 3_600_000_000_000L));
  }

  int pages() {
    return (int) (stateBytes / Mlx5Iommu.PAGE_BYTES);
  }
}
