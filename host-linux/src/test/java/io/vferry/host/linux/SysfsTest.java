package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.OpenContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A tree of files stands for the kernel's. */
class SysfsTest {

  private static final String UUID = "6d747479-0000-4000-8000-000000000001";

  @TempDir private Path root;
  private Sysfs sysfs;

  @BeforeEach
  void makeTree() throws IOException {
    Path sys = Files.createDirectory(root.resolve("sys"));
    Path dev = Files.createDirectory(root.resolve("dev"));
    sysfs = new Sysfs(sys, dev);
    for (String folder :
        List.of(
            "bus/pci/drivers/vfio-pci",
            "bus/pci/drivers/mlx5_vfio_pci",
            "bus/pci/drivers/mlx5_core",
            "bus/mdev/drivers/mtty",
            "kernel/iommu_groups/12",
            "kernel/iommu_groups/13",
            "class/vfio-dev",
            "devices/mtty/mdev_supported_types/mtty-2")) {
      Files.createDirectories(sys.resolve(folder));
    }
    Path migrating = device("bus/pci/devices/0000:3b:00.2", "bus/pci/drivers/mlx5_vfio_pci", "12");
    Files.writeString(migrating.resolve("vendor"), "0x15b3\n");
    Files.writeString(migrating.resolve("device"), "0x101e\n");
    Files.createDirectories(migrating.resolve("vfio-dev/vfio3"));
    Files.createDirectories(sys.resolve("class/vfio-dev/vfio3"));
    Files.createSymbolicLink(sys.resolve("class/vfio-dev/vfio3/device"), migrating);
    device("bus/pci/devices/0000:3b:00.3", "bus/pci/drivers/vfio-pci", "13");
    device("bus/pci/devices/0000:3b:00.4", "bus/pci/drivers/mlx5_core", "13");
    Files.createDirectories(sys.resolve("bus/pci/devices/0000:3b:00.5"));
    Path mdev = device("bus/mdev/devices/" + UUID, "bus/mdev/drivers/mtty", "12");
    Files.createSymbolicLink(
        mdev.resolve("mdev_type"), sys.resolve("devices/mtty/mdev_supported_types/mtty-2"));
  }

  private Path device(String folder, String driver, String group) throws IOException {
    Path device = Files.createDirectories(sysfs.sys().resolve(folder));
    Files.createSymbolicLink(device.resolve("driver"), sysfs.sys().resolve(driver));
    Files.createSymbolicLink(
        device.resolve("iommu_group"), sysfs.sys().resolve("kernel/iommu_groups").resolve(group));
    return device;
  }

  @Test
  void listsWhatIsBoundToVfioDrivers() {
    List<HostDeviceInfo> infos = new VfioBackend(sysfs).list();
    assertThat(infos)
        .extracting(info -> info.address().toString())
        .containsExactly("vfio:0000:3b:00.2", "vfio:0000:3b:00.3", "vfio:" + UUID);
    assertThat(infos).extracting(HostDeviceInfo::hostMigration).containsExactly(true, false, true);
    assertThat(infos.get(0).vendorId()).isEqualTo(0x15b3);
    assertThat(infos.get(0).deviceId()).isEqualTo(0x101e);
    assertThat(infos.get(0).properties())
        .containsEntry("kernel-driver", "mlx5_vfio_pci")
        .containsEntry("iommu-group", "12");
    assertThat(infos.get(2).bus()).isEqualTo("mdev");
    assertThat(infos.get(2).properties()).containsEntry("mdev-type", "mtty-2");
  }

  @Test
  void believesDebugfsAboutMigration() throws IOException {
    assertThat(sysfs.find("0000:3b:00.2").orElseThrow().migrationInDebugfs()).isFalse();
    Files.createDirectories(sysfs.sys().resolve("kernel/debug/vfio/vfio3/migration"));
    assertThat(sysfs.find("0000:3b:00.2").orElseThrow().migrationInDebugfs()).isTrue();
  }

  @Test
  void findsADeviceByItsNode() throws IOException {
    String node = sysfs.dev().resolve("vfio/devices/vfio3").toString();
    SysfsDevice device = sysfs.find(node).orElseThrow();
    assertThat(device.name()).isEqualTo("0000:3b:00.2");
    assertThat(device.group()).isEqualTo(OptionalInt.of(12));
    assertThat(device.node()).isEmpty();
    Files.createDirectories(Path.of(node));
    assertThat(sysfs.find(node).orElseThrow().node()).contains(Path.of(node));
    assertThat(sysfs.find(sysfs.dev().resolve("vfio/devices/vfio4").toString())).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          0000:3b:00.4, OPEN_FAILED, bound to mlx5_core
          0000:3b:00.4, OPEN_FAILED, mlx5_vfio_pci
          0000:3b:00.5, OPEN_FAILED, bound to no kernel driver
          0000:3b:00.6, OPEN_FAILED, there is no 0000:3b:00.6
          ../../../etc, BAD_REQUEST, no VFIO device
          0000:3b:00.2?path=grup, BAD_REQUEST, 'one of auto, group, cdev'
          0000:3b:00.2?pth=group, BAD_REQUEST, 'it has leftover, path, pf'
          0000:3b:00.2?leftover=no, BAD_REQUEST, 'one of reset, keep'
          """)
  void saysWhyADeviceCannotBeOpened(String path, DeviceError code, String part) throws IOException {
    Files.createDirectories(sysfs.dev().resolve("vfio"));
    MigrationException e = failure(path);
    assertThat(e.code()).isEqualTo(code);
    assertThat(e.getMessage()).contains(part);
  }

  @Test
  void saysWhichVirtualFunctionADeviceIs() throws IOException {
    Path devices = sysfs.sys().resolve("bus/pci/devices");
    Path physical = devices.resolve("0000:3b:00.5");
    Files.createSymbolicLink(devices.resolve("0000:3b:00.2/physfn"), physical);
    Files.createSymbolicLink(devices.resolve("0000:3b:00.3/physfn"), physical);
    Files.createSymbolicLink(physical.resolve("virtfn0"), devices.resolve("0000:3b:00.3"));
    Files.createSymbolicLink(physical.resolve("virtfn11"), devices.resolve("0000:3b:00.2"));
    Files.createSymbolicLink(physical.resolve("virtfnX"), devices.resolve("0000:3b:00.2"));

    List<HostDeviceInfo> infos = new VfioBackend(sysfs).list();

    assertThat(infos.get(0).properties()).containsEntry("vf-index", "11");
    assertThat(infos.get(1).properties()).containsEntry("vf-index", "0");
    assertThat(infos.get(2).properties()).doesNotContainKey("vf-index");
  }

  @Test
  void saysSoWhereThereIsNoVfio() {
    VfioBackend backend = new VfioBackend(sysfs);
    assertThat(backend.availability().available()).isFalse();
    assertThat(backend.availability().reason()).contains("load the kernel module vfio");
    assertThat(failure("0000:3b:00.2").code()).isEqualTo(DeviceError.OPEN_FAILED);
  }

  private MigrationException failure(String path) {
    MigrationException e =
        catchThrowableOfType(
            MigrationException.class,
            () ->
                new VfioBackend(sysfs)
                    .open(
                        DeviceAddress.parse("vfio:" + path),
                        new OpenContext("nic", new NoClock())));
    assertThat(e).isNotNull();
    return e;
  }

  private static final class NoClock implements HostClock {
    @Override
    public long nanoTime() {
      throw new AssertionError();
    }

    @Override
    public void sleep(long nanos) {
      throw new AssertionError();
    }

    @Override
    public Scheduled schedule(long delayNanos, Runnable task) {
      throw new AssertionError();
    }
  }
}
