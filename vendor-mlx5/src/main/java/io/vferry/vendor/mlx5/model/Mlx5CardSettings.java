package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.vendor.mlx5.prm.Opcode;

/** How a card is made: what all its functions have in common. */
final class Mlx5CardSettings {

  private static final long MAX_NANOS = 3_600_000_000_000L;
  private static final long MAX_BYTES_PER_SECOND = 1L << 50;
  static final int MAX_FUNCTIONS = 127;

  /** SAVE takes a length of 32 bits, and the kernel's driver never gives more than this. */
  static final long MAX_SAVE_BYTES = (1L << 32) - Mlx5Iommu.PAGE_BYTES;

  final int functions;
  final int firstVhca;
  final String psid;
  final String firmware;
  final boolean migration;
  final boolean multiLoad;
  final boolean trackingState;
  final boolean chunks;
  final long chunkBytes;
  final boolean migrationState;
  final boolean pageTracking;
  final int trackRanges;
  final int logTrackPageMin;
  final int logTrackPageMax;
  final int logTrackMessageMin;
  final int logTrackMessageMax;
  final int logTrackSpaceMin;
  final int logTrackSpaceMax;
  final int logSlots;
  final int logStride;
  final int vectors;
  final int bootPages;
  final int initPages;
  final long initNanos;
  final long commandTimeoutMillis;
  final int engines;
  final String faults;
  final Mlx5Assumptions assumptions;
  private final long suspendNanos;
  private final long resumeNanos;
  private final long queryNanos;
  private final long saveNanos;
  private final long loadNanos;
  private final long saveBytesPerSecond;
  private final long loadBytesPerSecond;
  private final long commandNanos;

  Mlx5CardSettings(DeviceParameters in) throws MigrationException {
    this.functions = (int) in.number("vfs", 8, 1, MAX_FUNCTIONS);
    this.firstVhca = (int) in.number("first-vhca", 5, 1, 0xff00);
    this.psid = in.text("psid").orElse("MT_0000000834");
    this.firmware = in.text("firmware").orElse("28.41.1000");
    this.migration = in.flag("migration", true);
    this.multiLoad = in.flag("multi-load", true);
    this.trackingState = in.flag("tracking-state", true);
    this.chunks = in.flag("chunks", true);
    this.chunkBytes = in.bytes("chunk-size", 8 << 20, 128 << 10, MAX_SAVE_BYTES);
    this.migrationState = in.flag("migration-state", false);
    this.pageTracking = in.flag("page-tracking", true);
    this.trackRanges = (int) in.number("track-ranges", 16, 1, 255);
    this.logTrackPageMin = (int) in.number("track-page-min", 12, 12, 30);
    this.logTrackPageMax = (int) in.number("track-page-max", 21, 12, 30);
    this.logTrackMessageMin = (int) in.number("track-message-min", 12, 6, 30);
    this.logTrackMessageMax = (int) in.number("track-message-max", 17, 6, 30);
    this.logTrackSpaceMin = (int) in.number("track-space-min", 12, 0, 63);
    this.logTrackSpaceMax = (int) in.number("track-space-max", 48, 0, 63);
    this.logSlots = (int) in.number("log-slots", 5, 1, 5);
    this.logStride = (int) in.number("log-stride", 6, 6, 7);
    this.vectors = (int) in.number("pf-vectors", 32, 0, 32);
    this.bootPages = (int) in.number("boot-pages", 8, 0, 4096);
    this.initPages = (int) in.number("init-pages", 24, 0, 4096);
    this.initNanos = in.nanos("init-time", 0, 0, MAX_NANOS);
    this.commandTimeoutMillis =
        in.nanos("command-timeout", 60_000_000_000L, 0, MAX_NANOS) / 1_000_000;
    this.engines = (int) in.number("engines", 0, 0, 1024);
    this.faults = in.text("faults").orElse("");
    this.suspendNanos = in.nanos("suspend-time", 0, 0, MAX_NANOS);
    this.resumeNanos = in.nanos("resume-time", 0, 0, MAX_NANOS);
    this.queryNanos = in.nanos("query-time", 0, 0, MAX_NANOS);
    this.saveNanos = in.nanos("save-time", 0, 0, MAX_NANOS);
    this.loadNanos = in.nanos("load-time", 0, 0, MAX_NANOS);
    this.saveBytesPerSecond = in.bytes("save-rate", 0, 0, MAX_BYTES_PER_SECOND);
    this.loadBytesPerSecond = in.bytes("load-rate", 0, 0, MAX_BYTES_PER_SECOND);
    this.commandNanos = in.nanos("command-time", 0, 0, MAX_NANOS);
    this.assumptions = Mlx5Assumptions.read(in);
    try {
      Mlx5FaultPlan.parse(faults);
    } catch (IllegalArgumentException e) {
      throw in.refused("faults", "a fault plan (" + Mlx5FaultPlan.names() + "): " + e.getMessage());
    }
  }

  /** Returns how long a command takes that moves so many bytes. */
  long serviceNanos(Opcode opcode, long movedBytes) {
    return switch (opcode) {
      case SUSPEND_VHCA -> suspendNanos;
      case RESUME_VHCA -> resumeNanos;
      case QUERY_VHCA_MIGRATION_STATE -> queryNanos;
      case SAVE_VHCA_STATE -> saveNanos + transferNanos(movedBytes, saveBytesPerSecond);
      case LOAD_VHCA_STATE -> loadNanos + transferNanos(movedBytes, loadBytesPerSecond);
      default -> commandNanos;
    };
  }

  private static long transferNanos(long bytes, long bytesPerSecond) {
    return bytesPerSecond == 0 ? 0 : (long) ((double) bytes * 1e9 / bytesPerSecond);
  }

  /** Returns a number for all that has to be equal on both sides of a migration. */
  long identity() {
    String text = psid + '/' + firmware;
    long hash = 0;
    for (int at = 0; at < text.length(); at++) {
      hash = Mlx5Pattern.mix(hash + text.charAt(at));
    }
    return hash;
  }
}
