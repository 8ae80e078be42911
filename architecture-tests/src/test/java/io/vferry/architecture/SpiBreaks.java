package io.vferry.architecture;

import japicmp.cmp.JApiCmpArchive;
import japicmp.cmp.JarArchiveComparator;
import japicmp.cmp.JarArchiveComparatorOptions;
import japicmp.model.AccessModifier;
import japicmp.model.JApiChangeStatus;
import japicmp.model.JApiClass;
import japicmp.model.JApiCompatibility;
import japicmp.model.JApiCompatibilityChangeType;
import japicmp.model.JApiHasAccessModifier;
import japicmp.model.JApiMethod;
import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import javassist.CtClass;

/**
 * What a later jar takes from those who compiled against an earlier one: japicmp knows the rules of
 * binary and source compatibility; what it does not look at, because it is no rule of linking, is
 * compared here: constants, which the compiler copies, defaults and targets of annotations, and who
 * may extend a sealed type. Both jars need nothing but the JDK.
 */
final class SpiBreaks {

  private static final Set<JApiCompatibilityChangeType> BODILESS =
      Set.of(
          JApiCompatibilityChangeType.METHOD_ADDED_TO_INTERFACE,
          JApiCompatibilityChangeType.METHOD_ABSTRACT_ADDED_TO_CLASS);

  private SpiBreaks() {}

  /** Returns the breaks, one line each, in order; empty if the later jar can take the place. */
  static List<String> between(Path earlier, Path later) throws IOException {
    Set<String> breaks = new TreeSet<>();
    for (JApiClass type : compare(earlier, later)) {
      add(breaks, type, type, type.getFullyQualifiedName());
      add(breaks, type, type.getSuperclass(), type.getFullyQualifiedName() + " extends");
      type.getInterfaces()
          .forEach(
              one ->
                  add(
                      breaks,
                      type,
                      one,
                      type.getFullyQualifiedName() + " implements " + one.getFullyQualifiedName()));
      type.getConstructors().forEach(one -> add(breaks, type, one, member(type, one.getName())));
      for (JApiMethod method : type.getMethods()) {
        String name = member(type, signature(method));
        add(breaks, type, method, name);
        add(breaks, type, method.getReturnType(), name);
        method.getParameters().forEach(one -> add(breaks, type, one, name));
      }
      type.getFields().forEach(one -> add(breaks, type, one, member(type, one.getName())));
    }
    try (URLClassLoader before = loader(earlier);
        URLClassLoader after = loader(later)) {
      for (String name : publicTypes(earlier, before)) {
        Class<?> was = load(before, name);
        try {
          compare(breaks, was, load(after, name));
        } catch (ClassNotFoundException e) {
          // Told by japicmp.
          continue;
        }
      }
    } catch (ReflectiveOperationException e) {
      throw new IOException("a type of " + earlier + " or " + later + " cannot be loaded", e);
    }
    return List.copyOf(breaks);
  }

  /** Returns the public types and their visible members that only the later jar has. */
  static List<String> additions(Path earlier, Path later) {
    Set<String> added = new TreeSet<>();
    for (JApiClass type : compare(earlier, later)) {
      if (type.getChangeStatus() == JApiChangeStatus.NEW) {
        added.add(type.getFullyQualifiedName());
        continue;
      }
      type.getMethods().stream()
          .filter(one -> isNew(one.getChangeStatus(), one))
          .forEach(one -> added.add(member(type, signature(one))));
      type.getFields().stream()
          .filter(one -> isNew(one.getChangeStatus(), one))
          .forEach(one -> added.add(member(type, one.getName())));
      type.getConstructors().stream()
          .filter(one -> isNew(one.getChangeStatus(), one))
          .forEach(one -> added.add(member(type, one.getName())));
    }
    return List.copyOf(added);
  }

  private static boolean isNew(JApiChangeStatus status, JApiHasAccessModifier member) {
    return status == JApiChangeStatus.NEW
        && member
            .getAccessModifier()
            .getNewModifier()
            .filter(access -> access.getLevel() >= AccessModifier.PROTECTED.getLevel())
            .isPresent();
  }

  private static List<JApiClass> compare(Path earlier, Path later) {
    JarArchiveComparatorOptions options = new JarArchiveComparatorOptions();
    options.setAccessModifier(AccessModifier.PROTECTED);
    return new JarArchiveComparator(options)
        .compare(
            new JApiCmpArchive(earlier.toFile(), "earlier"),
            new JApiCmpArchive(later.toFile(), "later"));
  }

  private static String member(JApiClass type, String name) {
    return type.getFullyQualifiedName() + "." + name;
  }

  private static String signature(JApiMethod method) {
    return method.getParameters().stream()
        .map(parameter -> parameter.getType())
        .collect(Collectors.joining(", ", method.getName() + "(", ")"));
  }

  private static void add(
      Set<String> breaks, JApiClass type, JApiCompatibility compared, String what) {
    boolean annotation =
        type.getNewClass().or(type::getOldClass).filter(CtClass::isAnnotation).isPresent();
    compared.getCompatibilityChanges().stream()
        .filter(change -> !change.isBinaryCompatible() || !change.isSourceCompatible())
        // Not of annotations: compareDefault knows whether an element is a burden.
        .filter(change -> !(annotation && BODILESS.contains(change.getType())))
        .forEach(change -> breaks.add(change.getType() + " " + what));
  }

  // ------------------------------------------------------------- beyond linking

  private static URLClassLoader loader(Path jar) throws IOException {
    return new URLClassLoader(
        new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader());
  }

  private static Class<?> load(ClassLoader loader, String name) throws ClassNotFoundException {
    return Class.forName(name, false, loader);
  }

  private static List<String> publicTypes(Path jar, ClassLoader loader)
      throws IOException, ClassNotFoundException {
    List<String> names = new ArrayList<>();
    try (JarFile file = new JarFile(jar.toFile())) {
      for (String entry : file.stream().map(one -> one.getName()).toList()) {
        if (entry.endsWith(".class") && !entry.endsWith("-info.class")) {
          String name = entry.substring(0, entry.length() - 6).replace('/', '.');
          if (visible(load(loader, name))) {
            names.add(name);
          }
        }
      }
    }
    return names;
  }

  private static boolean visible(Class<?> type) {
    return (type.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0
        && !type.isAnonymousClass()
        && (type.getEnclosingClass() == null || visible(type.getEnclosingClass()));
  }

  private static void compare(Set<String> breaks, Class<?> was, Class<?> is)
      throws ReflectiveOperationException {
    if (!permitted(was).equals(permitted(is))) {
      breaks.add(
          "PERMITTED_TYPES_CHANGED %s from %s to %s"
              .formatted(was.getName(), permitted(was), permitted(is)));
    }
    for (Field field : was.getDeclaredFields()) {
      compareConstant(breaks, field, is);
    }
    if (was.isAnnotation()) {
      compareMeta(breaks, was, is);
      for (Method element : was.getDeclaredMethods()) {
        compareDefault(breaks, element, is);
      }
      for (Method element : is.getDeclaredMethods()) {
        if (element.getDefaultValue() == null && !has(was, element.getName())) {
          breaks.add("ELEMENT_WITHOUT_DEFAULT_ADDED " + is.getName() + "." + element.getName());
        }
      }
    }
  }

  /** Returns who may extend a type: nobody but those named, or everybody. */
  private static String permitted(Class<?> type) {
    return type.isSealed()
        ? Arrays.stream(type.getPermittedSubclasses())
            .map(Class::getName)
            .sorted()
            .toList()
            .toString()
        : "anybody";
  }

  private static boolean has(Class<?> type, String method) {
    return Arrays.stream(type.getDeclaredMethods()).anyMatch(one -> one.getName().equals(method));
  }

  private static void compareConstant(Set<String> breaks, Field was, Class<?> is)
      throws ReflectiveOperationException {
    boolean constant =
        Modifier.isPublic(was.getModifiers())
            && Modifier.isStatic(was.getModifiers())
            && Modifier.isFinal(was.getModifiers())
            && (was.getType().isPrimitive() || was.getType() == String.class);
    if (!constant) {
      return;
    }
    Object before = was.get(null);
    Object after;
    try {
      after = is.getField(was.getName()).get(null);
    } catch (NoSuchFieldException e) {
      return; // Told by japicmp.
    }
    if (!Objects.equals(before, after)) {
      breaks.add(
          "CONSTANT_CHANGED %s.%s from %s to %s"
              .formatted(is.getName(), was.getName(), before, after));
    }
  }

  private static void compareDefault(Set<String> breaks, Method was, Class<?> is) {
    try {
      String before = text(was.getDefaultValue());
      String after = text(is.getDeclaredMethod(was.getName()).getDefaultValue());
      // A default that comes is no break: everybody has said the value so far.
      if (was.getDefaultValue() != null && !before.equals(after)) {
        breaks.add(
            "DEFAULT_CHANGED %s.%s from %s to %s"
                .formatted(is.getName(), was.getName(), before, after));
      }
    } catch (NoSuchMethodException e) {
      return; // Told by japicmp.
    }
  }

  /** Compares where an annotation may stand and how long it is kept. */
  private static void compareMeta(Set<String> breaks, Class<?> was, Class<?> is)
      throws ReflectiveOperationException {
    for (Annotation meta : was.getDeclaredAnnotations()) {
      String before = text(meta);
      String after =
          Arrays.stream(is.getDeclaredAnnotations())
              .filter(one -> one.annotationType().equals(meta.annotationType()))
              .map(SpiBreaks::text)
              .findFirst()
              .orElse("nothing");
      if (!before.equals(after)) {
        breaks.add(
            "META_ANNOTATION_CHANGED %s from %s to %s".formatted(is.getName(), before, after));
      }
    }
  }

  /** Returns a value of an annotation in a form that does not depend on the class loader. */
  private static String text(Object value) {
    if (value instanceof Object[] many) {
      return Arrays.stream(many).map(SpiBreaks::text).sorted().toList().toString();
    }
    if (value instanceof Annotation annotation) {
      return annotation.annotationType().getName() + values(annotation);
    }
    return value instanceof Class<?> type ? type.getName() : String.valueOf(value);
  }

  private static String values(Annotation annotation) {
    return Arrays.stream(annotation.annotationType().getDeclaredMethods())
        .map(element -> element.getName() + " = " + text(value(annotation, element)))
        .sorted()
        .toList()
        .toString();
  }

  private static Object value(Annotation annotation, Method element) {
    try {
      return element.invoke(annotation);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException(element + " of an annotation cannot be read", e);
    }
  }
}
