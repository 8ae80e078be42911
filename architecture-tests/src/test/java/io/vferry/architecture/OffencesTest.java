package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.lang.ArchRule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each law objects when it is broken; a law that cannot fail is none. */
class OffencesTest {

  private static final String JNA = "package com.sun.jna; public class Structure {}";
  private static final String GUICE = "package com.google.inject; public class Injector {}";
  private static final String ENGINE = "package io.vferry.runtime; public class Engine {}";
  private static final String SPI = "package io.vferry.spi; public class Port {}";
  private static final String VENDOR = "package io.vferry.vendor.a; public class Device {}";

  @TempDir private Path folder;

  @ParameterizedTest
  @MethodSource
  void isSeen(ArchRule law, String offender, String other) throws IOException {
    JavaClasses classes = Offence.compile(folder, offender, other);
    String name = offender.replaceFirst("package ([\\w.]+);.*", "$1");
    assertThatThrownBy(() -> law.check(classes))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(name);
  }

  static Stream<Arguments> isSeen() {
    ArchRule vendor = Laws.place("vendor-b", "io.vferry.vendor.b");
    ArchRule spi = Laws.place("spi", "io.vferry.spi");
    ArchRule host = Laws.place("host-linux", "io.vferry.host.linux");
    return Stream.of(
        Arguments.of(vendor, holding("io.vferry.vendor.b", "io.vferry.runtime.Engine"), ENGINE),
        Arguments.of(vendor, holding("io.vferry.vendor.b", "io.vferry.vendor.a.Device"), VENDOR),
        Arguments.of(vendor, holding("io.vferry.vendor.b", "com.sun.jna.Structure"), JNA),
        Arguments.of(vendor, holding("io.vferry.vendor.b", "com.google.inject.Injector"), GUICE),
        Arguments.of(spi, holding("io.vferry.spi", "com.google.inject.Injector"), GUICE),
        Arguments.of(spi, holding("io.vferry.spi.x", "javax.sql.DataSource"), SPI),
        Arguments.of(host, holding("io.vferry.host.linux", "io.vferry.runtime.Engine"), ENGINE),
        Arguments.of(host, holding("io.vferry.host.linux", "com.google.inject.Injector"), GUICE),
        Arguments.of(
            Laws.place("runtime", "io.vferry.runtime"),
            holding("io.vferry.runtime.x", "io.vferry.vendor.a.Device"),
            VENDOR),
        Arguments.of(
            Laws.place("cli", "io.vferry.cli"),
            holding("io.vferry.cli", "io.vferry.vendor.a.Device"),
            VENDOR),
        Arguments.of(
            Laws.runtimeSeesOnlyTheSpiOfUs(),
            holding("io.vferry.runtime", "io.vferry.vendor.a.Device"),
            VENDOR),
        Arguments.of(
            Laws.onlyTheLinuxHostCallsNativeCode(),
            holding("io.vferry.runtime", "com.sun.jna.Structure"),
            JNA),
        Arguments.of(
            Laws.guiceStaysInOnePackage(),
            holding("io.vferry.runtime.plan", "com.google.inject.Injector"),
            GUICE),
        Arguments.of(
            Laws.packagesHaveNoCycles(),
            "package io.vferry.x.a; public class A { io.vferry.x.b.B b; }",
            "package io.vferry.x.b; public class B { io.vferry.x.a.A a; }"),
        offence(Laws.onlyTheCommandSpeaksAndExits(), "void f() { System.out.println(); }"),
        offence(Laws.onlyTheCommandSpeaksAndExits(), "void f() { System.err.println(); }"),
        offence(Laws.onlyTheCommandSpeaksAndExits(), "void f() { System.exit(0); }"),
        offence(
            Laws.onlyTheCommandSpeaksAndExits(), "void f(Exception e) { e.printStackTrace(); }"),
        offence(Laws.namesSayWhatAClassIs(), "static class StringUtils {}"),
        offence(Laws.namesSayWhatAClassIs(), "static class DeviceManager {}"),
        offence(Laws.namesSayWhatAClassIs(), "static class CopyHelper {}"),
        offence(Laws.namesSayWhatAClassIs(), "static class DeviceImpl {}"),
        offence(Laws.nativeMethodsTakePrimitives(), "native int read(int fd, byte[] into);"),
        Arguments.of(
            Laws.nativeMethodsTakePrimitives(),
            "package io.vferry.x; class Bad { static class S extends com.sun.jna.Structure {}"
                + " native int ioctl(int fd, S arg); }",
            JNA),
        offence(Laws.nothingStaticChanges(), "static int count;"),
        offence(
            Laws.nothingStaticChanges(),
            "static final java.util.concurrent.atomic.AtomicLong N = null;"),
        offence(
            Laws.nothingStaticChanges(),
            "static final java.util.HashMap<String, String> M = null;"),
        offence(
            Laws.nothingStaticChanges(),
            "static final java.util.concurrent.ConcurrentHashMap<String, String> M = null;"),
        offence(Laws.nothingStaticChanges(), "static final java.nio.ByteBuffer B = null;"));
  }

  @ParameterizedTest
  @MethodSource
  void whatIsAllowedIsNotSeen(ArchRule law, String source, String other) throws IOException {
    JavaClasses classes = Offence.compile(folder, source, other);
    assertThat(classes).isNotEmpty();
    assertThatCode(() -> law.check(classes)).doesNotThrowAnyException();
  }

  static Stream<Arguments> whatIsAllowedIsNotSeen() {
    return Stream.of(
        Arguments.of(
            Laws.place("vendor-b", "io.vferry.vendor.b"),
            holding("io.vferry.vendor.b", "io.vferry.spi.Port"),
            SPI),
        Arguments.of(
            Laws.place("host-linux", "io.vferry.host.linux"),
            holding("io.vferry.host.linux", "com.sun.jna.Structure"),
            JNA),
        Arguments.of(
            Laws.guiceStaysInOnePackage(),
            holding("io.vferry.runtime.wiring", "com.google.inject.Injector"),
            GUICE),
        Arguments.of(
            Laws.onlyTheCommandSpeaksAndExits(),
            "package io.vferry.cli; class Good { void f() { System.out.println(); } }",
            SPI),
        Arguments.of(
            Laws.nativeMethodsTakePrimitives(),
            "package io.vferry.x; class Good { native long read(int fd, long address, long n); }",
            SPI),
        Arguments.of(
            Laws.nothingStaticChanges(),
            "package io.vferry.x; enum Good { A, B; static final String NAME = \"x\";"
                + " static final java.util.List<String> L = java.util.List.of();"
                + " int f(Good g) { return switch (g) { case A -> 1; case B -> 2; }; } }",
            SPI));
  }

  private static String holding(String inPackage, String type) {
    return "package " + inPackage + "; public class Bad { " + type + " held; }";
  }

  private static Arguments offence(ArchRule law, String member) {
    return Arguments.of(law, "package io.vferry.x; class Bad { " + member + " }", SPI);
  }
}
