package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccPfRegister;
import io.vferry.vendor.hisiacc.registers.HisiAccVfRegister;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares two devices before anything moves. Asks the physical function, and registers of the
 * virtual one that nothing changes; never its mailbox, which the guest may be using.
 *
 * <p>What the first 40 bytes of a stream compare is compared here as well, and more: a function
 * must find queues as deep as it had, and all that its guest found the hardware able to do.
 */
final class HisiAccCompatibility implements Compatibility {

  static final String FORMAT = "stream-format";
  static final String DEVICE_ID = "device-id";
  static final String QUEUE_COUNT = "queue-count";
  static final String QUEUE_ISOLATION = "doorbell-isolation";
  static final String VERSION = "qm-version";
  static final String EVENT_DEPTHS = "event-queue-depths";
  static final String QUEUE_DEPTHS = "queue-depths";
  static final String ABILITIES = "function-capabilities";

  private static final String UNKNOWN = "unknown";

  private final HisiAccFunction function;

  HisiAccCompatibility(HisiAccFunction function) {
    this.function = function;
  }

  @Override
  public Map<String, String> describe() throws MigrationException {
    HisiAccMatch match = function.match(0);
    Map<String, String> description = new LinkedHashMap<>();
    description.put(FORMAT, HisiAccStreamFormat.MAJOR + "." + HisiAccStreamFormat.MINOR);
    description.put(DEVICE_ID, device(match.deviceId()));
    description.put(QUEUE_COUNT, Integer.toString(match.queueCount()));
    description.put(QUEUE_ISOLATION, onOff(match.isolation()));
    description.put(VERSION, hex(function.pf().version()));
    description.put(EVENT_DEPTHS, hex(function.vf().read(HisiAccVfRegister.EQ_DEPTHS)));
    description.put(QUEUE_DEPTHS, hex(function.vf().read(HisiAccVfRegister.QUEUE_DEPTHS)));
    description.put(ABILITIES, hex(function.vf().read(HisiAccVfRegister.FUNC_CAPS)));
    return description;
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    Map<String, String> here = describe();
    List<Difference> differences = new ArrayList<>();
    here.forEach(
        (key, ours) -> {
          String theirs = source.getOrDefault(key, UNKNOWN);
          if (!fits(key, theirs, ours)) {
            differences.add(new Difference(key, theirs, ours));
          }
        });
    return differences;
  }

  private static boolean fits(String key, String theirs, String ours) {
    return switch (key) {
      // A minor version is for people.
      case FORMAT -> theirs.startsWith(HisiAccStreamFormat.MAJOR + ".");
      // Newer hardware does what older did.
      case VERSION -> theirs.matches("0x[0-9a-f]{1,8}") && number(theirs) <= number(ours);
      case ABILITIES ->
          theirs.matches("0x[0-9a-f]{1,8}")
              && (abilities(theirs) & ~abilities(ours)) == 0
              && (number(theirs) & 0xff) <= (number(ours) & 0xff);
      default -> theirs.equals(ours);
    };
  }

  private static long number(String hex) {
    return Long.parseLong(hex.substring(2), 16);
  }

  /** Returns the bits; the low byte is a version. */
  private static long abilities(String hex) {
    return number(hex) & ~0xffL;
  }

  private static String hex(int number) {
    return "0x" + Integer.toHexString(number);
  }

  static String onOff(int isolation) {
    return switch (isolation) {
      case 0 -> "off";
      case 1 -> "on";
      default -> hex(isolation);
    };
  }

  static String device(int id) {
    return HisiAccKind.ofVfDeviceId(id)
        .map(kind -> "0x%x (%s)".formatted(id, kind.title()))
        .orElse("0x%x".formatted(id));
  }

  /** Returns the isolation of doorbells, as the physical function says on both sides. */
  static int isolation(HisiAccPf pf) throws MigrationException {
    int isolation = pf.read(HisiAccPfRegister.QUE_ISO_CFG);
    if (isolation == -1) {
      throw new MigrationException(
          DeviceError.DEVICE_LOST, "the registers of the physical function read all ones");
    }
    return isolation;
  }
}
