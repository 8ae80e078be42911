package io.vferry.vendor.mlx5;

import io.vferry.spi.driver.Compatibility;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDeviceInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Compares what must be alike on both sides: the kind of device, its firmware and its board
 * identity. Source: NVIDIA's manual of SR-IOV live migration, which wants the same PSID and
 * firmware. The stream itself carries none of them.
 *
 * @param device the virtual function
 * @param firmware its physical function's version; empty if unknown
 */
record Mlx5Compatibility(HostDeviceInfo device, String firmware) implements Compatibility {

  private static final String KIND = "pci-device";
  private static final String FIRMWARE = "firmware";
  private static final String PSID = "psid";
  private static final String STREAM = "stream";
  private static final String STREAM_FORMAT = "mlx5-records-1";
  private static final int LONGEST = 256;

  @Override
  public Map<String, String> describe() {
    Map<String, String> card = new TreeMap<>();
    card.put(STREAM, STREAM_FORMAT);
    card.put(KIND, "%04x:%04x".formatted(device.vendorId(), device.deviceId()));
    if (!firmware.isEmpty()) {
      card.put(FIRMWARE, firmware);
    }
    String psid = device.properties().getOrDefault(PSID, "");
    if (!psid.isEmpty() && psid.length() <= LONGEST) {
      card.put(PSID, psid);
    }
    return card;
  }

  @Override
  public List<Difference> compare(Map<String, String> source) throws MigrationException {
    if (!source.containsKey(STREAM) || !source.containsKey(KIND)) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT,
          "the source's description of the device at %s is no description of an mlx5 function"
              .formatted(device.address()));
    }
    Map<String, String> here = describe();
    List<Difference> differences = new ArrayList<>();
    for (String key : List.of(STREAM, KIND, FIRMWARE, PSID)) {
      String there = source.getOrDefault(key, "");
      String mine = here.getOrDefault(key, "");
      // What one host cannot tell is for the firmware to judge when it loads.
      if (!there.isEmpty() && !mine.isEmpty() && !there.equals(mine)) {
        differences.add(new Difference(key, there, mine));
      }
    }
    return differences;
  }
}
