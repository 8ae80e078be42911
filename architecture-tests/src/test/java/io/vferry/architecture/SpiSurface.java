package io.vferry.architecture;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What a jar compiled against {@code spi} can refer to, one line for each thing. */
final class SpiSurface {

  private SpiSurface() {}

  static Set<String> of(JavaClasses classes) {
    Set<String> lines = new TreeSet<>();
    for (JavaClass type : classes) {
      if (!visible(type)) {
        continue;
      }
      lines.add("type " + type.getName() + kind(type));
      for (JavaField field : type.getFields()) {
        if (field.getModifiers().contains(JavaModifier.PUBLIC)) {
          lines.add("field " + field.getFullName() + ": " + field.getRawType().getName());
        }
      }
      for (JavaCodeUnit unit : type.getCodeUnits()) {
        boolean seen =
            unit.getModifiers().contains(JavaModifier.PUBLIC)
                || unit.getModifiers().contains(JavaModifier.PROTECTED);
        if (seen && !unit.getModifiers().contains(JavaModifier.SYNTHETIC)) {
          lines.add(method(unit));
        }
      }
    }
    return lines;
  }

  private static boolean visible(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && type.getPackageName().startsWith("io.vferry.spi")
        && type.getEnclosingClass().map(SpiSurface::visible).orElse(true);
  }

  private static String kind(JavaClass type) {
    if (type.isAnnotation()) {
      return " annotation";
    }
    if (type.isInterface()) {
      return " interface";
    }
    if (type.isEnum()) {
      return " enum";
    }
    return type.isRecord() ? " record" : " class";
  }

  private static String method(JavaCodeUnit unit) {
    boolean toImplement =
        unit.getOwner().isInterface() && unit.getModifiers().contains(JavaModifier.ABSTRACT);
    return (toImplement ? "abstract " : "method ")
        + unit.getFullName()
        + ": "
        + unit.getRawReturnType().getName()
        + thrown(unit);
  }

  private static String thrown(JavaCodeUnit unit) {
    String names =
        unit.getThrowsClause().getTypes().stream()
            .map(JavaClass::getName)
            .sorted()
            .collect(Collectors.joining(", "));
    return names.isEmpty() ? "" : " throws " + names;
  }
}
