package io.vferry.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each kind of break is made once, and each kind of addition that is none. */
class SpiBreaksTest {

  /** One change of a type {@code T}, and what has to be said of it; nothing if it is no break. */
  enum Change {
    TYPE_REMOVED("public class T {}", "class T {}", "CLASS_"),
    TYPE_BECAME_INTERFACE("public class T {}", "public interface T {}", "CLASS_TYPE_CHANGED"),
    CLASS_BECAME_FINAL("public class T {}", "public final class T {}", "CLASS_NOW_NOT_EXTENDABLE"),
    CLASS_BECAME_ABSTRACT("public class T {}", "public abstract class T {}", "CLASS_NOW_ABSTRACT"),
    CLASS_BECAME_SEALED(
        "public interface T {}",
        "public sealed interface T { record One() implements T {} }",
        "PERMITTED_TYPES_CHANGED"),
    SEALED_TYPE_GOT_ANOTHER_CHILD(
        "public sealed interface T { record One() implements T {} }",
        "public sealed interface T { record One() implements T {} record Two() implements T {} }",
        "PERMITTED_TYPES_CHANGED"),
    SUPERCLASS_CHANGED(
        "public class T extends java.io.IOException {}",
        "public class T extends Exception {}",
        "SUPERCLASS_"),
    INTERFACE_REMOVED(
        "public abstract class T implements AutoCloseable {}",
        "public abstract class T {}",
        "INTERFACE_REMOVED"),
    EXCEPTION_BECAME_CHECKED(
        "public class T extends RuntimeException {}",
        "public class T extends Exception {}",
        "CLASS_NOW_CHECKED_EXCEPTION"),
    TYPE_PARAMETER_NARROWED(
        "public interface T<A> {}", "public interface T<A extends Number> {}", "CLASS_GENERIC_"),
    METHOD_REMOVED(
        "public interface T { void m(); }", "public interface T {}", "METHOD_REMOVED T.m()"),
    METHOD_HIDDEN(
        "public class T { public void m() {} }",
        "public class T { void m() {} }",
        "METHOD_LESS_ACCESSIBLE"),
    METHOD_BECAME_FINAL(
        "public class T { public void m() {} }",
        "public class T { public final void m() {} }",
        "METHOD_NOW_FINAL"),
    METHOD_BECAME_STATIC(
        "public class T { public void m() {} }",
        "public class T { public static void m() {} }",
        "METHOD_NOW_STATIC"),
    METHOD_LOST_ITS_BODY(
        "public interface T { default void m() {} }",
        "public interface T { void m(); }",
        "METHOD_NOW_ABSTRACT"),
    METHOD_WITHOUT_BODY_ADDED(
        "public interface T { void m(); }",
        "public interface T { void m(); void n(); }",
        "METHOD_ADDED_TO_INTERFACE T.n()"),
    ABSTRACT_METHOD_ADDED_TO_CLASS(
        "public abstract class T {}",
        "public abstract class T { public abstract void n(); }",
        "METHOD_ABSTRACT_ADDED_TO_CLASS"),
    RETURN_TYPE_CHANGED(
        "public interface T { long m(); }",
        "public interface T { int m(); }",
        "METHOD_RETURN_TYPE_CHANGED"),
    RETURN_TYPE_NARROWED(
        "import java.util.*; public interface T { List<Object> m(); }",
        "import java.util.*; public interface T { List<String> m(); }",
        "METHOD_RETURN_TYPE_GENERICS_CHANGED"),
    PARAMETER_CHANGED(
        "public interface T { void m(int a); }",
        "public interface T { void m(long a); }",
        "METHOD_REMOVED"),
    PARAMETER_NARROWED(
        "import java.util.*; public interface T { void m(List<? extends Number> a); }",
        "import java.util.*; public interface T { void m(List<Integer> a); }",
        "METHOD_PARAMETER_GENERICS_CHANGED"),
    VARARGS_GONE(
        "public interface T { void m(int... a); }",
        "public interface T { void m(int[] a); }",
        "METHOD_NO_LONGER_VARARGS"),
    CHECKED_EXCEPTION_ADDED(
        "public interface T { void m(); }",
        "public interface T { void m() throws java.io.IOException; }",
        "METHOD_NOW_THROWS_CHECKED_EXCEPTION"),
    CHECKED_EXCEPTION_REMOVED(
        "public interface T { void m() throws java.io.IOException; }",
        "public interface T { void m(); }",
        "METHOD_NO_LONGER_THROWS_CHECKED_EXCEPTION"),
    CONSTRUCTOR_REMOVED(
        "public class T { public T(int a) {} }",
        "public class T { public T(long a) {} }",
        "CONSTRUCTOR_REMOVED"),
    RECORD_GOT_A_COMPONENT(
        "public record T(int a) {}", "public record T(int a, int b) {}", "CONSTRUCTOR_REMOVED"),
    FIELD_REMOVED(
        "public class T { public int f; }", "public class T { int f; }", "FIELD_LESS_ACCESSIBLE"),
    FIELD_TYPE_CHANGED(
        "public class T { public int f; }",
        "public class T { public long f; }",
        "FIELD_TYPE_CHANGED"),
    FIELD_NARROWED(
        "import java.util.*; public class T { public List<Object> f; }",
        "import java.util.*; public class T { public List<String> f; }",
        "FIELD_GENERICS_CHANGED"),
    FIELD_BECAME_FINAL(
        "public class T { public int f; }",
        "public class T { public final int f = 1; }",
        "FIELD_NOW_FINAL"),
    ENUM_CONSTANT_REMOVED("public enum T { A, B }", "public enum T { A }", "FIELD_REMOVED T.B"),
    CONSTANT_CHANGED(
        "public interface T { long C = 1; }",
        "public interface T { long C = 2; }",
        "CONSTANT_CHANGED T.C from 1 to 2"),
    TEXT_CONSTANT_CHANGED(
        "public interface T { String C = \"a\"; }",
        "public interface T { String C = \"b\"; }",
        "CONSTANT_CHANGED T.C from a to b"),
    ANNOTATION_DEFAULT_CHANGED(
        "public @interface T { int[] a() default {1, 2}; }",
        "public @interface T { int[] a() default {1}; }",
        "DEFAULT_CHANGED T.a"),
    ANNOTATION_DEFAULT_REMOVED(
        "public @interface T { int a() default 1; }",
        "public @interface T { int a(); }",
        "DEFAULT_CHANGED T.a from 1 to null"),
    ANNOTATION_ELEMENT_ADDED(
        "public @interface T {}",
        "public @interface T { int a(); }",
        "ELEMENT_WITHOUT_DEFAULT_ADDED T.a"),
    ANNOTATION_NO_LONGER_KEPT(
        "import java.lang.annotation.*; @Retention(RetentionPolicy.RUNTIME) public @interface T {}",
        "import java.lang.annotation.*; @Retention(RetentionPolicy.CLASS) public @interface T {}",
        "META_ANNOTATION_CHANGED T"),
    ANNOTATION_TARGET_CHANGED(
        "import java.lang.annotation.*; @Target({ElementType.TYPE, ElementType.METHOD})"
            + " public @interface T {}",
        "import java.lang.annotation.*; @Target(ElementType.TYPE) public @interface T {}",
        "META_ANNOTATION_CHANGED T"),

    METHOD_WITH_BODY_ADDED(
        "public interface T { void m(); }", "public interface T { void m(); default void n() {} }"),
    STATIC_METHOD_ADDED("public interface T {}", "public interface T { static void n() {} }"),
    METHOD_ADDED_TO_CLASS("public class T {}", "public class T { public void n() {} }"),
    ENUM_CONSTANT_ADDED("public enum T { A }", "public enum T { A, B }"),
    CONSTRUCTOR_ADDED(
        "public record T(int a) {}", "public record T(int a) { public T() { this(1); } }"),
    CLASS_NO_LONGER_FINAL("public final class T {}", "public class T {}"),
    ANNOTATION_ELEMENT_WITH_DEFAULT_ADDED(
        "public @interface T {}", "public @interface T { int a() default 1; }"),
    ANNOTATION_GOT_A_DEFAULT(
        "public @interface T { int a(); }", "public @interface T { int a() default 1; }"),
    HIDDEN_CODE_CHANGED(
        "public final class T { int f; private void m() {} }",
        "public final class T { long f; void n() {} }"),
    DEPRECATED(
        "public interface T { void m(); }",
        "public interface T { @Deprecated(since = \"1.1\", forRemoval = true) void m(); }");

    private final String before;
    private final String after;
    private final String said;

    Change(String before, String after) {
      this(before, after, "");
    }

    Change(String before, String after, String said) {
      this.before = before;
      this.after = after;
      this.said = said;
    }
  }

  @TempDir private static Path work;
  private static List<String> found = List.of();

  @BeforeAll
  static void compareBothSides() throws IOException {
    found =
        SpiBreaks.between(
            jar("before", Stream.of(Change.values()).map(change -> change.before).toList()),
            jar("after", Stream.of(Change.values()).map(change -> change.after).toList()));
  }

  private static String packageOf(Change change) {
    return "p" + change.ordinal();
  }

  /** Compiles one side of all changes at once, each in a package of its own. */
  private static Path jar(String side, List<String> sources) throws IOException {
    Path classes = Files.createDirectories(work.resolve(side + "-classes"));
    List<String> arguments =
        new ArrayList<>(List.of("-d", classes.toString(), "-proc:none", "-nowarn"));
    for (Change change : Change.values()) {
      Path file =
          Files.createDirectories(work.resolve(side).resolve(packageOf(change))).resolve("T.java");
      String source = sources.get(change.ordinal());
      Files.writeString(file, "package " + packageOf(change) + "; " + source);
      arguments.add(file.toString());
    }
    run("javac", arguments);
    Path jar = work.resolve(side + ".jar");
    run("jar", List.of("--create", "--file", jar.toString(), "-C", classes.toString(), "."));
    return jar;
  }

  private static void run(String tool, List<String> arguments) {
    StringWriter said = new StringWriter();
    PrintWriter out = new PrintWriter(said);
    int code =
        ToolProvider.findFirst(tool).orElseThrow().run(out, out, arguments.toArray(String[]::new));
    assertThat(code).as(said.toString()).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void eachBreakIsSaidAndNoAddition(Change change) {
    List<String> own =
        found.stream()
            .filter(line -> line.contains(" " + packageOf(change) + "."))
            .map(line -> line.replace(packageOf(change) + ".", ""))
            .toList();
    if (change.said.isEmpty()) {
      assertThat(own).isEmpty();
    } else {
      assertThat(own).anyMatch(line -> line.startsWith(change.said));
    }
  }

  @Test
  void additionsAreNamed() throws IOException {
    assertThat(SpiBreaks.additions(work.resolve("before.jar"), work.resolve("after.jar")))
        .contains(
            packageOf(Change.METHOD_WITH_BODY_ADDED) + ".T.n()",
            packageOf(Change.ENUM_CONSTANT_ADDED) + ".T.B")
        .noneMatch(line -> line.startsWith(packageOf(Change.HIDDEN_CODE_CHANGED) + "."));
  }
}
