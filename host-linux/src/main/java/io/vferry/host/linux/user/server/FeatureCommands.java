package io.vferry.host.linux.user.server;

import io.vferry.host.linux.VfioUapi;
import io.vferry.host.linux.user.wire.DeviceStateFeature;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MigrationFlagsFeature;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** What a client asks of the device's features: states and the log of DMA. */
final class FeatureCommands {

  private final @Nullable MigrationSession migration;
  private final @Nullable LoggingSession logging;
  private final int largestBitmapBytes;
  private final ServerListener listener;

  /**
   * Creates one.
   *
   * @param migration null if the device cannot be migrated here
   * @param logging null if there is no log
   */
  FeatureCommands(
      @Nullable MigrationSession migration,
      @Nullable LoggingSession logging,
      int largestBitmapBytes,
      ServerListener listener) {
    this.migration = migration;
    this.logging = logging;
    this.largestBitmapBytes = largestBitmapBytes;
    this.listener = listener;
  }

  /** Answers for the feature that the payload names. */
  void answer(ByteBuffer payload, ByteBuffer out) throws Refusal, MalformedMessageException {
    FeatureMessage message = FeatureMessage.decode(payload);
    if (message.unknownFlags() != 0) {
      throw Refusal.invalid("flags 0x%x are not known".formatted(message.unknownFlags()));
    }
    if (!message.probe() && message.get() == message.set()) {
      throw Refusal.invalid("a feature is either asked for or set");
    }
    switch (message.index()) {
      case VfioUapi.VFIO_DEVICE_FEATURE_MIGRATION -> {
        MigrationSession session = migration();
        get(message, new MigrationFlagsFeature(session.features().flags()), out);
      }
      case VfioUapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE -> deviceState(message, out);
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START -> loggingStart(message, out);
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP -> {
        LoggingSession log = logging();
        if (settable(message)) {
          log.stop();
        }
        message.put(out);
      }
      case VfioUapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT -> loggingReport(message, out);
      case VfioUapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE -> {
        if (!migration().estimates()) {
          throw Refusal.invalid("the device makes no estimate");
        }
        if (message.probe()) {
          get(message, Payload.NONE, out);
        } else {
          ByteBuffer estimate =
              ByteBuffer.allocate(Long.BYTES)
                  .order(ByteOrder.nativeOrder())
                  .putLong(0, migration().stopCopyBytes());
          reply(message, estimate, out);
        }
      }
      default -> throw Refusal.invalid("feature %d is not known".formatted(message.index()));
    }
  }

  /** Answers for a feature that can only be asked for. */
  private static void get(FeatureMessage message, Payload data, ByteBuffer out) throws Refusal {
    if (message.set()) {
      throw Refusal.invalid("feature %d cannot be set".formatted(message.index()));
    }
    if (message.probe()) {
      message.put(out);
      return;
    }
    ByteBuffer bytes = ByteBuffer.allocate(data.sizeBytes()).order(ByteOrder.nativeOrder());
    data.put(bytes);
    reply(message, bytes.flip(), out);
  }

  /** Whether a feature that can only be set is to be set now, or only probed. */
  private static boolean settable(FeatureMessage message) throws Refusal {
    if (message.get()) {
      throw Refusal.invalid("feature %d can only be set".formatted(message.index()));
    }
    return !message.probe();
  }

  private static void reply(FeatureMessage message, ByteBuffer data, ByteBuffer out)
      throws Refusal {
    int size = FeatureMessage.FIELDS_BYTES + data.remaining();
    if (message.argsz() < size) {
      throw Refusal.invalid(
          "argsz is %d, but the reply has %d bytes".formatted(message.argsz(), size));
    }
    new FeatureMessage(size, message.flags(), data).put(out);
  }

  private void deviceState(FeatureMessage message, ByteBuffer out)
      throws Refusal, MalformedMessageException {
    MigrationSession session = migration();
    if (message.probe()) {
      message.put(out);
    } else if (message.get()) {
      get(message, new DeviceStateFeature(session.state().number(), 0), out);
    } else {
      DeviceStateFeature wish = DeviceStateFeature.decode(message.data());
      DeviceState from = session.setState(wish.state());
      DeviceState now = DeviceState.ofNumber(wish.state()).orElse(from);
      if (from != now) {
        listener.moved(from, now);
      }
      message.put(out);
    }
  }

  private void loggingStart(FeatureMessage message, ByteBuffer out)
      throws Refusal, MalformedMessageException {
    LoggingSession log = logging();
    if (!settable(message)) {
      message.put(out);
      return;
    }
    LoggingStartFeature wish = LoggingStartFeature.decode(message.data());
    long used = log.start(wish);
    FeatureMessage.of(message.flags(), new LoggingStartFeature(used, wish.ranges())).put(out);
  }

  private void loggingReport(FeatureMessage message, ByteBuffer out)
      throws Refusal, MalformedMessageException {
    LoggingSession log = logging();
    if (message.set()) {
      throw Refusal.invalid("the log can only be asked for");
    }
    if (message.probe()) {
      message.put(out);
      return;
    }
    LoggingReportFeature question = LoggingReportFeature.decode(message.data());
    if (question.bitmapBytes() > largestBitmapBytes) {
      throw Refusal.invalid(
          "0x%x bytes in pages of %s make no bitmap that fits into a message"
              .formatted(question.length(), Long.toUnsignedString(question.pageSize())));
    }
    int size =
        FeatureMessage.FIELDS_BYTES
            + LoggingReportFeature.FIELDS_BYTES
            + (int) question.bitmapBytes();
    if (message.argsz() < size) {
      throw Refusal.invalid(
          "argsz is %d, but the reply has %d bytes".formatted(message.argsz(), size));
    }
    // Asking clears the log, so everything is checked before.
    ByteBuffer words = log.report(question);
    FeatureMessage.of(
            message.flags(),
            new LoggingReportFeature(
                question.iova(), question.length(), question.pageSize(), words))
        .put(out);
  }

  private MigrationSession migration() throws Refusal {
    if (migration == null) {
      throw Refusal.noMigration();
    }
    return migration;
  }

  private LoggingSession logging() throws Refusal {
    if (logging == null) {
      throw Refusal.invalid("the device does not log its DMA");
    }
    return logging;
  }
}
