package io.vferry.tck;

import static io.vferry.tck.Role.SOURCE;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDeviceInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Who the driver is and what it says it serves. */
final class DriverChecks {

  private DriverChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of(
            Chapter.DRIVER,
            "card",
            "The driver says who it is, always the same, with a vendor and a version.",
            facts -> script(facts, "ask the driver for its card", DriverChecks::card)),
        Check.of(
            Chapter.DRIVER,
            "match",
            "The driver serves this device, and says of a device it cannot know that it does not,"
                + " each with a reason.",
            facts -> script(facts, "ask the driver what it serves", DriverChecks::match)),
        Check.of(
            Chapter.DRIVER,
            "refuses-bare-device",
            "Attaching to a device that lacks what the driver needs fails with NOT_MIGRATABLE.",
            facts ->
                script(
                    facts, "attach the driver to a device without anything", DriverChecks::bare)),
        Check.of(
            Chapter.DRIVER,
            "inspector",
            "The inspector explains the whole of a stream without gaps, and refuses rubbish.",
            facts -> script(facts, "inspect a stream and rubbish", DriverChecks::inspect),
            Need.INSPECTOR));
  }

  private interface Act {
    void run(Scene scene, Facts facts) throws MigrationException, Violation;
  }

  private static List<Script> script(Facts facts, String text, Act act) {
    return List.of(new Plot(facts).step(text, scene -> act.run(scene, facts)).script());
  }

  private static void card(Scene scene, Facts facts) throws MigrationException, Violation {
    DriverInfo info = Party.call("info", () -> scene.subject().driver().info());
    if (!info.equals(Party.call("info", () -> scene.subject().driver().info()))) {
      throw new Violation("card", "info() says something else each time");
    }
    if (info.vendor().isBlank() || info.version().isBlank() || info.vendor().contains("\n")) {
      throw new Violation("card", "vendor and version must be one line each, but are " + info);
    }
  }

  private static void match(Scene scene, Facts facts) throws MigrationException, Violation {
    HostDeviceInfo own = scene.party(SOURCE).host().info();
    DriverMatch match = Party.call("match", () -> scene.subject().driver().match(own));
    if (match.rank() == DriverMatch.Rank.NONE || match.reason().isBlank()) {
      throw new Violation("match", "of its own device the driver says " + match);
    }
    HostDeviceInfo stranger =
        new HostDeviceInfo(
            new DeviceAddress("kit", "stranger", Map.of()), "kit", 1, 1, 1, 1, false, Map.of());
    DriverMatch other = Party.call("match", () -> scene.subject().driver().match(stranger));
    if (other.rank() != DriverMatch.Rank.NONE || other.reason().isBlank()) {
      throw new Violation("match", "of a device on the bus 'kit' the driver says " + other);
    }
  }

  private static void bare(Scene scene, Facts facts) throws MigrationException, Violation {
    BareHost host = new BareHost(facts.info(), scene.clock());
    Plot.mustFail(
        "attach",
        List.of(DeviceError.NOT_MIGRATABLE),
        "attach-bare",
        () -> scene.subject().driver().attach(host));
  }

  private static void inspect(Scene scene, Facts facts) throws MigrationException, Violation {
    Optional<StreamInspector> found =
        Party.call("inspector", () -> scene.subject().driver().inspector());
    StreamInspector inspector = found.orElseThrow();
    byte[] image = facts.image().get();
    List<StreamInspector.Field> fields =
        Party.call("inspect", () -> inspector.inspect(ByteBuffer.wrap(image)));
    long next = 0;
    for (StreamInspector.Field field : fields) {
      if (field.offset() != next || field.lengthBytes() < 0) {
        throw new Violation(
            "inspector-gap",
            "field %s begins at %d, but must begin at %d"
                .formatted(field.name(), field.offset(), next));
      }
      next += field.lengthBytes();
    }
    if (next != image.length) {
      throw new Violation(
          "inspector-gap", "the fields explain %d bytes of %d".formatted(next, image.length));
    }
    Plot.mustFail(
        "inspect of rubbish",
        LoadChecks.REFUSALS,
        "inspector-rubbish",
        () -> inspector.inspect(ByteBuffer.wrap(LoadChecks.rubbish(facts, 777))));
  }
}
