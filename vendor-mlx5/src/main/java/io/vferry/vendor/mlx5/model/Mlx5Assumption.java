package io.vferry.vendor.mlx5.model;

import java.util.List;

/**
 * What nobody outside the vendor knows about the firmware. Each has several positions, the first of
 * which is the one that the kernel's driver (Linux 6.12, {@code drivers/vfio/pci/mlx5}) makes most
 * likely; a driver has to live with all of them. Positions that name a command status answer with
 * it, {@code ok} accepts.
 */
public enum Mlx5Assumption {
  /** SUSPEND of the responder while the initiator runs. */
  SUSPEND_RESPONDER_FIRST("bad-res-state", "ok"),
  /** SUSPEND of what is suspended. */
  SUSPEND_TWICE("bad-res-state", "ok"),
  /** RESUME of what runs. */
  RESUME_TWICE("bad-res-state", "ok"),
  /** RESUME of the initiator while the responder is suspended. */
  RESUME_INITIATOR_FIRST("bad-res-state", "ok"),
  /** RESUME after images were loaded of which the last is missing. */
  RESUME_HALF_LOADED("bad-res-state", "ok"),
  /** Incremental QUERY of a function that is not tracked: how it fails. */
  QUERY_UNTRACKED("bad-res-state", "bad-param", "bad-res"),
  /** QUERY for chunks without that capability. */
  QUERY_CHUNK_WITHOUT_CAPABILITY("bad-param", "ok"),
  /** Tracked SAVE with the initiator suspended. */
  SAVE_TRACKED_IN_P2P("ok", "bad-res-state"),
  /** Tracked SAVE with the responder suspended: how it fails. */
  SAVE_TRACKED_FROZEN("bad-res-state", "bad-param"),
  /** SAVE that ends tracking of a running function, whatever its size. */
  SAVE_CLEANUP_ANY_SIZE("ok", "lim"),
  /** Untracked SAVE of a function that runs. */
  SAVE_FINAL_RUNNING("bad-res-state", "bad-param"),
  /** SAVE into too small a buffer while suspended. */
  SAVE_SMALL_BUFFER_SUSPENDED("lim", "bad-param"),
  /** Incremental SAVE with nothing before it. */
  SAVE_INCREMENT_WITHOUT_BASE("bad-res-state", "bad-param"),
  /** LOAD into a function that runs. */
  LOAD_RUNNING("bad-res-state", "bad-sys-state"),
  /** LOAD of an image that is damaged, foreign, or not the next one. */
  LOAD_BAD_IMAGE("bad-param", "int-err"),
  /** A VHCA id that does not exist. */
  UNKNOWN_VHCA("bad-res", "bad-param"),
  /** A function that was not made migratable. */
  NOT_MIGRATABLE("bad-op", "bad-param"),
  /** A memory key that does not exist or has not the right. */
  BAD_MKEY("bad-res", "bad-param"),
  /** A buffer beyond its memory key. */
  BEYOND_MKEY("bad-param", "lim"),
  /** A command for a function that executes another one. */
  VHCA_BUSY("res-busy", "wait"),
  /** A command before its turn in the start-up. */
  START_UP_ORDER("bad-sys-state", "ok"),
  /** Where a wrong length is found: when the entry is fetched, or by the command. */
  WRONG_LENGTH("delivery", "status"),
  /** Where reserved bits of a command are found, if at all. */
  RESERVED_BITS("bad-param", "delivery", "ok"),
  /** An entry signature that is there and wrong, while checksums are off. */
  STRAY_SIGNATURE("ok", "delivery"),
  /** Whether a pre-copy image may leave something for the next one, where chunks are used. */
  PRECOPY_CHUNKS("whole", "partial"),
  /** What becomes of a command whose function is reset meanwhile. */
  RESET_MEANWHILE("int-err", "bad-res-state"),
  /** A second tracker on a function. */
  SECOND_TRACKER("bad-res-state", "bad-param"),
  /** A report of addresses outside the tracked ranges. */
  REPORT_OUTSIDE("ok", "bad-param"),
  /** A second report while one is under way. */
  REPORT_TWICE("res-busy", "bad-res-state"),
  /** Whether an empty message ends a report, or the last one that carries pages. */
  REPORT_END("empty", "last"),
  /** A tracker whose page size, message size or address space is out of range. */
  TRACKER_OUT_OF_CAPABILITY("bad-param", "lim");

  private final String positions;

  Mlx5Assumption(String... positions) {
    this.positions = String.join(",", positions);
  }

  /** Returns the name of the address parameter that chooses a position. */
  public String key() {
    return "assume." + name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  /** Returns the positions, the likeliest first. */
  public List<String> positions() {
    return List.of(positions.split(",", -1));
  }
}
