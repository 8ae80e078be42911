package io.vferry.host.linux.driver;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the host knows without asking the device: only another kind of device is told apart here.
 * The kernel offers no comparison of firmware or format; its driver refuses the data themselves.
 */
final class VfioCompatibility implements Compatibility {

  private final HostDeviceInfo info;

  VfioCompatibility(HostDeviceInfo info) {
    this.info = info;
  }

  @Override
  public Map<String, String> describe() {
    Map<String, String> keys = new TreeMap<>();
    keys.put("vendor-id", "0x%04x".formatted(info.vendorId()));
    keys.put("device-id", "0x%04x".formatted(info.deviceId()));
    String type = info.properties().get("mdev-type");
    if (type != null) {
      keys.put("mdev-type", type);
    }
    return keys;
  }

  @Override
  public List<Difference> compare(Map<String, String> source) {
    List<Difference> differences = new ArrayList<>();
    describe()
        .forEach(
            (key, here) -> {
              // Who does not say what it is may be anything.
              String there = source.getOrDefault(key, "unknown");
              if (!there.equals(here)) {
                differences.add(new Difference(key, there, here));
              }
            });
    return differences;
  }
}
