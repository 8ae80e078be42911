/**
 * The conformance kit: runs a driver through what the interface promises and shows the shortest
 * sequence that breaks a promise.
 *
 * <p>Extend {@link io.vferry.tck.ConformanceTest} to run it with JUnit, or use {@link
 * io.vferry.tck.ConformanceKit} from a program.
 */
@org.jspecify.annotations.NullMarked
module io.vferry.tck {
  requires static org.jspecify;
  requires transitive io.vferry.spi;
  // Only ConformanceTest needs it; a program that runs the kit by itself does not.
  requires static org.junit.jupiter.api;

  exports io.vferry.tck;
  exports io.vferry.tck.report;
}
