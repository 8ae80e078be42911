package io.vferry.runtime.discovery;

import io.vferry.spi.driver.PrecopyProgress;
import io.vferry.spi.error.MigrationException;

/** Pre-copy progress behind a fence. */
record FencedPrecopyProgress(Fence fence, PrecopyProgress inner) implements PrecopyProgress {

  @Override
  public Remaining remaining() throws MigrationException {
    return fence.call("remaining", inner::remaining);
  }
}
