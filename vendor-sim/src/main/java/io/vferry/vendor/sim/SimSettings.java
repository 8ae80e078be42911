package io.vferry.vendor.sim;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.EnumMap;
import java.util.Map;

/**
 * A profile with the parameters of one address put in.
 *
 * @param stateBytes of the device's own memory
 * @param initialBytes of the first pre-copy image
 * @param localMemoryBytes of the memory that the guest maps; 0 or a power of two of whole pages
 * @param increments whether a pre-copy carries device memory
 * @param serviceNanos of each arc
 * @param work whether the device does anything by itself
 * @param iommuLog whether the host logs DMA for the device
 * @param hostMigration whether the host drives the migration registers and offers the result
 */
record SimSettings(
    SimProfile profile,
    FeatureSet features,
    boolean dmaLog,
    boolean iommuLog,
    boolean increments,
    long stateBytes,
    long initialBytes,
    int localMemoryBytes,
    long dirtyBytesPerSecond,
    long dmaBytesPerSecond,
    int dmaAreaPages,
    long tasksPerSecond,
    long taskNanos,
    long messagesPerSecond,
    long messageNanos,
    long tickNanos,
    long seed,
    int firmware,
    Map<Arc, Long> serviceNanos,
    boolean work,
    boolean hostMigration,
    SimFaults faults) {

  /** What fits into one chunk of a stream beside the rest of the core. */
  static final int MAX_LOCAL_BYTES = 128 << 10;

  private static final long MAX_RATE = 1L << 40;
  private static final long MAX_SERVICE_NANOS = 600_000_000_000L;

  static SimSettings read(DeviceAddress address) throws MigrationException {
    SimProfile profile =
        SimProfile.named(address.path())
            .orElseThrow(
                () ->
                    new MigrationException(
                        DeviceError.BAD_REQUEST,
                        "there is no simulated device '%s'; there are %s"
                            .formatted(
                                address.path(),
                                String.join(
                                    ", ",
                                    SimProfile.ALL.stream().map(SimProfile::name).toList()))));
    DeviceParameters parameters =
        new DeviceParameters("the simulated device " + profile.name(), address.parameters());
    boolean p2p = parameters.flag("p2p", profile.features().p2p());
    boolean preCopy = parameters.flag("pre-copy", profile.features().preCopy());
    long stateBytes = parameters.bytes("state", profile.stateBytes(), 0, 16L << 30);
    boolean work = parameters.flag("work", true);
    boolean dma = profile.dma();
    SimSettings settings =
        new SimSettings(
            profile,
            FeatureSet.of(p2p, preCopy),
            parameters.flag("dma-log", profile.dmaLog()),
            parameters.flag("iommu-log", false),
            parameters.flag("increments", profile.increments()),
            stateBytes,
            parameters.bytes(
                "initial", Math.min(stateBytes, profile.initialBytes()), 0, stateBytes),
            localMemoryBytes(parameters, profile),
            parameters.bytes("dirty-rate", profile.dirtyBytesPerSecond(), 0, MAX_RATE),
            parameters.bytes("dma-rate", profile.dmaBytesPerSecond(), 0, dma ? MAX_RATE : 0),
            (int)
                (parameters.bytes("dma-area", dma ? 256 << 10 : 0, 0, dma ? 16 << 20 : 0)
                    >> SimPattern.PAGE_SHIFT),
            parameters.number("task-rate", profile.tasksPerSecond(), 0, dma ? 1_000_000 : 0),
            parameters.nanos("task-time", 1_500_000, 0, 60_000_000_000L),
            parameters.number("p2p-rate", dma ? 2000 : 0, 0, dma ? 1_000_000 : 0),
            parameters.nanos("p2p-latency", 20_000, 0, 1_000_000_000L),
            Math.max(10_000, parameters.nanos("tick", 1_000_000, 0, 1_000_000_000L)),
            parameters.number("seed", 1, Long.MIN_VALUE / 16, Long.MAX_VALUE / 16),
            (int) parameters.number("firmware", 1, 1, 1_000_000),
            serviceNanos(parameters, profile),
            work,
            parameters.flag("host-migration", false),
            SimFaults.read(parameters));
    // Faults of the stream are the driver's; here they are only checked.
    SimStreamFaults.read(parameters);
    parameters.finish();
    return settings;
  }

  private static int localMemoryBytes(DeviceParameters parameters, SimProfile profile)
      throws MigrationException {
    // Memory that other processes can map is there on Linux only.
    int usual = SimSharedFile.possible() ? profile.localMemoryBytes() : 0;
    int bytes = (int) parameters.bytes("local-memory", usual, 0, MAX_LOCAL_BYTES);
    if (bytes != 0 && (Integer.bitCount(bytes) != 1 || bytes < SimPattern.PAGE_BYTES)) {
      throw new MigrationException(
          DeviceError.BAD_REQUEST,
          "the simulated device %s cannot have %d bytes of local memory: it is a power of two from %d to %d"
              .formatted(profile.name(), bytes, SimPattern.PAGE_BYTES, MAX_LOCAL_BYTES));
    }
    return bytes;
  }

  private static Map<Arc, Long> serviceNanos(DeviceParameters parameters, SimProfile profile)
      throws MigrationException {
    boolean all = parameters.has("service-time");
    long common = parameters.nanos("service-time", 0, 0, MAX_SERVICE_NANOS);
    Map<Arc, Long> nanos = new EnumMap<>(Arc.class);
    for (Arc arc : Arc.values()) {
      long usual = all ? common : profile.serviceNanos() * share(arc) / 4;
      nanos.put(arc, parameters.nanos("service-time." + arc.name(), usual, 0, MAX_SERVICE_NANOS));
    }
    return Map.copyOf(nanos);
  }

  /** Quarters of the profile's service time: stopping and loading are what takes time. */
  private static int share(Arc arc) {
    if (arc == Arc.RESUMING_TO_STOP) {
      return 8;
    }
    if (arc.from().running() && !arc.to().running()) {
      return 4;
    }
    if (arc.to().p2pQuiescent() || arc.to() == DeviceState.RUNNING) {
      return 2;
    }
    return 1;
  }
}
