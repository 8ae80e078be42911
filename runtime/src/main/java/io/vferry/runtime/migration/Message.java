package io.vferry.runtime.migration;

import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** What the two sides say to each other on the control connection. */
public sealed interface Message {

  /**
   * Source: this is what I want to send.
   *
   * @param vm name of the virtual machine
   * @param pageSizeBytes page size of guest memory; 0 if there is none
   * @param memory layout of guest memory
   * @param devices in manifest order; stream <i>n</i> belongs to device <i>n</i> - 1, the stream
   *     after the last device to the platform, stream 0 to memory
   */
  record Offer(String vm, long pageSizeBytes, List<MemoryRange> memory, List<OfferedDevice> devices)
      implements Message {
    public Offer {
      memory = List.copyOf(memory);
      devices = List.copyOf(devices);
    }
  }

  /**
   * A device on offer.
   *
   * @param id its name in the manifest
   * @param driver id of the source's driver
   * @param driverVersion its version
   * @param description what the driver says a destination must match
   */
  record OfferedDevice(
      String id,
      String driver,
      String driverVersion,
      FeatureSet features,
      Map<String, String> description) {
    public OfferedDevice {
      description = Map.copyOf(description);
    }
  }

  /**
   * Destination: all devices are in RESUMING, send.
   *
   * @param arcTimes how long the arcs on the way took
   */
  record Admitted(List<ArcTime> arcTimes) implements Message {
    public Admitted {
      arcTimes = List.copyOf(arcTimes);
    }
  }

  /**
   * How long an arc of a device took on the side that says so.
   *
   * @param device its number
   * @param nanos 0 or more
   */
  record ArcTime(int device, Arc arc, long nanos) {}

  /** Destination: I cannot take this; one problem for each reason. */
  record Refused(List<Problem> problems) implements Message {
    public Refused {
      problems = List.copyOf(problems);
    }
  }

  /**
   * Source: the first image of a device lies in the chunks before this number.
   *
   * @param generation grows each time the device begins its first image anew
   */
  record InitialDataSent(int device, int generation, long chunks) implements Message {}

  /** Destination: the device took its first image. */
  record InitialDataLoaded(int device, int generation) implements Message {}

  /** Source: the guest is paused; from here on it is downtime. */
  record Switchover() implements Message {}

  /**
   * Source: a stream has ended.
   *
   * @param stream 0 for memory, device number + 1, or the number of devices + 1 for the platform
   * @param chunks how many
   * @param bytes their payload together
   * @param digest over their numbers, lengths and checksums, in order; 32 bytes
   */
  record StreamEnd(int stream, long chunks, long bytes, ByteBuffer digest) implements Message {}

  /** Destination: everything is here and whole; I can run. */
  record Ready(GuestAudit.Verdict audit, boolean audited) implements Message {}

  /** Source: I shall never run the guest again, you run it. */
  record Commit() implements Message {}

  /** Destination: the guest runs. */
  record Running() implements Message {}

  /** Either: I give up; before COMMIT only. */
  record Abort(Problem problem) implements Message {}

  /** Destination: I was told to run the guest and cannot. */
  record StartFailed(Problem problem) implements Message {}
}
