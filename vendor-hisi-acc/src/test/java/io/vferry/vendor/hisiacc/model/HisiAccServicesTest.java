package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.driver.DriverMatch.Rank;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which devices are served, and which are refused with what remedy. */
final class HisiAccServicesTest {

  private final MigrationDriver driver = new HisiAccMigrationDriver();
  private final HisiAccDeviceModel model = new HisiAccDeviceModel();
  private final HisiAccTestClock clock = new HisiAccTestClock();

  private HostDevice open(String address) throws MigrationException {
    return open(address, "acc0", new SharedParts());
  }

  private HostDevice open(String address, String id, SharedParts shared) throws MigrationException {
    return model.create(DeviceAddress.parse(address), new OpenContext(id, clock, shared));
  }

  @ParameterizedTest
  @CsvSource({
    "0x19e5,0xa251,false,EXACT",
    "0x19e5,0xa256,false,EXACT",
    "0x19e5,0xa259,false,EXACT",
    "0x19e5,0xa250,false,NONE",
    "0x15b3,0xa251,false,NONE",
    "0x19e5,0xa251,true,NONE"
  })
  void virtualFunctionsAreServedUnlessTheHostDoes(
      String vendor, String device, boolean hostMigration, Rank rank) {
    HostDeviceInfo info =
        new HostDeviceInfo(
            DeviceAddress.parse("vfio:0000:75:00.1"),
            "pci",
            Integer.decode(vendor),
            Integer.decode(device),
            0,
            0,
            hostMigration,
            Map.of());
    assertThat(driver.match(info).rank()).isEqualTo(rank);
  }

  @Test
  void eachVirtualFunctionIsServedByItsDriver() throws MigrationException {
    for (String name : model.names()) {
      HostDevice device = open("sim:" + name);
      boolean virtual = name.endsWith("-vf");
      assertThat(driver.match(device.info()).rank()).isEqualTo(virtual ? Rank.EXACT : Rank.NONE);
      if (virtual) {
        driver.attach(device).close();
      }
      assertThat(model.description(name)).startsWith(virtual ? "virtual" : "physical");
      device.close();
    }
    assertThat(model.names())
        .containsExactly(
            "hisi-zip-vf",
            "hisi-sec-vf",
            "hisi-hpre-vf",
            "hisi-zip-pf",
            "hisi-sec-pf",
            "hisi-hpre-pf");
  }

  @Test
  void aPhysicalFunctionIsOpenedByItselfAndTakenForTheOneOfItsChip() throws MigrationException {
    SharedParts shared = new SharedParts();
    HostDevice pf = open("sim:hisi-zip-pf?chip=a&vfs=2", "pf", shared);
    HostDevice vf = open("sim:hisi-zip-vf?chip=a&vfs=2&vf=1", "vf", shared);
    HisiAccAlteredDevice apart = new HisiAccAlteredDevice(vf).withPf(pf);
    MigratableDevice device = driver.attach(apart);
    device.perform(Arc.RUNNING_TO_STOP);
    pf.reset();
    assertThat(device.state()).as("they are on one chip").isEqualTo(DeviceState.RUNNING);
    device.close();
    pf.close();
    vf.close();
    HisiAccModelDevice again =
        (HisiAccModelDevice) open("sim:hisi-zip-pf?chip=a&vfs=2", "pf", shared);
    assertThat(again.chip())
        .as("nobody had it any more")
        .isNotSameAs(((HisiAccModelDevice) vf).chip());
    again.close();
  }

  @Test
  void hardwareThatIsTooOldIsRefused() throws MigrationException {
    assertThatThrownBy(() -> driver.attach(open("sim:hisi-zip-vf?qm=2")))
        .hasMessageContaining("version 0x21; the first that can be migrated is 0x30")
        .hasMessageContaining("VF-1014");
  }

  @Test
  void anotherChipsPhysicalFunctionIsRefused() throws MigrationException {
    HostDevice zip = open("sim:hisi-zip-vf");
    HostDevice sec = open("sim:hisi-sec-vf");
    assertThatThrownBy(
            () ->
                driver.attach(
                    new HisiAccAlteredDevice(zip).withPf(sec.companion("pf").orElseThrow())))
        .hasMessageContaining("companion pf 19e5:a255; its physical function is 19e5:a250");
  }

  @Test
  void aBarOfWhichTheKernelHidesAHalfIsRefused() throws MigrationException {
    HisiAccAlteredDevice half =
        new HisiAccAlteredDevice(open("sim:hisi-zip-vf"))
            .withRegion(2, region -> new Shown(region, 0x8000, false));
    assertThatThrownBy(() -> driver.attach(half)).hasMessageContaining("bind it to vfio-pci");
  }

  @Test
  void registersThatReadAllOnesAreNoticedBeforeTheyAreUsed() throws MigrationException {
    HisiAccAlteredDevice gone =
        new HisiAccAlteredDevice(open("sim:hisi-zip-vf"))
            .withRegion(2, region -> new Shown(region, 0x10000, true));
    assertThatThrownBy(() -> driver.attach(gone))
        .hasMessageContaining("reads all ones")
        .hasMessageContaining("VF-1011");
  }

  @ParameterizedTest
  @ValueSource(strings = {"63", "-1", "x", "99999", ""})
  void anIndexThatCannotBeIsRefused(String index) throws MigrationException {
    HisiAccAlteredDevice device =
        new HisiAccAlteredDevice(open("sim:hisi-zip-vf"))
            .at("sim:x", 0xa251, Map.of("vf-index", index));
    assertThatThrownBy(() -> driver.attach(device)).hasMessageContaining("VF-1014");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sim:hisi-zip-vf?queues=0",
        "sim:hisi-zip-vf?queues=65",
        "sim:hisi-zip-vf?nothing=1",
        "sim:hisi-zip-vf?tick=5",
        "sim:hisi-zip-vf?windows=maybe",
        "sim:hisi-zip-vf?vfs=2&vf=2",
        "sim:hisi-zip-pf?vfs=2&vf=1",
        "sim:hisi-pf"
      })
  void badParametersAreRefused(String address) {
    assertThatThrownBy(() -> open(address)).hasMessageContaining("VF-1015");
  }

  @Test
  void devicesWithTheNameOfAChipShareIt() throws MigrationException {
    SharedParts shared = new SharedParts();
    HisiAccModelDevice first =
        (HisiAccModelDevice) open("sim:hisi-zip-vf?chip=a&vfs=3&vf=0", "acc0", shared);
    HisiAccModelDevice second =
        (HisiAccModelDevice) open("sim:hisi-zip-vf?chip=a&vfs=3&vf=2", "acc1", shared);
    HisiAccModelDevice other = (HisiAccModelDevice) open("sim:hisi-zip-vf?vfs=3", "acc2", shared);
    assertThat(second.chip()).isSameAs(first.chip()).isNotSameAs(other.chip());
    assertThatThrownBy(() -> open("sim:hisi-zip-vf?chip=a&vfs=4", "acc3", shared))
        .hasMessageContaining("describes chip 'a' other than another device did");
    first.close();
    second.close();
    HisiAccModelDevice again =
        (HisiAccModelDevice) open("sim:hisi-zip-vf?chip=a&vfs=3&vf=0", "acc0", shared);
    assertThat(again.chip()).isNotSameAs(first.chip());
  }

  /** A region of which less is seen, or nothing. */
  private record Shown(Region region, long bytes, boolean ones) implements Region {

    @Override
    public RegionInfo info() {
      return new RegionInfo(region.info().index(), bytes, true, true, false);
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      if (!ones) {
        region.read(offset, into);
        return;
      }
      while (into.hasRemaining()) {
        into.put((byte) -1);
      }
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      region.write(offset, from);
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }
}
