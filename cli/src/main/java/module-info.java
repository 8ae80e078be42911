/** The {@code vferry} command. */
@org.jspecify.annotations.NullMarked
module io.vferry.cli {
  requires static org.jspecify;
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires io.vferry.compat.v1;
  requires io.vferry.host.linux;
  requires io.vferry.runtime;
  requires io.vferry.tck;
  requires java.logging;
  requires org.snakeyaml.engine;

  opens io.vferry.cli to
      info.picocli;
}
