package io.vferry.compat.v1;

/** Settings for tests. */
final class Regions {

  private Regions() {}

  static V1RegionSettings trapped(int windowBytes) {
    return new V1RegionSettings(9, windowBytes, false, 1_000_000_000L, new TestClock());
  }

  static V1RegionSettings mapped(int windowBytes) {
    return new V1RegionSettings(9, windowBytes, true, 1_000_000_000L, new TestClock());
  }
}
