package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.FeatureMigration;
import java.nio.ByteBuffer;

/**
 * Data of {@code VFIO_DEVICE_FEATURE_MIGRATION}.
 *
 * @param flags as in {@link io.vferry.spi.state.FeatureSet#flags()}; unknown bits are kept
 */
public record MigrationFlagsFeature(long flags) implements Payload {

  /**
   * Reads the data of a reply.
   *
   * @throws MalformedMessageException if they are not as specified
   */
  public static MigrationFlagsFeature decode(ByteBuffer data) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_FEATURE, data, FeatureMigration.SIZEOF);
    return new MigrationFlagsFeature(in.i64(FeatureMigration.FLAGS));
  }

  @Override
  public int sizeBytes() {
    return FeatureMigration.SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putLong(flags);
  }
}
