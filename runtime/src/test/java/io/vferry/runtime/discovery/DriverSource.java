package io.vferry.runtime.discovery;

/**
 * How the source of a driver is written.
 *
 * @param annotation before the class
 * @param heritage after the class name
 * @param members further members
 * @param version the Java expression for its version
 */
record DriverSource(String annotation, String heritage, String members, String version) {

  static DriverSource standard() {
    return new DriverSource(
        "@SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)",
        "implements MigrationDriver",
        "",
        "\"1\"");
  }

  DriverSource annotation(String text) {
    return new DriverSource(text, heritage, members, version);
  }

  DriverSource heritage(String text) {
    return new DriverSource(annotation, text, members, version);
  }

  DriverSource members(String text) {
    return new DriverSource(annotation, heritage, text, version);
  }

  DriverSource version(String expression) {
    return new DriverSource(annotation, heritage, members, expression);
  }

  String text(String className, String id) {
    int dot = className.lastIndexOf('.');
    return """
        package %s;

        import io.vferry.spi.driver.*;
        import io.vferry.spi.host.*;

        %s
        public class %s %s {
          %s
          public DriverInfo info() {
            return new DriverInfo("%s", "a vendor", %s);
          }

          public DriverMatch match(HostDeviceInfo device) {
            return DriverMatch.none("serves nothing");
          }

          public MigratableDevice attach(HostDevice device) {
            throw new IllegalStateException("no device");
          }
        }
        """
        .formatted(
            className.substring(0, dot),
            annotation,
            className.substring(dot + 1),
            heritage,
            members,
            id,
            version);
  }
}
