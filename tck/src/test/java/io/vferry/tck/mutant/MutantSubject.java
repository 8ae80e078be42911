package io.vferry.tck.mutant;

import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.FeatureSet;
import io.vferry.tck.Subject;
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

  @Override
  public Optional<HostDevice> openRefusing(Arc arc, OpenContext context) {
    ReferenceChip.Refusal refusal =
        new ReferenceChip.Refusal(
            ReferenceDevice.flagsOf(arc.from()), ReferenceDevice.flagsOf(arc.to()));
    return Optional.of(new ReferenceChip(features, 1, 1, Optional.of(refusal), context));
  }
}
