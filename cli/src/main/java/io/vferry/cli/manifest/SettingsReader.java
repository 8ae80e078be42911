package io.vferry.cli.manifest;

import io.vferry.runtime.plan.P2pPolicy;
import io.vferry.runtime.plan.Settings;
import io.vferry.spi.access.AccessPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Reads the {@code settings} part of a manifest. */
final class SettingsReader {

  private static final List<String> KEYS =
      List.of(
          "downtime-limit",
          "max-bandwidth",
          "connections",
          "receive-window",
          "arc-deadline",
          "setup-deadline",
          "switchover-deadline",
          "max-precopy-rounds",
          "force-switchover",
          "access-policy",
          "p2p");

  private long downtimeLimitMillis;
  private long maxBandwidthBytesPerSecond;
  private int connections;
  private long receiveWindowBytes;
  private long arcDeadlineMillis;
  private long setupDeadlineMillis;
  private long switchoverDeadlineMillis;
  private int maxPrecopyRounds;
  private boolean forceSwitchover;
  private AccessPolicy.Mode accessPolicy;
  private P2pPolicy p2p;

  private SettingsReader(Settings defaults) {
    downtimeLimitMillis = defaults.downtimeLimitMillis();
    maxBandwidthBytesPerSecond = defaults.maxBandwidthBytesPerSecond();
    connections = defaults.connections();
    receiveWindowBytes = defaults.receiveWindowBytes();
    arcDeadlineMillis = defaults.arcDeadlineMillis();
    setupDeadlineMillis = defaults.setupDeadlineMillis();
    switchoverDeadlineMillis = defaults.switchoverDeadlineMillis();
    maxPrecopyRounds = defaults.maxPrecopyRounds();
    forceSwitchover = defaults.forceSwitchover();
    accessPolicy = defaults.accessPolicy();
    p2p = defaults.p2p();
  }

  static Settings read(YamlNode node) throws ManifestException {
    Fields fields = Fields.of(node, "settings", KEYS);
    SettingsReader reader = new SettingsReader(Settings.defaults());
    Settings settings = reader.settings();
    for (Map.Entry<String, YamlNode.Entry> entry : fields.entries()) {
      String key = entry.getKey();
      YamlNode value = entry.getValue().value();
      String text = Fields.text(key, value);
      try {
        reader.set(key, text);
        // The range of each value is checked where settings are made, so this must be in the loop.
        settings = reader.settings();
      } catch (IllegalArgumentException e) {
        String what = String.valueOf(e.getMessage());
        throw new ManifestException(value.place(), what.startsWith(key) ? what : key + ": " + what);
      }
    }
    return settings;
  }

  private void set(String key, String text) {
    switch (key) {
      case "downtime-limit" -> downtimeLimitMillis = Quantity.TIME.parse(text);
      case "max-bandwidth" -> maxBandwidthBytesPerSecond = Quantity.RATE.parse(text);
      case "connections" -> connections = number(text);
      case "receive-window" -> receiveWindowBytes = Quantity.SIZE.parse(text);
      case "arc-deadline" -> arcDeadlineMillis = Quantity.TIME.parse(text);
      case "setup-deadline" -> setupDeadlineMillis = Quantity.TIME.parse(text);
      case "switchover-deadline" -> switchoverDeadlineMillis = Quantity.TIME.parse(text);
      case "max-precopy-rounds" -> maxPrecopyRounds = number(text);
      case "force-switchover" -> forceSwitchover = truth(text);
      case "access-policy" -> accessPolicy = constant(AccessPolicy.Mode.class, text);
      case "p2p" -> p2p = constant(P2pPolicy.class, text);
      default -> throw new IllegalStateException("key " + key + " is known but not read");
    }
  }

  private Settings settings() {
    return new Settings(
        downtimeLimitMillis,
        maxBandwidthBytesPerSecond,
        connections,
        receiveWindowBytes,
        arcDeadlineMillis,
        setupDeadlineMillis,
        switchoverDeadlineMillis,
        maxPrecopyRounds,
        forceSwitchover,
        accessPolicy,
        p2p);
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
    List<String> words =
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
