package io.vferry.cli.manifest;

/**
 * A place in a manifest.
 *
 * @param file as the user named it
 * @param line from 1; 0 means the file as a whole
 * @param column from 1, in characters
 */
public record Place(String file, int line, int column) {

  static Place whole(String file) {
    return new Place(file, 0, 0);
  }

  /** Prints the place as compilers do, {@code file:line:column}. */
  @Override
  public String toString() {
    return line == 0 ? file : file + ":" + line + ":" + column;
  }
}
