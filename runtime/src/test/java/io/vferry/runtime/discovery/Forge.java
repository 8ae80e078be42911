package io.vferry.runtime.discovery;

import io.vferry.spi.driver.MigrationDriver;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** Makes jars of vendors out of sources, with the compiler of the JDK that runs the test. */
final class Forge {

  private final Path workshop;
  private int count;

  /** Creates a forge that works in an empty directory of its own. */
  Forge(Path workshop) {
    this.workshop = workshop;
  }

  /** A jar that is being made. */
  final class Jar {

    private final Map<String, String> sources = new LinkedHashMap<>();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final List<Path> libraries = new ArrayList<>();

    /** Adds a source file, for example {@code acme/Driver.java}. */
    Jar source(String path, String text) {
      sources.put(path, text);
      return this;
    }

    /** Adds a driver with the given id. */
    Jar driver(String className, String id) {
      return driver(className, id, DriverSource.standard());
    }

    /** Adds a driver that is written differently. */
    Jar driver(String className, String id, DriverSource source) {
      return source(className.replace('.', '/') + ".java", source.text(className, id));
    }

    /** Adds any file. */
    Jar file(String path, String text) {
      files.put(path, text.getBytes(StandardCharsets.UTF_8));
      return this;
    }

    /** Declares services as plain jars do. */
    Jar services(Class<?> service, String... classNames) {
      return file("META-INF/services/" + service.getName(), String.join("\n", classNames) + "\n");
    }

    /** Compiles against other jars or directories of classes. */
    Jar against(Path... more) {
      libraries.addAll(Arrays.asList(more));
      return this;
    }

    /** Writes the jar. */
    Path to(Path jar) throws IOException {
      Map<String, byte[]> content = new LinkedHashMap<>(compile());
      content.putAll(files);
      Files.createDirectories(jar.getParent());
      try (OutputStream out = Files.newOutputStream(jar);
          JarOutputStream zip = new JarOutputStream(out)) {
        for (Map.Entry<String, byte[]> entry : content.entrySet()) {
          zip.putNextEntry(new JarEntry(entry.getKey()));
          zip.write(entry.getValue());
          zip.closeEntry();
        }
      }
      return jar;
    }

    private Map<String, byte[]> compile() throws IOException {
      if (sources.isEmpty()) {
        return Map.of();
      }
      Path in = workshop.resolve("in" + count);
      Path out = workshop.resolve("out" + count++);
      String path =
          Stream.concat(Stream.of(place(MigrationDriver.class)), libraries.stream())
              .map(Path::toString)
              .reduce((a, b) -> a + java.io.File.pathSeparator + b)
              .orElseThrow();
      List<String> arguments =
          new ArrayList<>(List.of("-d", out.toString(), "-proc:none", "-nowarn", "-Xlint:none"));
      boolean module = sources.containsKey("module-info.java");
      arguments.addAll(List.of(module ? "--module-path" : "--class-path", path));
      for (Map.Entry<String, String> source : sources.entrySet()) {
        Path file = in.resolve(source.getKey());
        Files.createDirectories(file.getParent());
        Files.writeString(file, source.getValue());
        arguments.add(file.toString());
      }
      StringWriter messages = new StringWriter();
      PrintWriter writer = new PrintWriter(messages);
      int status =
          ToolProvider.findFirst("javac")
              .orElseThrow()
              .run(writer, writer, arguments.toArray(String[]::new));
      if (status != 0) {
        throw new IllegalStateException("javac: " + messages);
      }
      return read(out);
    }
  }

  /** Begins a jar. */
  Jar jar() {
    return new Jar();
  }

  /** Returns where a class was loaded from. */
  static Path place(Class<?> type) {
    URI uri;
    try {
      uri = type.getProtectionDomain().getCodeSource().getLocation().toURI();
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
    return Path.of(uri);
  }

  private static Map<String, byte[]> read(Path directory) throws IOException {
    Map<String, byte[]> content = new LinkedHashMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        content.put(
            directory.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
      }
    }
    return content;
  }
}
