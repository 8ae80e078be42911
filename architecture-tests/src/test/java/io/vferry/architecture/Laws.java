package io.vferry.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.conditions.ArchConditions.accessField;
import static com.tngtech.archunit.lang.conditions.ArchConditions.callMethod;
import static com.tngtech.archunit.lang.conditions.ArchConditions.callMethodWhere;
import static com.tngtech.archunit.lang.conditions.ArchConditions.never;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The laws that the classes of the project obey. */
final class Laws {

  private static final List<String> JDK_AND_ANNOTATIONS =
      List.of("java..", "javax..", "org.jspecify..", "com.google.auto.service..");

  /**
   * What a module may see beside itself, {@code spi}, the JDK and annotations, by folder. Who is
   * not here, such as each vendor, may see nothing else.
   */
  private static final Map<String, List<String>> MORE =
      Map.of(
          "host-linux", List.of("com.sun.jna..", "com.fasterxml.jackson.core.."),
          "tck", List.of("org.junit..", "org.opentest4j.."));

  /** Modules with a law of their own in place of the list of what they may see. */
  private static final List<String> FREE =
      List.of("runtime", "cli", "bench", "examples/integrator");

  private Laws() {}

  /** What follows from where a module stands in the house. */
  static ArchRule place(String folder, String module) {
    if (folder.equals("spi")) {
      return classes()
          .that()
          .resideInAPackage(module + "..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(module + "..", "java..", "org.jspecify..")
          .because("a driver jar must not clash with a library of the interface");
    }
    if (FREE.contains(folder)) {
      return noClasses()
          .that()
          .resideInAPackage(module + "..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.vferry.vendor..")
          .because("drivers are found, never named");
    }
    String[] allowed =
        Stream.of(
                List.of(module + "..", "io.vferry.spi.."),
                JDK_AND_ANNOTATIONS,
                MORE.getOrDefault(folder, List.of()))
            .flatMap(List::stream)
            .toArray(String[]::new);
    return classes()
        .that()
        .resideInAPackage(module + "..")
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(allowed)
        .because("it reaches everything else through the SPI");
  }

  static ArchRule runtimeSeesOnlyTheSpiOfUs() {
    return noClasses()
        .that()
        .resideInAPackage("io.vferry.runtime..")
        .should()
        .dependOnClassesThat(
            describe(
                "are ours, but neither runtime nor spi",
                type ->
                    type.getPackageName().startsWith("io.vferry.")
                        && !type.getPackageName().matches("io\\.vferry\\.(spi|runtime)(\\..*)?")))
        .because("what can be swapped at deploy time is a service");
  }

  static ArchRule onlyTheLinuxHostCallsNativeCode() {
    return noClasses()
        .that()
        .resideOutsideOfPackage("io.vferry.host.linux..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.sun.jna..")
        .because("one module owns the calls that can crash the process");
  }

  static ArchRule guiceStaysInOnePackage() {
    return noClasses()
        .that()
        .resideOutsideOfPackage("io.vferry.runtime.wiring..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.google.inject..")
        .because("wiring is one job; everything else takes what it needs in its constructor");
  }

  static ArchRule packagesHaveNoCycles() {
    return slices().matching("io.vferry.(**)").should().beFreeOfCycles();
  }

  static ArchRule onlyTheCommandSpeaksAndExits() {
    return classes()
        .that()
        .resideOutsideOfPackages("io.vferry.cli..", "io.vferry.bench..", "io.vferry.examples..")
        .should(never(accessField(System.class, "out")))
        .andShould(never(accessField(System.class, "err")))
        .andShould(never(callMethod(System.class, "exit", int.class)))
        .andShould(
            never(
                callMethodWhere(
                    describe(
                        "prints a stack trace",
                        call -> call.getTarget().getName().equals("printStackTrace")))))
        .because("a library has no terminal, and does not end its caller's process");
  }

  static ArchRule namesSayWhatAClassIs() {
    return noClasses()
        .should()
        .haveNameMatching(".*(Util|Utils|Manager|Helper|Impl)")
        .because("such a name fits everything");
  }

  static ArchRule nativeMethodsTakePrimitives() {
    return methods()
        .that(
            describe(
                "are native", (JavaMethod m) -> m.getModifiers().contains(JavaModifier.NATIVE)))
        .should()
        .notHaveRawParameterTypes(
            describe(
                "with an array or a Structure",
                (List<JavaClass> types) ->
                    types.stream()
                        .anyMatch(
                            type ->
                                type.isArray() || type.isAssignableTo("com.sun.jna.Structure"))))
        .because("JNA copies those on each call");
  }

  static ArchRule nothingStaticChanges() {
    return fields()
        .that()
        .areStatic()
        .and(describe("are written by hand", (JavaField f) -> !isSynthetic(f)))
        .should()
        .beFinal()
        .andShould()
        .notHaveRawType(holdsState())
        .because("global state ties tests and migrations together");
  }

  private static boolean isSynthetic(JavaField field) {
    return field.getModifiers().contains(JavaModifier.SYNTHETIC);
  }

  /** Types whose instances change; what is private and an array is taken for a table. */
  private static DescribedPredicate<JavaClass> holdsState() {
    return describe(
        "that changes",
        type ->
            type.getName()
                .matches(
                    "java\\.util\\.(concurrent\\.)?(Concurrent|CopyOn|Linked|Hash|Tree|Array|Weak"
                        + "|Identity|Enum|Priority)(\\w*)"
                        + "|java\\.util\\.(BitSet|Random|Timer|Vector|Stack)"
                        + "|java\\.util\\.concurrent\\.(atomic|locks)\\..*"
                        + "|java\\.nio\\.\\w*Buffer"
                        + "|java\\.lang\\.(StringBuilder|StringBuffer|ThreadLocal)"));
  }
}
