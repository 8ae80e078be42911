package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.vm.VmSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The options of a simulated virtual machine.
 *
 * @param peers who sends messages to whom
 * @param pageRequests how many the devices keep open while the vCPUs run
 * @param pageRequestsStuck whether they are never completed
 * @param sharedMemory whether other processes can map the guest's memory, as those that serve its
 *     devices do
 */
record SimVmSettings(
    long memoryBytes,
    int vcpus,
    long dirtyBytesPerSecond,
    long workingSetBytes,
    long seed,
    long tickNanos,
    List<Peering> peers,
    int pageRequests,
    boolean pageRequestsStuck,
    boolean sharedMemory) {

  /** One direction of talk between two devices. */
  record Peering(String from, String to) {}

  private static final long MIB = 1L << 20;
  private static final long MIN_MEMORY = MIB;

  /** More would not fit the platform state, which carries 4 bytes for each page. */
  private static final long MAX_MEMORY = 32L << 30;

  static SimVmSettings read(VmSpec spec) throws MigrationException {
    String subject = "the simulated virtual machine " + spec.name();
    long memory = spec.memoryBytes() == 0 ? 64 * MIB : spec.memoryBytes();
    if (memory < MIN_MEMORY || memory > MAX_MEMORY || memory % SimPattern.PAGE_BYTES != 0) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "memory of %s is %d bytes, but must be whole pages of 4 KiB from %d to %d bytes"
              .formatted(subject, memory, MIN_MEMORY, MAX_MEMORY));
    }
    DeviceParameters parameters = new DeviceParameters(subject, spec.options());
    SimVmSettings settings =
        new SimVmSettings(
            memory,
            (int) parameters.number("vcpus", 2, 1, 64),
            parameters.bytes("dirty-rate", 8 * MIB, 0, 1L << 40),
            parameters.bytes("working-set", memory / 2, 0, memory),
            parameters.number("seed", 1, Long.MIN_VALUE / 16, Long.MAX_VALUE / 16),
            Math.max(10_000, parameters.nanos("tick", 1_000_000, 0, 1_000_000_000L)),
            peers(parameters),
            (int) parameters.number("page-requests", 0, 0, 1_000_000),
            parameters.flag("page-requests-stuck", false),
            parameters.flag("shared-memory", false));
    parameters.finish();
    return settings;
  }

  private static List<Peering> peers(DeviceParameters parameters) throws MigrationException {
    String text = parameters.text("peers").orElse("");
    List<Peering> peers = new ArrayList<>();
    if (text.isBlank()) {
      return peers;
    }
    for (String pair : text.split(",", -1)) {
      String[] ends = pair.strip().split(":", -1);
      if (ends.length != 2 || ends[0].isEmpty() || ends[1].isEmpty() || ends[0].equals(ends[1])) {
        throw parameters.refused(
            "peers", "pairs of two different devices, for example nic0:nic1,nic1:nic0");
      }
      Peering peering = new Peering(ends[0], ends[1]);
      if (!peers.contains(peering)) {
        peers.add(peering);
      }
    }
    return List.copyOf(peers);
  }
}
