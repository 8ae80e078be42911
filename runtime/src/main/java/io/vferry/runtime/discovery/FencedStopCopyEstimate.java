package io.vferry.runtime.discovery;

import io.vferry.spi.driver.StopCopyEstimate;
import io.vferry.spi.error.MigrationException;
import java.util.OptionalLong;

/** A stop-copy estimate behind a fence. */
record FencedStopCopyEstimate(Fence fence, StopCopyEstimate inner) implements StopCopyEstimate {

  @Override
  public OptionalLong stopCopyBytes() throws MigrationException {
    return fence.call("stopCopyBytes", inner::stopCopyBytes);
  }
}
