package io.vferry.runtime.discovery;

/** Where a service was found. */
public enum Origin {
  /** In a named module that was started together with the runtime. */
  MODULE_PATH("module path"),
  /** On the class path of the runtime. */
  CLASS_PATH("class path"),
  /** In an entry of a directory of driver jars. */
  DIRECTORY("driver directory"),
  /** Handed in by the program that embeds the runtime. */
  EMBEDDED("embedding program"),
  /** A part of the runtime itself. */
  RUNTIME("runtime");

  private final String title;

  Origin(String title) {
    this.title = title;
  }

  /** Returns the name for people. */
  public String title() {
    return title;
  }
}
