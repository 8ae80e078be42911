package io.vferry.runtime.discovery;

/**
 * How far the classes of a service are kept apart from those of other services.
 *
 * @param kind what holds its classes
 * @param reason one sentence: why this kind and no other
 */
public record Isolation(Kind kind, String reason) {

  /** What holds the classes of a service. */
  public enum Kind {
    /** Nothing of its own: it shares the libraries of the runtime. */
    HOST("host"),
    /** A module layer of its own. */
    MODULE_LAYER("module layer"),
    /** A class loader of its own. */
    CLASS_LOADER("class loader");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    /** Returns the name for people. */
    public String title() {
      return title;
    }
  }
}
