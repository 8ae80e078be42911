/** An integrator's program: moves machines by vferry, with a port of its own. */
@org.jspecify.annotations.NullMarked
module io.vferry.examples.integrator {
  requires static org.jspecify;
  requires io.vferry.runtime;
}
