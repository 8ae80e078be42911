package io.vferry.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.DeviceModel;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the models say in their PCI config space is what they have: a virtual machine monitor that
 * uses a served model believes it, and QEMU ends when it is wrong. PCI Local Bus Specification 3.0,
 * chapter 6.
 */
class PciConfigSpaceTest {

  private static final int STATUS = 0x06;
  private static final int BARS = 0x10;
  private static final int LAST_BAR = 5;
  private static final int FIRST_CAPABILITY = 0x34;
  private static final int MSI = 0x05;
  private static final int EXPRESS = 0x10;
  private static final int MSIX = 0x11;
  private static final int DEVICE_CAPABILITIES = 4;
  private static final int FLR_CAPABLE = 1 << 28;
  private static final int DEVICE_CONTROL = 8;
  private static final int CONVENTIONAL_BYTES = 0x100;
  private static final int TABLE_ENTRY_BYTES = 16;

  /** A model's name, with the parameters that matter here. */
  record Subject(DeviceModel model, String address) {
    @Override
    public String toString() {
      return address;
    }
  }

  static Stream<Subject> subjects() {
    Stream<Subject> plain =
        Stream.of(new SimDeviceModel(), new Mlx5DeviceModel(), new HisiAccDeviceModel())
            .flatMap(
                model -> model.names().stream().map(name -> new Subject(model, "sim:" + name)));
    Stream<Subject> special =
        Stream.of(
            new Subject(new SimDeviceModel(), "sim:mlx5?host-migration=on"),
            new Subject(new SimDeviceModel(), "sim:mlx5?local-memory=64KiB"),
            new Subject(new HisiAccDeviceModel(), "sim:hisi-zip-vf?queues=5"),
            new Subject(new HisiAccDeviceModel(), "sim:hisi-sec-vf?qm=4&windows=true"));
    return Stream.concat(plain, special);
  }

  private static HostDevice open(Subject subject) throws MigrationException {
    return subject
        .model()
        .create(DeviceAddress.parse(subject.address()), new OpenContext("dev", new SimClock(1)));
  }

  @ParameterizedTest
  @MethodSource("subjects")
  void eachBarIsThereWithItsSize(Subject subject) throws Exception {
    HostDevice device = open(subject);
    Map<Integer, Long> sizes = new HashMap<>();
    for (RegionInfo info : device.regions()) {
      sizes.put(info.index(), info.sizeBytes());
    }
    Region config = device.region(RegionInfo.PCI_CONFIG);
    for (int bar = 0; bar <= LAST_BAR; bar++) {
      int at = BARS + bar * Integer.BYTES;
      boolean wide = (get(config, at, Integer.BYTES) & 6) == 4;
      put(config, at, wide ? Long.BYTES : Integer.BYTES, -1);
      long read = get(config, at, wide ? Long.BYTES : Integer.BYTES);
      long size = wide ? -(read & ~0xfL) : -(long) (int) (read & ~0xfL);
      assertThat(size).as("BAR %d", bar).isEqualTo(sizes.getOrDefault(bar, 0L));
      assertThat(Long.bitCount(size)).as("a power of two").isLessThanOrEqualTo(1);
      put(config, at, wide ? Long.BYTES : Integer.BYTES, 0);
      if (wide) {
        bar++;
        assertThat(sizes).as("the upper half of a BAR is none").doesNotContainKey(bar);
      }
    }
    device.close();
  }

  @ParameterizedTest
  @MethodSource("subjects")
  void capabilitiesAreThoseOfTheDevice(Subject subject) throws Exception {
    HostDevice device = open(subject);
    Region config = device.region(RegionInfo.PCI_CONFIG);
    Map<Integer, Integer> vectors = new HashMap<>();
    boolean express = false;
    assertThat(get(config, STATUS, Short.BYTES) & 0x10).as("there are capabilities").isNotZero();
    int at = (int) get(config, FIRST_CAPABILITY, 1);
    for (int walked = 0; at != 0; walked++) {
      assertThat(walked).as("the list ends").isLessThan(48);
      switch ((int) get(config, at, 1)) {
        case MSI -> vectors.put(Interrupts.MSI, 1 << ((get(config, at + 2, Short.BYTES) >> 1) & 7));
        case MSIX -> {
          int count = (int) (get(config, at + 2, Short.BYTES) & 0x7ff) + 1;
          vectors.put(Interrupts.MSIX, count);
          checkTables(device, get(config, at + 4, 4), get(config, at + 8, 4), count);
        }
        case EXPRESS -> express = true;
        default -> {}
      }
      at = (int) get(config, at + 1, 1);
    }
    // Otherwise the kernel does not look behind the first 256 bytes.
    assertThat(express || config.info().sizeBytes() == CONVENTIONAL_BYTES).isTrue();
    for (Interrupts.Info info : device.interrupts().info()) {
      if (info.index() == Interrupts.MSI || info.index() == Interrupts.MSIX) {
        assertThat(vectors.getOrDefault(info.index(), 0))
            .as("vectors of interrupt index %d", info.index())
            .isEqualTo(info.count());
      }
    }
    device.close();
  }

  /**
   * The kernel resets a function of a guest in this way only: PCI Express Base Specification 5.0,
   * 6.6.2 and 7.5.3; Linux 6.12, {@code drivers/pci/pci.c}, {@code pcie_flr}.
   */
  @ParameterizedTest
  @MethodSource("subjects")
  void aFunctionLevelResetBringsAllRegistersBack(Subject subject) throws Exception {
    HostDevice device = open(subject);
    Region config = device.region(RegionInfo.PCI_CONFIG);
    ResetCount count = device.capability(ResetCount.class).orElseThrow();
    byte[] fresh = all(config);
    int express = capability(config, EXPRESS);
    assertThat(get(config, express + DEVICE_CAPABILITIES, Integer.BYTES) & FLR_CAPABLE).isNotZero();

    // With two bytes, as Linux does, with the upper one alone, and along with the status.
    for (int[] access : new int[][] {{0, 2, 0x8810}, {1, 1, 0x80}, {0, 4, 0x8810}}) {
      for (int at = 0; at < CONVENTIONAL_BYTES; at += Integer.BYTES) {
        put(config, at, Integer.BYTES, at == express + DEVICE_CONTROL ? 0x000f_0810 : -1);
      }
      assertThat(all(config)).as("something was changed").isNotEqualTo(fresh);
      long before = count.resets();
      put(config, express + DEVICE_CONTROL + access[0], access[1], access[2]);
      assertThat(all(config)).as("as after power on").isEqualTo(fresh);
      assertThat(count.resets()).as("a driver learns of it").isEqualTo(before + 1);
    }
    assertThat(get(config, express + DEVICE_CONTROL, Short.BYTES) & 0x8000).isZero();

    long before = count.resets();
    put(config, express + DEVICE_CONTROL, Short.BYTES, 0x7fff);
    assertThat(get(config, express + DEVICE_CONTROL, Short.BYTES)).isEqualTo(0x7fff);
    assertThat(count.resets()).as("only one bit resets").isEqualTo(before);
    device.close();
  }

  private static byte[] all(Region config) throws MigrationException {
    ByteBuffer bytes = ByteBuffer.allocate(CONVENTIONAL_BYTES);
    config.read(0, bytes);
    return bytes.array();
  }

  private static int capability(Region config, int id) throws MigrationException {
    int at = (int) get(config, FIRST_CAPABILITY, 1);
    while (at != 0 && get(config, at, 1) != id) {
      at = (int) get(config, at + 1, 1);
    }
    assertThat(at).as("capability %d", id).isNotZero();
    return at;
  }

  private static void checkTables(HostDevice device, long table, long pending, int vectors)
      throws MigrationException {
    MemoryRange entries = new MemoryRange(table & ~7, (long) vectors * TABLE_ENTRY_BYTES);
    MemoryRange bits = new MemoryRange(pending & ~7, (vectors + 63) / 64 * (long) Long.BYTES);
    for (var part : List.of(Map.entry(table & 7, entries), Map.entry(pending & 7, bits))) {
      long size = device.region(part.getKey().intValue()).info().sizeBytes();
      assertThat(part.getValue().last()).isLessThan(size);
    }
    assertThat((table & 7) == (pending & 7) && entries.overlaps(bits)).isFalse();
  }

  private static long get(Region config, int offset, int bytes) throws MigrationException {
    ByteBuffer into = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    config.read(offset, into.limit(bytes));
    return into.limit(Long.BYTES).getLong(0);
  }

  private static void put(Region config, int offset, int bytes, long value)
      throws MigrationException {
    ByteBuffer from = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    config.write(offset, from.putLong(0, value).limit(bytes));
  }
}
