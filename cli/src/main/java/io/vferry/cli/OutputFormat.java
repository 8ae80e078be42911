package io.vferry.cli;

import io.vferry.cli.manifest.Spelling;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** For whom output is meant. */
enum OutputFormat {
  TEXT,
  JSON;

  /** Reads the name as it stands on the command line. */
  static final class Converter implements ITypeConverter<OutputFormat> {
    @Override
    public OutputFormat convert(String text) {
      for (OutputFormat format : values()) {
        if (format.name().toLowerCase(Locale.ROOT).equals(text)) {
          return format;
        }
      }
      throw new TypeConversionException(
          "'" + text + "' is no format; " + Spelling.hint(text, List.of("text", "json")));
    }
  }
}
