package io.vferry.runtime.discovery;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Adds to a failure to load or link classes what it means for whoever put the jar there. */
final class Linkage {

  private static final Pattern SPI_NAME = Pattern.compile("io[./]vferry[./]spi[./][\\w./$]+");

  private Linkage() {}

  static String explain(Throwable thrown) {
    String text = Thrown.describe(thrown);
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof UnsupportedClassVersionError) {
        return text
            + " (the jar was compiled for a newer Java than the %d that runs here)"
                .formatted(Runtime.version().feature());
      }
      if (at instanceof NoClassDefFoundError || at instanceof IncompatibleClassChangeError) {
        return text + hint(at);
      }
      if (at.getCause() == at) {
        break;
      }
    }
    return text;
  }

  private static String hint(Throwable missing) {
    Matcher matcher = SPI_NAME.matcher(Thrown.describe(missing));
    if (matcher.find()) {
      return " (this runtime offers version %s of the driver interface, which lacks it)"
          .formatted(SpiVersion.offered());
    }
    return " (a library is missing: put it beside the driver's jar, in a directory of their own)";
  }
}
