package io.vferry.cli.manifest;

import io.vferry.runtime.plan.P2pPolicy;
import io.vferry.runtime.plan.Settings;
import io.vferry.spi.access.AccessPolicy;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;

/** The keys under {@code settings}, each with how it is written and what it means. */
// The functions are references to methods without state, which their type does not tell.
@SuppressWarnings("ImmutableEnumChecker")
enum Setting {
  DOWNTIME_LIMIT(
      "downtime-limit",
      Quantity.TIME::parse,
      Settings::downtimeLimitMillis,
      "Pre-copy ends when the predicted downtime is below."),
  MAX_BANDWIDTH(
      "max-bandwidth",
      Quantity.RATE::parse,
      Settings::maxBandwidthBytesPerSecond,
      "For memory and device data while the guest runs; 0 means no limit. It ends when the guest"
          + " stands still."),
  CONNECTIONS(
      "connections",
      Setting::number,
      Settings::connections,
      "How many connections carry data, 1 to 64; there is one more for control."),
  RECEIVE_WINDOW(
      "receive-window",
      Quantity.SIZE::parse,
      Settings::receiveWindowBytes,
      "How much the destination holds at most that no device took yet."),
  ARC_DEADLINE(
      "arc-deadline",
      Quantity.TIME::parse,
      Settings::arcDeadlineMillis,
      "How long a device may take for one arc. One that takes longer is reset, and named."),
  SETUP_DEADLINE(
      "setup-deadline",
      Quantity.TIME::parse,
      Settings::setupDeadlineMillis,
      "How long connecting and the admission by the destination may take."),
  SWITCHOVER_DEADLINE(
      "switchover-deadline",
      Quantity.TIME::parse,
      Settings::switchoverDeadlineMillis,
      "How long the guest may stand still before the migration is called off."),
  MAX_PRECOPY_ROUNDS(
      "max-precopy-rounds",
      Setting::number,
      Settings::maxPrecopyRounds,
      "How many rounds over memory there are while the predicted downtime is above its limit."),
  FORCE_SWITCHOVER(
      "force-switchover",
      Setting::truth,
      Settings::forceSwitchover,
      "Whether to move all the same after these rounds; if not, the migration is called off."),
  ACCESS_POLICY(
      "access-policy",
      text -> constant(AccessPolicy.Mode.class, text),
      Settings::accessPolicy,
      "What happens to an access of the machine that is not legal in the state of the device:"
          + " `enforce` refuses it, `warn` logs it, `off` looks away."),
  P2P(
      "p2p",
      text -> constant(P2pPolicy.class, text),
      Settings::p2p,
      "What to do if devices talk to each other and one of them cannot quiesce: `refuse` to move, or"
          + " `unmap` them from each other, so that such traffic fails from the start.");

  private final String key;
  private final Function<String, Object> parser;
  private final Function<Settings, Object> getter;
  private final String meaning;

  Setting(
      String key,
      Function<String, Object> parser,
      Function<Settings, Object> getter,
      String meaning) {
    this.key = key;
    this.parser = parser;
    this.getter = getter;
    this.meaning = meaning;
  }

  String key() {
    return key;
  }

  String meaning() {
    return meaning;
  }

  /** Returns the value that it has in the given settings. */
  Object in(Settings settings) {
    return getter.apply(settings);
  }

  /**
   * Reads a value.
   *
   * @throws IllegalArgumentException with a sentence for people
   */
  Object parse(String text) {
    return parser.apply(text);
  }

  private static int number(String text) {
    if (!text.matches("[0-9]{1,9}")) {
      throw new IllegalArgumentException("'" + text + "' is no whole number");
    }
    return Integer.parseInt(text);
  }

  private static boolean truth(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("'" + text + "' is neither true nor false");
    };
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String text) {
    var words =
        Arrays.stream(type.getEnumConstants())
            .map(constant -> constant.name().toLowerCase(Locale.ROOT))
            .toList();
    int index = words.indexOf(text);
    if (index < 0) {
      throw new IllegalArgumentException(
          "'" + text + "' is not one of " + String.join(", ", words));
    }
    return type.getEnumConstants()[index];
  }
}
