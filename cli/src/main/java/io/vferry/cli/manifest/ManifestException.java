package io.vferry.cli.manifest;

/** Something is wrong with a manifest; the message is one line that begins with the place. */
public final class ManifestException extends Exception {

  private static final long serialVersionUID = 1;

  private static final int MAX_LENGTH = 400;

  /** Creates an exception for a mistake at a place. */
  public ManifestException(Place place, String what) {
    super(oneLine(place + ": " + what));
  }

  /** Values from the file are part of messages; none may break the line or flood the screen. */
  private static String oneLine(String text) {
    StringBuilder line = new StringBuilder(Math.min(text.length(), MAX_LENGTH + 3));
    for (int i = 0; i < text.length(); i++) {
      if (line.length() >= MAX_LENGTH) {
        return line.append("...").toString();
      }
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? ' ' : c);
    }
    return line.toString();
  }
}
