package io.vferry.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.runtime.fake.FakeBackend;
import io.vferry.runtime.fake.FakeDevice;
import io.vferry.runtime.fake.FakeDriver;
import io.vferry.runtime.fake.FakeHostDevice;
import io.vferry.runtime.fake.NoClock;
import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.vm.VmSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class CatalogueTest {

  private static final HostDeviceInfo NIC =
      FakeHostDevice.info(DeviceAddress.parse("fake:15b3.101e"), 0x15b3, 0x101e);
  private static final OpenContext CONTEXT = new OpenContext("net0", new NoClock());

  private static FakeDriver driver(String id, int vendorId, Rank rank) {
    return new FakeDriver(id, "1", vendorId, rank, host -> new FakeDevice(FeatureSet.STOP_COPY));
  }

  private static Catalogue drivers(FakeDriver... drivers) {
    return Discovery.embedded(List.of(drivers), List.of(), List.of(), List.of());
  }

  @Test
  void aModelStandsInUntilTheOneThatIsMeantComes() throws MigrationException {
    DeviceAddress address = DeviceAddress.parse("sim:nic?state=1&stand-in=spare");
    Model spare = new Model(List.of("spare"));

    assertThat(models(spare).open(address, CONTEXT).info().address()).hasToString("sim:spare");
    assertThat(models(spare, new Model(List.of("nic"))).open(address, CONTEXT).info().address())
        .hasToString("sim:nic?state=1");
    assertRefused(
        () -> models().open(DeviceAddress.parse("sim:nic?stand-in=spare"), CONTEXT),
        DeviceError.OPEN_FAILED,
        "no device model was found");
    assertRefused(
        () ->
            models(new Model(List.of("disk")))
                .open(DeviceAddress.parse("sim:nic?stand-in=spare"), CONTEXT),
        DeviceError.BAD_REQUEST,
        "no device model 'spare' to stand in for 'nic'");
  }

  @Test
  void theBestMatchWinsAndTheOthersAreToldWhy() {
    Catalogue catalogue =
        drivers(
            driver("generic", 0, Rank.GENERIC),
            driver("mlx", 0x15b3, Rank.EXACT),
            driver("hisi", 0x19e5, Rank.EXACT));
    DriverChoice choice = catalogue.choose(NIC, Optional.empty());
    assertThat(choice)
        .isInstanceOfSatisfying(
            DriverChoice.Chosen.class,
            chosen -> {
              assertThat(chosen.driver().name()).isEqualTo("mlx");
              assertThat(chosen.match().rank()).isEqualTo(Rank.EXACT);
            });
    assertThat(choice.reason()).isEqualTo("mlx knows it");
    assertThat(choice.losers())
        .extracting(loser -> loser.driver().name() + ": " + loser.reason())
        .containsExactly(
            "generic: its match is GENERIC, that of 'mlx' is EXACT",
            "hisi: it is from another vendor");
  }

  @Test
  void twoEquallyGoodDriversAreAConflict() {
    Catalogue catalogue =
        drivers(
            driver("beta", 0x15b3, Rank.FAMILY),
            driver("alpha", 0x15b3, Rank.FAMILY),
            driver("generic", 0, Rank.GENERIC));
    DriverChoice choice = catalogue.choose(NIC, Optional.empty());
    assertThat(choice)
        .isInstanceOfSatisfying(
            DriverChoice.Conflict.class,
            conflict ->
                assertThat(conflict.tied())
                    .extracting(Found::name)
                    .containsExactly("alpha", "beta"));
    assertThat(choice.reason()).contains("alpha, beta").contains("name one of them");
    assertThat(choice.losers()).hasSize(3);
  }

  @Test
  void aNamedDriverWinsOverABetterMatch() {
    Catalogue catalogue =
        drivers(driver("generic", 0, Rank.GENERIC), driver("mlx", 0x15b3, Rank.EXACT));
    DriverChoice choice = catalogue.choose(NIC, Optional.of("generic"));
    assertThat(choice)
        .isInstanceOfSatisfying(
            DriverChoice.Chosen.class,
            chosen -> assertThat(chosen.driver().name()).isEqualTo("generic"));
    assertThat(choice.losers())
        .singleElement()
        .satisfies(
            loser ->
                assertThat(loser.reason()).isEqualTo("the manifest names the driver 'generic'"));
  }

  @Test
  void aNamedDriverMustExistAndServe() {
    Catalogue catalogue =
        drivers(driver("mlx", 0x15b3, Rank.EXACT), driver("hisi", 0x19e5, Rank.EXACT));
    assertThat(catalogue.choose(NIC, Optional.of("mlx9")))
        .isInstanceOfSatisfying(
            DriverChoice.None.class,
            none ->
                assertThat(none.reason())
                    .isEqualTo("there is no driver 'mlx9'; known are: hisi, mlx"));
    assertThat(catalogue.choose(NIC, Optional.of("hisi")))
        .isInstanceOfSatisfying(
            DriverChoice.None.class,
            none ->
                assertThat(none.reason())
                    .contains("does not serve the device: it is from another vendor"));
  }

  @Test
  void noDriverIsNoChoice() {
    assertThat(drivers(driver("hisi", 0x19e5, Rank.EXACT)).choose(NIC, Optional.empty()))
        .isInstanceOf(DriverChoice.None.class)
        .satisfies(choice -> assertThat(choice.losers()).hasSize(1));
    assertThat(drivers().choose(NIC, Optional.empty()).reason())
        .isEqualTo("no driver was found at all");
  }

  @Test
  void anAddressIsOpenedByTheBackendOfItsScheme() throws MigrationException {
    FakeBackend fake = new FakeBackend("fake", Availability.yes());
    FakeBackend absent = new FakeBackend("absent", Availability.no("there is no /dev/vfio"));
    Catalogue catalogue =
        Discovery.embedded(List.of(), List.of(fake, absent), List.of(), List.of());
    try (HostDevice device = catalogue.open(DeviceAddress.parse("fake:15b3.101e"), CONTEXT)) {
      assertThat(device.info().vendorId()).isEqualTo(0x15b3);
    }
    assertRefused(
        () -> catalogue.open(DeviceAddress.parse("vfio:0000:3b:00.2"), CONTEXT),
        DeviceError.BAD_REQUEST,
        "net0: no backend has the scheme 'vfio' of vfio:0000:3b:00.2;"
            + " known are: absent, fake, sim");
    assertRefused(
        () -> catalogue.open(DeviceAddress.parse("absent:1.2"), CONTEXT),
        DeviceError.OPEN_FAILED,
        "'absent' does not work on this host: there is no /dev/vfio");
  }

  private static void assertRefused(ThrowingCallable call, DeviceError code, String text) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            MigrationException.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(code);
              assertThat(failure.detail()).contains(text);
            });
  }

  /** A model with the given names. */
  private record Model(List<String> names) implements DeviceModel {
    @Override
    public String description(String name) {
      return "the model " + name;
    }

    @Override
    public HostDevice create(DeviceAddress address, OpenContext context) {
      return new FakeHostDevice(address, 1, names.indexOf(address.path()));
    }
  }

  private static Catalogue models(Model... models) {
    return Discovery.embedded(List.of(), List.of(), List.of(models), List.of());
  }

  @Test
  void everyVendorsModelsAreOpenedBySim() throws MigrationException {
    Catalogue catalogue =
        models(new Model(List.of("mlx5-vf", "mlx5-pf")), new Model(List.of("hisi-sec")));
    assertThat(catalogue.backend("sim").orElseThrow().list())
        .extracting(info -> info.address() + ", " + info.properties().get("description"))
        .containsExactly(
            "sim:hisi-sec, the model hisi-sec",
            "sim:mlx5-pf, the model mlx5-pf",
            "sim:mlx5-vf, the model mlx5-vf");
    DeviceAddress address = DeviceAddress.parse("sim:mlx5-pf?state=64MiB");
    try (HostDevice device = catalogue.open(address, CONTEXT)) {
      assertThat(device.info().address()).isEqualTo(address);
      assertThat(device.info().deviceId()).isEqualTo(1);
    }
    assertRefused(
        () -> catalogue.open(DeviceAddress.parse("sim:mlx6"), CONTEXT),
        DeviceError.BAD_REQUEST,
        "no device model 'mlx6'; known are: hisi-sec, mlx5-pf, mlx5-vf");
  }

  @Test
  void withoutModelsSimIsNotAvailable() {
    assertThat(models().backend("sim").orElseThrow().availability().available()).isFalse();
    assertRefused(
        () -> models().open(DeviceAddress.parse("sim:mlx5"), CONTEXT),
        DeviceError.OPEN_FAILED,
        "no device model was found");
  }

  @Test
  void oneSharedNameRejectsBothModels() {
    assertThatThrownBy(
            () -> models(new Model(List.of("nic", "disk")), new Model(List.of("disk", "gpu"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model name 'disk'");
  }

  @Test
  void anUnknownAdaptorIsRefused() {
    VmSpec spec = new VmSpec("vm", 0, false, Map.of(), new NoClock());
    assertRefused(
        () -> drivers().openMachine("qemu", spec),
        DeviceError.BAD_REQUEST,
        "there is no VM adaptor 'qemu'; known are: none");
  }
}
