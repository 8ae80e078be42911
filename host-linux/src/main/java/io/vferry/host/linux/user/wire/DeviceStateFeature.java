package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi.FeatureMigState;
import java.nio.ByteBuffer;

/**
 * Data of {@code VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE}.
 *
 * @param state number of the state, not checked
 * @param dataFd without meaning in this protocol; servers put 0 or -1, clients -1
 */
public record DeviceStateFeature(int state, int dataFd) implements Payload {

  /**
   * Reads the data of command or reply.
   *
   * @throws MalformedMessageException if they are not as specified
   */
  public static DeviceStateFeature decode(ByteBuffer data) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_FEATURE, data, FeatureMigState.SIZEOF);
    return new DeviceStateFeature(
        in.i32(FeatureMigState.DEVICE_STATE), in.i32(FeatureMigState.DATA_FD));
  }

  @Override
  public int sizeBytes() {
    return FeatureMigState.SIZEOF;
  }

  @Override
  public void put(ByteBuffer out) {
    out.putInt(state).putInt(dataFd);
  }
}
