package io.vferry.host.linux.user.wire;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.VfioUapi.Feature;
import java.nio.ByteBuffer;

/**
 * {@link Command#DEVICE_FEATURE}, as command and as reply. Which feature, and what is done with it,
 * is in the flags; what the data are depends on that.
 *
 * @param argsz in a command the largest reply the client takes, in a reply its size; in bytes
 * @param flags number of the feature and {@code VFIO_DEVICE_FEATURE_*}, as on the wire
 * @param data what follows; not copied from the message
 */
public record FeatureMessage(int argsz, int flags, ByteBuffer data) implements Payload {

  /** Size of what comes before the data. */
  public static final int FIELDS_BYTES = Feature.SIZEOF;

  /** {@code VFIO_DEVICE_FEATURE_GET}. */
  public static final int GET = VfioUapi.VFIO_DEVICE_FEATURE_GET;

  /** {@code VFIO_DEVICE_FEATURE_SET}. */
  public static final int SET = VfioUapi.VFIO_DEVICE_FEATURE_SET;

  /** {@code VFIO_DEVICE_FEATURE_PROBE}. */
  public static final int PROBE = VfioUapi.VFIO_DEVICE_FEATURE_PROBE;

  private static final int INDEX_MASK = 0xffff;

  /** Returns a message whose {@code argsz} is its own size. */
  public static FeatureMessage of(int flags, ByteBuffer data) {
    return new FeatureMessage(FIELDS_BYTES + data.remaining(), flags, data);
  }

  /** Returns the message with which a feature's data are sent. */
  public static FeatureMessage of(int flags, Payload data) {
    return of(flags, Payloads.encode(data));
  }

  /**
   * Returns a command whose reply is longer than itself.
   *
   * @param replyBytes the largest reply, in bytes
   */
  public static FeatureMessage question(int flags, Payload data, int replyBytes) {
    return new FeatureMessage(replyBytes, flags, Payloads.encode(data));
  }

  /**
   * Reads the payload of command or reply.
   *
   * @throws MalformedMessageException if it is not as specified
   */
  public static FeatureMessage decode(ByteBuffer payload) throws MalformedMessageException {
    PayloadReader in = PayloadReader.atLeast(Command.DEVICE_FEATURE, payload, FIELDS_BYTES);
    return new FeatureMessage(
        in.argsz(FIELDS_BYTES),
        in.i32(Feature.FLAGS),
        in.slice(Feature.DATA, in.sizeBytes() - FIELDS_BYTES));
  }

  /** Returns the number of the feature. */
  public int index() {
    return flags & INDEX_MASK;
  }

  /** Whether the client asks for the feature's data. */
  public boolean get() {
    return (flags & GET) != 0;
  }

  /** Whether the client gives data to the feature. */
  public boolean set() {
    return (flags & SET) != 0;
  }

  /** Whether the client only asks if it could. */
  public boolean probe() {
    return (flags & PROBE) != 0;
  }

  /** Returns the flags that this version does not know. */
  public int unknownFlags() {
    return flags & ~(INDEX_MASK | GET | SET | PROBE);
  }

  @Override
  public int sizeBytes() {
    return FIELDS_BYTES + data.remaining();
  }

  @Override
  public void put(ByteBuffer out) {
    out.putInt(argsz).putInt(flags).put(data.duplicate());
  }
}
