package io.vferry.cli.manifest;

import io.vferry.runtime.plan.P2pPolicy;
import io.vferry.runtime.plan.Settings;
import io.vferry.spi.access.AccessPolicy;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Reads the {@code settings} part of a manifest. */
final class SettingsReader {

  private static final List<String> KEYS =
      Arrays.stream(Setting.values()).map(Setting::key).toList();

  private final Map<Setting, Object> values = new EnumMap<>(Setting.class);

  private SettingsReader(Settings defaults) {
    for (Setting setting : Setting.values()) {
      values.put(setting, setting.in(defaults));
    }
  }

  static Settings read(YamlNode node) throws ManifestException {
    Fields fields = Fields.of(node, "settings", KEYS);
    SettingsReader reader = new SettingsReader(Settings.defaults());
    Settings settings = reader.settings();
    for (Map.Entry<String, YamlNode.Entry> entry : fields.entries()) {
      String key = entry.getKey();
      Setting setting = Setting.values()[KEYS.indexOf(key)];
      YamlNode value = entry.getValue().value();
      String text = Fields.text(key, value);
      try {
        reader.values.put(setting, setting.parse(text));
        // The range of each value is checked where settings are made, so this must be in the loop.
        settings = reader.settings();
      } catch (IllegalArgumentException e) {
        String what = String.valueOf(e.getMessage());
        throw new ManifestException(value.place(), what.startsWith(key) ? what : key + ": " + what);
      }
    }
    return settings;
  }

  private Settings settings() {
    return new Settings(
        value(Setting.DOWNTIME_LIMIT, Long.class),
        value(Setting.MAX_BANDWIDTH, Long.class),
        value(Setting.CONNECTIONS, Integer.class),
        value(Setting.RECEIVE_WINDOW, Long.class),
        value(Setting.ARC_DEADLINE, Long.class),
        value(Setting.SETUP_DEADLINE, Long.class),
        value(Setting.SWITCHOVER_DEADLINE, Long.class),
        value(Setting.MAX_PRECOPY_ROUNDS, Integer.class),
        value(Setting.FORCE_SWITCHOVER, Boolean.class),
        value(Setting.ACCESS_POLICY, AccessPolicy.Mode.class),
        value(Setting.P2P, P2pPolicy.class));
  }

  private <T> T value(Setting setting, Class<T> type) {
    return type.cast(Objects.requireNonNull(values.get(setting)));
  }
}
