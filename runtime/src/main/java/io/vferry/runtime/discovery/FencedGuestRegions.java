package io.vferry.runtime.discovery;

import io.vferry.spi.driver.GuestRegions;
import io.vferry.spi.error.MigrationException;
import java.util.Map;

/**
 * What the guest gets of the regions, asked once.
 *
 * @param limitsBytes as in {@link GuestRegions#limitsBytes()}
 */
record FencedGuestRegions(Map<Integer, Long> limitsBytes) implements GuestRegions {

  /** Asks. */
  static FencedGuestRegions ask(Fence fence, GuestRegions inner) throws MigrationException {
    return new FencedGuestRegions(
        fence.call(
            "limitsBytes",
            () -> {
              Map<Integer, Long> limits = Map.copyOf(inner.limitsBytes());
              for (Map.Entry<Integer, Long> limit : limits.entrySet()) {
                if (limit.getKey() < 0 || limit.getValue() < 0) {
                  throw fence.broken("limitsBytes has a limit below 0: " + limits);
                }
              }
              return limits;
            }));
  }
}
