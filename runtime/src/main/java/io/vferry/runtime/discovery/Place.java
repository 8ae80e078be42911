package io.vferry.runtime.discovery;

import java.io.IOException;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.List;
import java.util.ServiceLoader;

/** A place in which services are looked for. */
sealed interface Place {

  /** Returns what the place is called in messages. */
  String name();

  /** Returns where the place is, for people. */
  String location();

  /** Returns a loader for a service. */
  <T> ServiceLoader<T> loader(Class<T> service);

  /** Whether a class belongs to this place, and not to one that the loader reaches as well. */
  boolean owns(Class<?> type);

  /** Returns by which way a class of this place was found. */
  Origin origin(Class<?> type);

  /** Returns where a class of this place is, for people. */
  String location(Class<?> type);

  /** Returns how this place is kept apart from others. */
  Isolation isolation();

  /** Releases what an unused place holds open. */
  void discard() throws IOException;

  /** The module path and the class path on which the runtime itself was started. */
  record Host(ClassLoader loader) implements Place {

    @Override
    public String name() {
      return "host";
    }

    @Override
    public String location() {
      return "module path and class path of the runtime";
    }

    @Override
    public <T> ServiceLoader<T> loader(Class<T> service) {
      return load(service, loader);
    }

    @Override
    public boolean owns(Class<?> type) {
      return true;
    }

    @Override
    public Origin origin(Class<?> type) {
      return type.getModule().isNamed() ? Origin.MODULE_PATH : Origin.CLASS_PATH;
    }

    @Override
    public String location(Class<?> type) {
      CodeSource source = type.getProtectionDomain().getCodeSource();
      if (source == null || source.getLocation() == null) {
        return location();
      }
      return "file".equals(source.getLocation().getProtocol())
          ? Path.of(java.net.URI.create(source.getLocation().toString())).toString()
          : source.getLocation().toString();
    }

    @Override
    public Isolation isolation() {
      return new Isolation(
          Isolation.Kind.HOST, "what is started together with the runtime shares its libraries");
    }

    @Override
    public void discard() {}
  }

  /** An entry of a driver directory: a jar or a folder of jars. */
  sealed interface Entry extends Place {

    Path path();

    @Override
    default String name() {
      return String.valueOf(path().getFileName());
    }

    @Override
    default String location() {
      return path().toString();
    }

    @Override
    default Origin origin(Class<?> type) {
      return Origin.DIRECTORY;
    }

    @Override
    default String location(Class<?> type) {
      return location();
    }
  }

  /** An entry of a driver directory whose jars are modules of a layer of their own. */
  record Layer(Path path, ModuleLayer layer) implements Entry {

    @Override
    public <T> ServiceLoader<T> loader(Class<T> service) {
      return load(service, layer);
    }

    /** The loader of a layer goes on to the layer's parents. */
    @Override
    public boolean owns(Class<?> type) {
      return type.getModule().getLayer() == layer;
    }

    @Override
    public Isolation isolation() {
      return new Isolation(
          Isolation.Kind.MODULE_LAYER, "all its jars are explicit modules, as the runtime is");
    }

    /** Does nothing: the files of a layer are closed when it is garbage. */
    @Override
    public void discard() {}
  }

  /**
   * An entry of a driver directory whose jars share a class loader of their own.
   *
   * @param unreached services that module descriptors of the entry offer, which do not count here
   */
  record Loader(Path path, URLClassLoader loader, String reason, List<String> unreached)
      implements Entry {

    @Override
    public <T> ServiceLoader<T> loader(Class<T> service) {
      return load(service, loader);
    }

    @Override
    public boolean owns(Class<?> type) {
      return type.getClassLoader() == loader;
    }

    @Override
    public Isolation isolation() {
      return new Isolation(Isolation.Kind.CLASS_LOADER, reason);
    }

    @Override
    public void discard() throws IOException {
      loader.close();
    }
  }

  private static <T> ServiceLoader<T> load(Class<T> service, ClassLoader loader) {
    return ServiceLoader.load(service, loader);
  }

  private static <T> ServiceLoader<T> load(Class<T> service, ModuleLayer layer) {
    return ServiceLoader.load(layer, service);
  }
}
