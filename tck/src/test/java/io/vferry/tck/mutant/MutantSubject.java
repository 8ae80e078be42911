package io.vferry.tck.mutant;

import io.vferry.spi.driver.ArcOutcome;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.FeatureSet;
import io.vferry.tck.Subject;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A reference accelerator with a driver that may have a mistake. */
final class MutantSubject implements Subject {

  private final ReferenceDriver driver;
  private final FeatureSet features;

  MutantSubject(@Nullable Mutation mutation, FeatureSet features) {
    this.driver = new ReferenceDriver(mutation);
    this.features = features;
  }

  @Override
  public MigrationDriver driver() {
    return driver;
  }

  @Override
  public HostDevice open(OpenContext context) {
    return new ReferenceChip(features, 1, 1, Optional.empty(), context);
  }

  @Override
  public Optional<HostDevice> openForeign(OpenContext context) {
    return Optional.of(new ReferenceChip(features, 2, 1, Optional.empty(), context));
  }

  @Override
  public Optional<HostDevice> openNewer(OpenContext context) {
    return Optional.of(new ReferenceChip(features, 1, 2, Optional.empty(), context));
  }

  /** What the driver without a mistake wrote for a chip with older firmware. */
  @Override
  public List<byte[]> earlierStreams() {
    OpenContext context = new OpenContext("earlier", new StandingClock());
    try (HostDevice chip = new ReferenceChip(features, 1, 0, Optional.empty(), context);
        MigratableDevice device = new ReferenceDriver(null).attach(chip)) {
      Arc first = features.p2p() ? Arc.RUNNING_TO_RUNNING_P2P : Arc.RUNNING_TO_STOP;
      device.perform(first);
      if (features.p2p()) {
        device.perform(Arc.RUNNING_P2P_TO_STOP);
      }
      ByteBuffer stream = ByteBuffer.allocate(1 << 16);
      if (device.perform(Arc.STOP_TO_STOP_COPY) instanceof ArcOutcome.Saving saving) {
        while (saving.stream().read(stream) != SaveStream.Status.END) {
          continue;
        }
      }
      return List.of(Arrays.copyOf(stream.array(), stream.position()));
    } catch (MigrationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Time that stands still. */
  private static final class StandingClock implements HostClock {

    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public void sleep(long nanos) {}

    @Override
    public Scheduled schedule(long delayNanos, Runnable task) {
      return () -> {};
    }
  }

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) {
    ReferenceChip.Refusal refusal =
        new ReferenceChip.Refusal(
            ReferenceDevice.flagsOf(arc.from()), ReferenceDevice.flagsOf(arc.to()));
    return Optional.of(new ReferenceChip(features, 1, 1, Optional.of(refusal), context));
  }
}
