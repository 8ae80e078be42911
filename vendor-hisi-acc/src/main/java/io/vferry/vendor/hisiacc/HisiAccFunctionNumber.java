package io.vferry.vendor.hisiacc;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out which of the functions of its chip a virtual function is. The number is its place among
 * the virtual functions plus 1. It is not the function in its PCI address: there are more than
 * seven.
 *
 * <p>The host may say it (property {@code vf-index}, from 0). Otherwise it follows from both
 * addresses with offset and stride of the SR-IOV capability (PCI Express 5.0, 9.3.3).
 */
final class HisiAccFunctionNumber {

  /** Name of the property. */
  static final String VF_INDEX = "vf-index";

  private static final Pattern ADDRESS =
      Pattern.compile(".*?([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\\.([0-7])");
  private static final int FIRST_EXTENDED = 0x100;
  private static final int CONFIG_BYTES = 0x1000;
  private static final int SRIOV = 0x10;
  private static final int SRIOV_OFFSET = 0x14;
  private static final int SRIOV_STRIDE = 0x16;

  private HisiAccFunctionNumber() {}

  /** Returns the number, from 1. */
  static int of(HostDevice vf, HostDevice pf) throws MigrationException {
    String told = vf.info().properties().get(VF_INDEX);
    int index;
    if (told != null) {
      if (!told.matches("[0-9]{1,4}")) {
        throw unknown(vf, "the host says " + VF_INDEX + " is '" + told + "'");
      }
      index = Integer.parseInt(told);
    } else {
      index = computed(vf, pf);
    }
    if (index >= HisiAccNumbers.MAX_VFS) {
      throw unknown(
          vf, "it would be virtual function %d of %d".formatted(index, HisiAccNumbers.MAX_VFS));
    }
    return index + 1;
  }

  private static int computed(HostDevice vf, HostDevice pf) throws MigrationException {
    OptionalInt vfId = routingId(vf);
    OptionalInt pfId = routingId(pf);
    if (vfId.isEmpty() || pfId.isEmpty()) {
      throw unknown(vf, "the host neither says " + VF_INDEX + " nor both PCI addresses");
    }
    Region config = pf.region(RegionInfo.PCI_CONFIG);
    int capability = sriov(config);
    if (capability == 0) {
      throw unknown(vf, "the config space of " + pf.info().address() + " shows no SR-IOV");
    }
    int offset = word(config, capability + SRIOV_OFFSET) & 0xffff;
    int stride = word(config, capability + SRIOV_STRIDE) & 0xffff;
    int distance = vfId.getAsInt() - pfId.getAsInt() - offset;
    if (offset == 0 || stride == 0 || distance < 0 || distance % stride != 0) {
      throw unknown(vf, "it is no virtual function of " + pf.info().address());
    }
    return distance / stride;
  }

  private static OptionalInt routingId(HostDevice device) {
    Matcher matcher = ADDRESS.matcher(device.info().address().path());
    if (!matcher.matches()) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(
        Integer.parseInt(matcher.group(2), 16) << 8
            | Integer.parseInt(matcher.group(3), 16) << 3
            | Integer.parseInt(matcher.group(4), 16));
  }

  private static int sriov(Region config) throws MigrationException {
    if (config.info().sizeBytes() < CONFIG_BYTES) {
      return 0;
    }
    int at = FIRST_EXTENDED;
    // A list that runs in a circle ends as well.
    for (int hops = 0; hops < (CONFIG_BYTES - FIRST_EXTENDED) / 8; hops++) {
      int header = (word(config, at) & 0xffff) | (word(config, at + 2) << 16);
      if ((header & 0xffff) == SRIOV) {
        return at;
      }
      at = header >>> 20 & 0xffc;
      if (at < FIRST_EXTENDED) {
        return 0;
      }
    }
    return 0;
  }

  private static int word(Region config, int offset) throws MigrationException {
    ByteBuffer word = ByteBuffer.allocate(Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    config.read(offset, word);
    return word.flip().getShort();
  }

  private static MigrationException unknown(HostDevice vf, String why) {
    return new MigrationException(
        DeviceError.NOT_MIGRATABLE,
        "it is not known which virtual function of its chip %s is: %s"
            .formatted(vf.info().address(), why));
  }
}
