package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.compat.v1.V1Trace;
import io.vferry.compat.v1.V1Translation.Verdict;
import io.vferry.compat.v1.V1Translator;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.state.FeatureSet;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import io.vferry.vendor.mlx5.Mlx5MigrationDriver;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** QEMU's order of operations, replayed through the v1 region; the machine's oracle judges. */
class QemuV1Test {

  private static final long ROUND_NANOS = 5_000_000;

  /** What is driven: a model, its driver, an address. */
  record Hardware(DeviceModel model, MigrationDriver driver, String address) {
    @Override
    public String toString() {
      return address;
    }
  }

  static List<Hardware> hardware() {
    List<Hardware> all = new ArrayList<>();
    for (String address :
        List.of(
            "sim:mlx5?state=3MiB&initial=1MiB",
            "sim:hisi-acc",
            "sim:pds?state=3MiB",
            "sim:xe?state=3MiB",
            "sim:virtio?state=3MiB")) {
      all.add(new Hardware(new SimDeviceModel(), new SimMigrationDriver(), address));
    }
    all.add(
        new Hardware(new Mlx5DeviceModel(), new Mlx5MigrationDriver(), "sim:mlx5-vf?state=1MiB"));
    for (String kind : List.of("sec", "hpre", "zip")) {
      all.add(
          new Hardware(
              new HisiAccDeviceModel(), new HisiAccMigrationDriver(), "sim:hisi-" + kind + "-vf"));
    }
    return all;
  }

  static List<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (QemuV1.Version version : QemuV1.Version.values()) {
      hardware().forEach(hardware -> cases.add(Arguments.of(version, hardware)));
    }
    return cases;
  }

  private final SimClock clock = new SimClock(77);

  private QemuMachine machine(
      QemuV1.Version version, Hardware hardware, boolean incoming, int windowBytes)
      throws MigrationException {
    return new QemuMachine(
        version,
        clock,
        incoming,
        hardware.model(),
        hardware.driver(),
        hardware.address(),
        windowBytes);
  }

  private static void copy(QemuMachine from, QemuMachine to, MemoryRange range) {
    to.vm.memory().slice(range).put(from.vm.memory().slice(range));
  }

  private void precopy(QemuMachine source, QemuMachine destination, int rounds)
      throws MigrationException {
    source.vm.startDirtyLog();
    source.qemu.saveSetup();
    for (MemoryRange range : source.vm.memory().layout()) {
      copy(source, destination, range);
    }
    for (int round = 0; round < rounds; round++) {
      clock.advance(ROUND_NANOS);
      source.qemu.saveLivePending();
      for (MemoryRange range : source.dirty()) {
        copy(source, destination, range);
      }
      for (int chunk = 0; chunk < 3; chunk++) {
        source.qemu.saveLiveIterate();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void movesWithoutLoss(QemuV1.Version version, Hardware hardware) throws Exception {
    try (QemuMachine source = machine(version, hardware, false, 64 << 10);
        // Smaller: QEMU splits chunks.
        QemuMachine destination = machine(version, hardware, true, 40_000)) {
      source.vm.resume();
      clock.advance(30_000_000);
      precopy(source, destination, 5);

      source.vm.pause();
      source.qemu.vmStopped();
      for (MemoryRange range : source.dirty()) {
        copy(source, destination, range);
      }
      source.qemu.completePrecopy();
      source.qemu.cleanup();

      destination.qemu.loadSetup();
      for (QemuV1.Packet packet : source.qemu.wire) {
        destination.qemu.load(packet);
      }
      // vCPUs, platform and interrupts, while the device still resumes.
      destination.vm.loadPlatform(source.vm.savePlatform());
      destination.qemu.vmStarted();
      assertThat(destination.violations()).isEmpty();
      assertThat(done(destination)).isPositive();

      destination.vm.resume();
      clock.advance(50_000_000);
      destination.vm.pause();
      destination.qemu.vmStopped();
      assertThat(destination.violations()).isEmpty();
      assertThat(done(destination)).isGreaterThan(done(source));
      nothingIllegal(source.qemu.trace);
      nothingIllegal(destination.qemu.trace);
    }
  }

  private static long done(QemuMachine machine) throws MigrationException {
    Map<String, Long> counts = machine.counts();
    assertThat(counts).containsKey("tasks");
    return counts.getOrDefault("tasks", 0L);
  }

  private static void nothingIllegal(List<String> trace) throws MigrationException {
    V1Translator translator = new V1Translator(FeatureSet.STOP_COPY_P2P_PRE_COPY);
    assertThat(trace).isNotEmpty();
    for (String line : trace) {
      assertThat(translator.translate(V1Trace.parse(line).orElseThrow()).verdict())
          .as(line)
          .isNotEqualTo(Verdict.ILLEGAL);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theSourceRunsOnAfterACancel(QemuV1.Version version, Hardware hardware) throws Exception {
    try (QemuMachine source = machine(version, hardware, false, 64 << 10);
        QemuMachine destination = machine(version, hardware, true, 64 << 10)) {
      source.vm.resume();
      clock.advance(30_000_000);
      precopy(source, destination, 2);
      source.qemu.cancelled();
      source.qemu.cleanup();
      clock.advance(30_000_000);
      source.vm.pause();
      source.qemu.vmStopped();
      assertThat(source.violations()).isEmpty();
    }
  }

  /** The oracle is able to find fault: one chunk that is left out is missed. */
  @Test
  void aLostChunkIsFoundOut() throws Exception {
    Hardware hardware = hardware().get(0);
    try (QemuMachine source = machine(QemuV1.Version.QEMU_7_2, hardware, false, 64 << 10);
        QemuMachine destination = machine(QemuV1.Version.QEMU_7_2, hardware, true, 64 << 10)) {
      source.vm.resume();
      clock.advance(30_000_000);
      precopy(source, destination, 2);
      source.vm.pause();
      source.qemu.vmStopped();
      source.qemu.completePrecopy();
      destination.qemu.loadSetup();
      source.qemu.wire.remove(1);
      boolean refused = false;
      try {
        for (QemuV1.Packet packet : source.qemu.wire) {
          destination.qemu.load(packet);
        }
        destination.qemu.vmStarted();
      } catch (MigrationException e) {
        refused = true;
      }
      assertThat(refused).isTrue();
    }
  }
}
