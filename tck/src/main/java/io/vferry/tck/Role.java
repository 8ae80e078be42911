package io.vferry.tck;

import java.util.Locale;

/** The devices of a sequence. */
enum Role {
  SOURCE,
  DESTINATION,
  FOREIGN,
  NEWER,
  REFUSING;

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
