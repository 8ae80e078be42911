package io.vferry.spi.vm;

import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Map;

/** Proves on the destination that each write and each task arrived exactly once. */
public interface GuestAudit {

  /**
   * The verdict.
   *
   * @param counts what was checked, by name in kebab case, for example {@code dma-writes}
   * @param violations one sentence each; empty if all is well
   */
  record Verdict(Map<String, Long> counts, List<String> violations) {
    /** Creates a verdict; map and list are copied. */
    public Verdict {
      counts = Map.copyOf(counts);
      violations = List.copyOf(violations);
    }
  }

  /**
   * Checks memory and devices after the load and before the guest runs; changes nothing.
   *
   * @throws MigrationException {@code IO_FAILED} if something could not be looked at, which is no
   *     verdict
   */
  Verdict audit() throws MigrationException;
}
