package io.vferry.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FigureTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1048524, 1024 KiB",
    "1048525, 1.0 MiB",
    "67108864, 64.0 MiB",
    "1073741823, 1.0 GiB",
    "9223372036854775807, 8.0 EiB",
    "-1, ?"
  })
  void printsBytes(long bytes, String text) {
    assertThat(Figure.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0.00 ms", "0.214, 0.21 ms", "9.994, 9.99 ms", "9.996, 10.0 ms", "99.94, 99.9 ms",
    "99.96, 100 ms", "999.4, 999 ms", "999.6, 1.00 s", "3412, 3.41 s", "120000, 120 s"
  })
  void printsTimes(double millis, String text) {
    assertThat(Figure.millis(millis)).isEqualTo(text);
  }
}
