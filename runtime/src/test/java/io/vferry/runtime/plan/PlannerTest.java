package io.vferry.runtime.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.fake.FakeBackend;
import io.vferry.runtime.fake.FakeDevice;
import io.vferry.runtime.fake.FakeDriver;
import io.vferry.runtime.fake.FakeHostDevice;
import io.vferry.runtime.fake.NoClock;
import io.vferry.spi.access.AccessPolicy;
import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.driver.Compatibility.Difference;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.memory.DirtyBitmap;
import io.vferry.spi.memory.DmaLog;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlannerTest {

  private static final int FULL = 0x1;
  private static final int PLAIN = 0x2;

  private final FakeBackend backend = new FakeBackend("fake", Availability.yes());
  private final List<FakeDevice> attached = new ArrayList<>();

  private MigratableDevice remember(FakeDevice device) {
    attached.add(device);
    return device;
  }

  private FakeDriver driver(String id, int vendorId, Rank rank, FakeDriver.Attach attach) {
    return new FakeDriver(id, "1.0", vendorId, rank, attach);
  }

  private FakeDriver full() {
    return driver(
        "full",
        FULL,
        Rank.EXACT,
        host -> remember(new FakeDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY)));
  }

  private FakeDriver plain() {
    return driver(
        "plain", PLAIN, Rank.EXACT, host -> remember(new FakeDevice(FeatureSet.STOP_COPY)));
  }

  private Catalogue catalogue(MigrationDriver... drivers) {
    return Discovery.embedded(
        List.of(drivers),
        List.of(backend, new FakeBackend("absent", Availability.no("there is no such bus"))),
        List.of(),
        List.of());
  }

  private static Manifest.Device device(String id, String address, String... peers) {
    return new Manifest.Device(
        id, DeviceAddress.parse(address), Optional.empty(), Optional.empty(), List.of(peers));
  }

  private static Manifest manifest(P2pPolicy p2p, Manifest.Device... devices) {
    Settings standard = Settings.defaults();
    return new Manifest(
        new Manifest.Vm("vm", "none", 0, Map.of()),
        List.of(devices),
        new Settings(
            standard.downtimeLimitMillis(),
            standard.maxBandwidthBytesPerSecond(),
            standard.connections(),
            standard.receiveWindowBytes(),
            standard.arcDeadlineMillis(),
            standard.setupDeadlineMillis(),
            standard.switchoverDeadlineMillis(),
            standard.maxPrecopyRounds(),
            standard.forceSwitchover(),
            AccessPolicy.Mode.ENFORCE,
            p2p));
  }

  private static Manifest manifest(Manifest.Device... devices) {
    return manifest(P2pPolicy.REFUSE, devices);
  }

  private static Plan plan(Catalogue catalogue, Manifest manifest) throws MigrationException {
    return plan(catalogue, manifest, Side.SOURCE);
  }

  private static Plan plan(Catalogue catalogue, Manifest manifest, Side side)
      throws MigrationException {
    try (AttachedDevices here = AttachedDevices.open(manifest, side, catalogue, new NoClock())) {
      return new Planner(catalogue).plan(manifest, side, here.attachments());
    }
  }

  private static Plan plan(Catalogue here, Catalogue there, Manifest manifest)
      throws MigrationException {
    try (AttachedDevices source = AttachedDevices.open(manifest, Side.SOURCE, here, new NoClock());
        AttachedDevices destination =
            AttachedDevices.open(manifest, Side.DESTINATION, there, new NoClock())) {
      return new Planner(here).plan(manifest, source.attachments(), destination.attachments());
    }
  }

  private static Blocker onlyBlocker(Plan plan) {
    assertThat(plan.blockers()).hasSize(1);
    assertThat(plan.possible()).isFalse();
    return plan.blockers().get(0);
  }

  private static void assertBlocked(Plan plan, Blocker.Code code, String device, String reason) {
    Blocker blocker = onlyBlocker(plan);
    assertThat(blocker.code()).isEqualTo(code);
    assertThat(blocker.device()).contains(device);
    assertThat(blocker.reason()).contains(reason);
    assertThat(blocker.advice()).isNotBlank();
  }

  @Test
  void aPlanTellsDriverPathAndSize() throws MigrationException {
    DmaLog log = new SilentLog();
    StopCopyEstimate estimate = () -> OptionalLong.of(12_345);
    Catalogue catalogue =
        catalogue(
            driver(
                "full",
                FULL,
                Rank.EXACT,
                host ->
                    new FakeDevice(FeatureSet.STOP_COPY_P2P_PRE_COPY)
                        .with(DmaLog.class, log)
                        .with(StopCopyEstimate.class, estimate)
                        .with(Compatibility.class, new Firmware("22.1"))),
            driver("generic", 0, Rank.GENERIC, host -> new FakeDevice(FeatureSet.STOP_COPY)));
    Plan plan = plan(catalogue, manifest(device("net0", "fake:1.1"), device("disk0", "fake:2.1")));
    assertThat(plan.possible()).isTrue();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.NO_PEERS);
    PlannedDevice net = plan.device("net0").orElseThrow();
    assertThat(net.driver())
        .get()
        .satisfies(
            driver -> {
              assertThat(driver.id()).isEqualTo("full");
              assertThat(driver.rank()).isEqualTo(Rank.EXACT);
            });
    assertThat(net.passedOver())
        .singleElement()
        .satisfies(loser -> assertThat(loser.id()).isEqualTo("generic"));
    PlannedDevice.Ability ability = net.ability().orElseThrow();
    assertThat(ability.sourcePath())
        .hasToString("RUNNING -> PRE_COPY -> PRE_COPY_P2P -> STOP_COPY");
    assertThat(ability.stopCopyBytes()).hasValue(12_345);
    assertThat(ability.dirtyTracking()).isEqualTo(DirtyTracking.DEVICE_LOG);
    assertThat(ability.description()).containsExactly(Map.entry("firmware", "22.1"));
    PlannedDevice.Ability disk = plan.device("disk0").orElseThrow().ability().orElseThrow();
    assertThat(disk.sourcePath()).hasToString("RUNNING -> STOP -> STOP_COPY");
    assertThat(disk.stopCopyBytes()).isEmpty();
    assertThat(disk.dirtyTracking()).isEqualTo(DirtyTracking.ALL_DIRTY);
    assertThat(plan.device("disk0").orElseThrow().notes())
        .containsExactly("no pre-copy: its whole state moves while the guest is paused");
  }

  /** A log in which nothing is ever written. */
  private static final class SilentLog implements DmaLog {
    @Override
    public long start(List<MemoryRange> iovaRanges, long pageSizeBytes) {
      return pageSizeBytes;
    }

    @Override
    public void stop() {}

    @Override
    public void report(DirtyBitmap into) {}
  }

  /** Devices agree if their firmware does. */
  private record Firmware(String version) implements Compatibility {
    @Override
    public Map<String, String> describe() {
      return Map.of("firmware", version);
    }

    @Override
    public List<Difference> compare(Map<String, String> source) {
      String other = source.getOrDefault("firmware", "unknown");
      return other.equals(version)
          ? List.of()
          : List.of(new Difference("firmware", other, version));
    }
  }

  @Test
  void allThatIsInTheWayIsNamedAtOnce() throws MigrationException {
    Catalogue catalogue = catalogue(full());
    Plan plan =
        plan(
            catalogue,
            manifest(
                device("a", "vfio:0000:3b:00.2"),
                device("b", "absent:1.1"),
                device("c", "fake:nowhere"),
                device("d", "fake:9.1"),
                device("e", "fake:1.1", "nobody"),
                device("f", "fake:1.1")));
    assertThat(plan.blockers())
        .extracting(blocker -> blocker.device().orElse("") + " " + blocker.code().label())
        .containsExactlyInAnyOrder(
            "a no-backend",
            "b backend-unavailable",
            "c open-failed",
            "d no-driver",
            "e unknown-peer",
            "f duplicate-address");
    assertThat(plan.devices()).hasSize(6);
  }

  @Test
  void devicesOfModelsMayShareAnAddress() throws MigrationException {
    DeviceModel model =
        new DeviceModel() {
          @Override
          public List<String> names() {
            return List.of("nic");
          }

          @Override
          public String description(String name) {
            return "a card";
          }

          @Override
          public HostDevice create(DeviceAddress address, OpenContext context) {
            return new FakeHostDevice(address, FULL, 0);
          }
        };
    Catalogue catalogue = Discovery.embedded(List.of(full()), List.of(), List.of(model), List.of());
    assertThat(plan(catalogue, manifest(device("a", "sim:nic"), device("b", "sim:nic"))).possible())
        .isTrue();
  }

  @Test
  void twoEqualDriversAreABlocker() throws MigrationException {
    Catalogue catalogue =
        catalogue(
            full(),
            driver("rival", FULL, Rank.EXACT, host -> new FakeDevice(FeatureSet.STOP_COPY)));
    assertBlocked(
        plan(catalogue, manifest(device("net0", "fake:1.1"))),
        Blocker.Code.DRIVER_CONFLICT,
        "net0",
        "full, rival serve the device equally well");
  }

  @Test
  void aDeviceThatItsDriverCannotTakeIsABlockerAndIsClosed() throws MigrationException {
    Catalogue catalogue =
        catalogue(
            driver(
                "full",
                FULL,
                Rank.EXACT,
                host -> {
                  throw new MigrationException(
                      DeviceError.NOT_MIGRATABLE, "the device is bound to mlx5_core");
                }),
            driver(
                "plain",
                PLAIN,
                Rank.EXACT,
                host -> {
                  throw new IllegalStateException("oops");
                }));
    assertBlocked(
        plan(catalogue, manifest(device("net0", "fake:1.1"))),
        Blocker.Code.NOT_MIGRATABLE,
        "net0",
        "bound to mlx5_core");
    assertBlocked(
        plan(catalogue, manifest(device("net1", "fake:2.1"))),
        Blocker.Code.ATTACH_FAILED,
        "net1",
        "oops");
    assertThat(backend.opened()).extracting(FakeHostDevice::closed).containsExactly(1, 1);
  }

  @Test
  void aDeviceThatDoesNotRunIsABlocker() throws MigrationException {
    Catalogue catalogue =
        catalogue(
            driver(
                "full",
                FULL,
                Rank.EXACT,
                host -> new FakeDevice(FeatureSet.STOP_COPY).in(DeviceState.ERROR)));
    Plan plan = plan(catalogue, manifest(device("net0", "fake:1.1")));
    assertBlocked(plan, Blocker.Code.NOT_RUNNING, "net0", "is in ERROR");
    assertThat(onlyBlocker(plan).advice()).startsWith("Reset the device");
  }

  @ParameterizedTest
  @EnumSource(Side.class)
  void eachBlockerSaysOnWhichSideItWasFound(Side side) throws MigrationException {
    Catalogue catalogue =
        catalogue(
            driver(
                "plain",
                PLAIN,
                Rank.EXACT,
                host -> new FakeDevice(FeatureSet.STOP_COPY).in(DeviceState.STOP)),
            driver(
                "silent",
                FULL,
                Rank.EXACT,
                host ->
                    new FakeDevice(FeatureSet.STOP_COPY) {
                      @Override
                      public DeviceState state() {
                        throw new IllegalStateException("who knows");
                      }
                    }));
    Manifest manifest =
        new Manifest(
            new Manifest.Vm("vm", "nowhere", 0, Map.of()),
            List.of(
                device("sec", "fake:2.1", "net", "sec"),
                device("net", "fake:1.1", "absent"),
                device("disk", "fake:3.1")),
            Settings.defaults());
    Plan plan = plan(catalogue, manifest, side);
    assertThat(plan.blockers())
        .extracting(Blocker::code)
        .containsExactlyInAnyOrder(
            Blocker.Code.NO_VM_ADAPTOR,
            Blocker.Code.UNKNOWN_PEER,
            Blocker.Code.UNKNOWN_PEER,
            Blocker.Code.NOT_RUNNING,
            Blocker.Code.NOT_RUNNING,
            Blocker.Code.NO_DRIVER,
            Blocker.Code.MISSING_P2P,
            Blocker.Code.MISSING_P2P);
    assertThat(plan.blockers()).extracting(Blocker::side).containsOnly(side);
  }

  @Test
  void peersThatCanQuiesceGoInTwoPhases() throws MigrationException {
    Plan plan =
        plan(
            catalogue(full()),
            manifest(device("gpu", "fake:1.1", "nic"), device("nic", "fake:1.2", "gpu")));
    assertThat(plan.possible()).isTrue();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.TWO_PHASE);
    assertThat(plan.p2p().links())
        .containsExactly(new P2pPlan.Link("gpu", "nic"), new P2pPlan.Link("nic", "gpu"));
  }

  @Test
  void aPeerThatCannotQuiesceIsABlockerWhicheverEndItIs() throws MigrationException {
    Plan target =
        plan(
            catalogue(full(), plain()),
            manifest(device("gpu", "fake:1.1", "sec"), device("sec", "fake:2.1")));
    assertBlocked(target, Blocker.Code.MISSING_P2P, "sec", "and takes DMA from 'gpu'");
    assertThat(target.p2p().mode()).isEqualTo(P2pPlan.Mode.IMPOSSIBLE);
    Plan initiator =
        plan(
            catalogue(full(), plain()),
            manifest(device("gpu", "fake:1.1"), device("sec", "fake:2.1", "gpu")));
    assertBlocked(initiator, Blocker.Code.MISSING_P2P, "sec", "and does DMA to 'gpu'");
  }

  @Test
  void aDeviceWithoutP2pIsNoMatterWithoutPeers() throws MigrationException {
    Plan plan =
        plan(
            catalogue(full(), plain()),
            manifest(
                device("gpu", "fake:1.1", "nic"),
                device("nic", "fake:1.2"),
                device("sec", "fake:2.1")));
    assertThat(plan.possible()).isTrue();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.TWO_PHASE);
  }

  @Test
  void unmapLetsPeersThatCannotQuiesceMigrate() throws MigrationException {
    Plan plan =
        plan(
            catalogue(full(), plain()),
            manifest(P2pPolicy.UNMAP, device("gpu", "fake:1.1", "sec"), device("sec", "fake:2.1")));
    assertThat(plan.possible()).isTrue();
    assertThat(plan.p2p().mode()).isEqualTo(P2pPlan.Mode.UNMAPPED);
    assertThat(plan.p2p().lacking()).containsExactly("sec");
    Plan able =
        plan(
            catalogue(full()),
            manifest(P2pPolicy.UNMAP, device("gpu", "fake:1.1", "nic"), device("nic", "fake:1.2")));
    assertThat(able.p2p().mode()).isEqualTo(P2pPlan.Mode.TWO_PHASE);
  }

  @Test
  void peersAreCheckedEvenIfTheirDevicesCannotBeOpened() throws MigrationException {
    Plan plan = plan(catalogue(full()), manifest(device("gpu", "fake:1.1", "gpu", "nic")));
    assertThat(plan.blockers())
        .extracting(Blocker::reason)
        .containsExactly(
            "device 'gpu' names itself as a peer",
            "device 'gpu' names the peer 'nic', which is not in the manifest; devices are: gpu");
  }

  @Test
  void aDestinationThatDiffersIsABlocker() throws MigrationException {
    Plan plan =
        plan(
            catalogue(firmware("22.1")),
            catalogue(firmware("21.9")),
            manifest(device("net0", "fake:1.1")));
    assertBlocked(
        plan,
        Blocker.Code.INCOMPATIBLE_DESTINATION,
        "net0",
        "firmware is 22.1 there and 21.9 here");
    assertThat(plan.device("net0").orElseThrow().differences())
        .containsExactly(new Difference("firmware", "22.1", "21.9"));
    Plan same =
        plan(
            catalogue(firmware("22.1")),
            catalogue(firmware("22.1")),
            manifest(device("net0", "fake:1.1")));
    assertThat(same.possible()).isTrue();
    assertThat(same.destinationKnown()).isTrue();
  }

  private FakeDriver firmware(String version) {
    return driver(
        "full",
        FULL,
        Rank.EXACT,
        host ->
            new FakeDevice(FeatureSet.STOP_COPY_P2P)
                .with(Compatibility.class, new Firmware(version)));
  }

  @Test
  void anotherDriverOnTheDestinationIsABlocker() throws MigrationException {
    Plan plan =
        plan(
            catalogue(full()),
            catalogue(
                driver("other", FULL, Rank.EXACT, host -> new FakeDevice(FeatureSet.STOP_COPY))),
            manifest(device("net0", "fake:1.1")));
    assertBlocked(plan, Blocker.Code.DRIVER_DIFFERS, "net0", "'full' on the source and 'other'");
  }

  @Test
  void theDestinationGoesByItsOwnFeatures() throws MigrationException {
    Plan plan =
        plan(
            catalogue(full()),
            catalogue(
                driver("full", FULL, Rank.EXACT, host -> new FakeDevice(FeatureSet.STOP_COPY))),
            manifest(device("net0", "fake:1.1", "net1"), device("net1", "fake:1.2")));
    assertThat(plan.device("net0").orElseThrow().ability().orElseThrow().destinationPath())
        .hasToString("RUNNING -> STOP -> RESUMING -> STOP -> RUNNING");
    assertThat(plan.blockers())
        .extracting(Blocker::code)
        .containsExactly(Blocker.Code.MISSING_P2P, Blocker.Code.MISSING_P2P);
    assertThat(plan.blockers()).allMatch(blocker -> blocker.side() == Side.DESTINATION);
  }

  @Test
  void aFailureOnTheDestinationIsABlockerThere() throws MigrationException {
    Plan plan = plan(catalogue(full()), catalogue(), manifest(device("net0", "fake:1.1")));
    assertBlocked(plan, Blocker.Code.NO_DRIVER, "net0", "no driver was found at all");
    assertThat(onlyBlocker(plan).side()).isEqualTo(Side.DESTINATION);
    assertThat(plan.device("net0").orElseThrow().driver()).isPresent();
  }

  @Test
  void anUnknownVmAdaptorIsABlocker() throws MigrationException {
    Manifest manifest =
        new Manifest(new Manifest.Vm("vm", "qemu", 0, Map.of()), List.of(), Settings.defaults());
    Blocker blocker = onlyBlocker(plan(catalogue(), manifest));
    assertThat(blocker.code()).isEqualTo(Blocker.Code.NO_VM_ADAPTOR);
    assertThat(blocker.reason()).isEqualTo("there is no VM adaptor 'qemu'; known are: none");
  }

  @Test
  void devicesAreClosedInTheOppositeOrderWhateverHappens() throws MigrationException {
    MigrationException failure = new MigrationException(DeviceError.IO_FAILED, "cannot close");
    List<String> order = new ArrayList<>();
    Catalogue catalogue =
        catalogue(
            driver(
                "full",
                FULL,
                Rank.EXACT,
                host ->
                    new ClosingDevice(
                        () -> {
                          order.add(host.info().address().path());
                          throw failure;
                        })));
    AttachedDevices devices =
        AttachedDevices.open(
            manifest(device("a", "fake:1.1"), device("b", "fake:1.2")),
            Side.SOURCE,
            catalogue,
            new NoClock());
    assertThatThrownBy(devices::close).isSameAs(failure);
    assertThat(order).containsExactly("1.2", "1.1");
    assertThat(backend.opened()).extracting(FakeHostDevice::closed).containsExactly(1, 1);
  }

  /** What closing does. */
  private interface Closing {
    void run() throws MigrationException;
  }

  /** A device whose closing does what a test says. */
  private static final class ClosingDevice implements MigratableDevice {

    private final FakeDevice device = new FakeDevice(FeatureSet.STOP_COPY);
    private final Closing closing;

    ClosingDevice(Closing closing) {
      this.closing = closing;
    }

    @Override
    public FeatureSet features() {
      return device.features();
    }

    @Override
    public DeviceState state() {
      return device.state();
    }

    @Override
    public ArcOutcome perform(Arc arc) {
      return device.perform(arc);
    }

    @Override
    public void reset() {
      device.reset();
    }

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      return device.capability(type);
    }

    @Override
    public void close() throws MigrationException {
      closing.run();
    }
  }
}
