package io.vferry.host.linux;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.RegionWrite;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A PCI config space that tells of the function level resets which are initiated by writing it: a
 * guest can reset its device so, and the driver has to learn of that.
 *
 * <p>They are those of which Linux 6.12 knows, {@code drivers/vfio/pci/vfio_pci_config.c}: by the
 * PCI Express capability, and by that of the Advanced Features of conventional PCI. The kernel does
 * not say whether its attempt succeeded; all count, since a driver that takes a reset device for a
 * saved one would do more harm than the reverse.
 *
 * <p>Any thread.
 */
public final class FunctionLevelResets implements Region {

  private static final int STATUS = 0x06;
  private static final int STATUS_CAPABILITIES = 0x10;
  private static final int FIRST_CAPABILITY = 0x34;

  /** As many as there is room for behind the header. */
  private static final int MOST_CAPABILITIES = 48;

  private static final int EXPRESS = 0x10;
  private static final int EXPRESS_DEVICE_CAPABILITIES = 4;
  private static final int EXPRESS_FLR_CAPABLE = 1 << 28;
  private static final int EXPRESS_CONTROL_HIGH = 9;
  private static final int EXPRESS_INITIATE_FLR = 0x80;

  private static final int ADVANCED_FEATURES = 0x13;
  private static final int ADVANCED_FLR_CAPABLE = 1 << 25;
  private static final int ADVANCED_CONTROL = 4;
  private static final int ADVANCED_INITIATE_FLR = 1;

  /** A byte of the config space, and the bit in it that initiates a reset. */
  private record Trigger(int offset, int bit) {

    static final Trigger NONE = new Trigger(-1, 0);

    boolean pulledBy(long writtenAt, ByteBuffer written) {
      long at = offset - writtenAt;
      return offset >= 0
          && at >= 0
          && at < written.remaining()
          && (written.get(written.position() + (int) at) & bit) != 0;
    }
  }

  private final Region config;
  private final Runnable reset;
  private volatile @Nullable Trigger trigger;

  /**
   * Watches a config space.
   *
   * @param reset is called after each reset, on the thread that wrote
   */
  FunctionLevelResets(Region config, Runnable reset) {
    this.config = config;
    this.reset = reset;
  }

  /**
   * Returns the regions of a device, by index, with its config space watched if it has one.
   *
   * @param reset is called after each reset, on the thread that wrote
   */
  public static Map<Integer, Region> watch(Map<Integer, ? extends Region> regions, Runnable reset) {
    Map<Integer, Region> watched = new TreeMap<>(regions);
    watched.computeIfPresent(
        RegionInfo.PCI_CONFIG, (index, config) -> new FunctionLevelResets(config, reset));
    return watched;
  }

  @Override
  public RegionInfo info() {
    return config.info();
  }

  @Override
  public void read(long offset, ByteBuffer into) throws MigrationException {
    config.read(offset, into);
  }

  @Override
  public void write(long offset, ByteBuffer from) throws MigrationException {
    ByteBuffer written = from.duplicate();
    boolean resets = trigger().pulledBy(offset, written);
    config.write(offset, from);
    if (resets) {
      reset.run();
    }
  }

  @Override
  public int writesAtOnce() {
    return config.writesAtOnce();
  }

  @Override
  public void writeAll(List<RegionWrite> writes) throws MigrationException {
    boolean resets = false;
    for (RegionWrite write : writes) {
      resets |= trigger().pulledBy(write.offset(), write.bytes());
    }
    config.writeAll(writes);
    if (resets) {
      reset.run();
    }
  }

  /** Looks once for what initiates a reset; a device that does not answer is asked again. */
  private Trigger trigger() {
    Trigger known = trigger;
    if (known == null) {
      try {
        known = find();
        trigger = known;
      } catch (MigrationException e) {
        // Then the write will say so as well.
        return Trigger.NONE;
      }
    }
    return known;
  }

  private Trigger find() throws MigrationException {
    if ((get(STATUS) & STATUS_CAPABILITIES) == 0) {
      return Trigger.NONE;
    }
    int at = capability(get(FIRST_CAPABILITY));
    for (int count = 0; at != 0 && count < MOST_CAPABILITIES; count++) {
      int id = get(at) & 0xff;
      if (id == EXPRESS && (get(at + EXPRESS_DEVICE_CAPABILITIES) & EXPRESS_FLR_CAPABLE) != 0) {
        return new Trigger(at + EXPRESS_CONTROL_HIGH, EXPRESS_INITIATE_FLR);
      }
      if (id == ADVANCED_FEATURES && (get(at) & ADVANCED_FLR_CAPABLE) != 0) {
        return new Trigger(at + ADVANCED_CONTROL, ADVANCED_INITIATE_FLR);
      }
      at = capability(get(at) >>> Byte.SIZE);
    }
    return Trigger.NONE;
  }

  /** Capabilities begin at multiples of 4; what is before the first of them is the header's. */
  private static int capability(int pointer) {
    return pointer & 0xfc;
  }

  /** Reads what stands in the 32 bits at an offset, or less of it at a place that is uneven. */
  private int get(int offset) throws MigrationException {
    int length = offset % Integer.BYTES == 0 ? Integer.BYTES : Short.BYTES;
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    config.read(offset, bytes.limit(length));
    return bytes.limit(Integer.BYTES).getInt(0);
  }

  @Override
  public List<MemoryRange> mappableParts() {
    return config.mappableParts();
  }

  @Override
  public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
    return config.map(offset, lengthBytes);
  }
}
