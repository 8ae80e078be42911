package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.SpiLevel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Both lists of services say the same, and each service says for which SPI it was built. */
class SimServicesTest {

  @Test
  void bothListsAgree() throws IOException {
    InputStream descriptor = SimClock.class.getResourceAsStream("/module-info.class");
    assertThat(descriptor).isNotNull();
    Map<String, List<String>> provided = new TreeMap<>();
    try (descriptor) {
      for (ModuleDescriptor.Provides provides : ModuleDescriptor.read(descriptor).provides()) {
        provided.put(provides.service(), provides.providers());
      }
    }
    assertThat(provided)
        .containsOnlyKeys(
            "io.vferry.spi.driver.MigrationDriver",
            "io.vferry.spi.model.DeviceModel",
            "io.vferry.spi.vm.VmAdaptor");
    for (Map.Entry<String, List<String>> entry : provided.entrySet()) {
      assertThat(listed(entry.getKey()))
          .as(entry.getKey())
          .containsExactlyInAnyOrderElementsOf(entry.getValue());
    }
  }

  private static List<String> listed(String service) throws IOException {
    InputStream file = SimClock.class.getResourceAsStream("/META-INF/services/" + service);
    assertThat(file).as(service).isNotNull();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8))) {
      return lines.lines().filter(line -> !line.isBlank()).collect(Collectors.toList());
    }
  }

  @Test
  void eachServiceSaysItsLevel() {
    for (Class<?> service :
        List.of(SimMigrationDriver.class, SimDeviceModel.class, SimVmAdaptor.class)) {
      SpiLevel level = service.getAnnotation(SpiLevel.class);
      assertThat(level.major()).isEqualTo(SpiLevel.MAJOR);
      assertThat(level.minor()).isEqualTo(SpiLevel.MINOR);
    }
  }
}
