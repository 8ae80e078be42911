package io.vferry.host.linux.user.client;

import io.vferry.host.linux.Companions;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A server that behaves as libvfio-user's with its sample device, as observed on the versions of
 * January and June 2026: where it differs from the text of the protocol, this differs alike. Shares
 * no code with what it tests.
 */
final class LibvfioUser {

  /** What a reset does to the migration state. */
  enum Version {
    JANUARY,
    JUNE
  }

  /** A message to the client. */
  record Answer(byte[] bytes, List<Fd> files) {}

  /** Answers a command in another way than usual. */
  @FunctionalInterface
  interface Responder {
    /** Answers it; {@code usual} does as usual and returns the answer to that. */
    List<Answer> answer(ByteBuffer message, List<Fd> files, Supplier<List<Answer>> usual);
  }

  static final int EINVAL = 22;
  static final int RUNNING = 2;
  private static final int STOP = 1;
  private static final int STOP_COPY = 3;
  private static final int RESUMING = 4;
  private static final int PRE_COPY = 6;

  /** A body beyond this does not arrive at once. */
  private static final int ARRIVES_AT_ONCE = 36_600;

  final Version version;
  final byte[] bar;
  final List<Integer> commands = new ArrayList<>();
  int largestBody;
  int state = RUNNING;
  int resets;
  String versionJson =
      "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
          + "\"migration\":{\"pgsize\":4096}}}";

  private final Map<Integer, Responder> responders = new HashMap<>();
  private int streamAt;
  private final ByteArrayOutputStream loaded = new ByteArrayOutputStream();
  private boolean silent;

  LibvfioUser(Version version, int barBytes) {
    this.version = version;
    this.bar = new byte[barBytes];
  }

  /** Has one command answered in another way. */
  final LibvfioUser on(int command, Responder responder) {
    responders.put(command, responder);
    return this;
  }

  /** Answers a message. */
  final List<Answer> answer(ByteBuffer message, List<Fd> files) {
    Responder responder = responders.get((int) message.getShort(2));
    return responder == null
        ? usual(message)
        : responder.answer(message, files, () -> usual(message));
  }

  /** A command has at most one answer. */
  private List<Answer> usual(ByteBuffer message) {
    ByteBuffer in = message.duplicate().order(ByteOrder.nativeOrder());
    int command = in.getShort(2);
    commands.add(command);
    largestBody = Math.max(largestBody, in.remaining() - 16);
    if (silent) {
      return List.of();
    }
    if (in.remaining() - 16 > ARRIVES_AT_ONCE) {
      silent = true;
      return List.of(refusal(in));
    }
    if ((state == STOP || state == STOP_COPY) && !allowedStopped(command)) {
      return List.of(refusal(in));
    }
    return List.of(
        switch (command) {
          case 1 -> version(in);
          case 2 -> reply(in, new byte[0]);
          case 3 -> reply(in, body(in));
          case 4 -> reply(in, ints(16, 3, 9, 5));
          case 5 -> regionInfo(in);
          case 7 -> in.getInt(24) < 5 ? reply(in, ints(16, 1, in.getInt(24), 1)) : refusal(in);
          case 8 -> reply(in, new byte[0]);
          case 9 -> regionRead(in);
          case 10 -> regionWrite(in);
          case 13 -> reset(in);
          case 16 -> feature(in);
          case 17 -> dataRead(in);
          case 18 -> dataWrite(in);
          default -> refusal(in);
        });
  }

  private boolean allowedStopped(int command) {
    return command == 1
        || command == 16
        || command == 17
        || (state == STOP && (command == 9 || command == 10));
  }

  private Answer version(ByteBuffer in) {
    byte[] json = versionJson.getBytes(StandardCharsets.UTF_8);
    return reply(in, Arrays.copyOf(concat(new byte[4], json), 4 + json.length + 1));
  }

  private Answer regionInfo(ByteBuffer in) {
    int index = in.getInt(24);
    if (index >= 9) {
      return refusal(in);
    }
    int size = index == 0 ? bar.length : index == 7 ? 256 : 0;
    return reply(in, region(index, size > 0 ? 3 : 0, size, 0, new byte[0]));
  }

  /** Returns the description of a region, with its capabilities behind. */
  static byte[] region(int index, int flags, long size, long offset, byte[] capabilities) {
    int argsz = 32 + capabilities.length;
    return ByteBuffer.allocate(argsz)
        .order(ByteOrder.nativeOrder())
        .putInt(argsz)
        .putInt(flags)
        .putInt(index)
        .putInt(capabilities.length > 0 ? 32 : 0)
        .putLong(size)
        .putLong(offset)
        .put(capabilities)
        .array();
  }

  private Answer regionRead(ByteBuffer in) {
    int offset = (int) in.getLong(16);
    int region = in.getInt(24);
    int count = in.getInt(28);
    byte[] from = region == 0 ? bar : region == 7 ? new byte[256] : new byte[0];
    if (offset + count > from.length) {
      // A failing access sends its buffer along.
      return new Answer(message(in, 0x21, EINVAL, new byte[16 + count]), List.of());
    }
    return reply(in, concat(slice(in, 16, 16), Arrays.copyOfRange(from, offset, offset + count)));
  }

  private Answer regionWrite(ByteBuffer in) {
    int offset = (int) in.getLong(16);
    int count = in.getInt(28);
    if (in.getInt(24) != 0 || offset + count > bar.length || in.remaining() != 32 + count) {
      return refusal(in);
    }
    in.get(32, bar, offset, count);
    return reply(in, slice(in, 16, 16));
  }

  private Answer reset(ByteBuffer in) {
    resets++;
    Arrays.fill(bar, (byte) 0);
    if (version == Version.JANUARY) {
      state = RUNNING;
    }
    return reply(in, new byte[0]);
  }

  private Answer feature(ByteBuffer in) {
    int flags = in.getInt(20);
    boolean set = (flags & 0x20000) != 0;
    return switch (flags & 0xffff) {
      case 1 ->
          reply(in, concat(slice(in, 16, 8), ByteBuffer.allocate(8).put(0, (byte) 5).array()));
      case 2 -> set ? setState(in) : reply(in, concat(slice(in, 16, 8), ints(state, 0)));
      default -> refusalWithBody(in);
    };
  }

  private Answer setState(ByteBuffer in) {
    int target = in.getInt(24);
    boolean known =
        target == STOP
            || target == RUNNING
            || target == STOP_COPY
            || target == RESUMING
            || target == PRE_COPY;
    if (!known || (state == STOP_COPY && target == PRE_COPY)) {
      return refusalWithBody(in);
    }
    if (state == RESUMING && target != RESUMING && !load()) {
      return refusalWithBody(in);
    }
    if (target != state) {
      // Each entry into one of these begins the stream anew.
      streamAt = 0;
      loaded.reset();
    }
    state = target;
    return reply(in, body(in));
  }

  private boolean load() {
    byte[] data = loaded.toByteArray();
    if (data.length != 0 && data.length != bar.length) {
      return false;
    }
    System.arraycopy(data, 0, bar, 0, data.length);
    return true;
  }

  private Answer dataRead(ByteBuffer in) {
    int size = in.getInt(20);
    if ((state != PRE_COPY && state != STOP_COPY) || in.getInt(16) < 8 + size) {
      return refusal(in);
    }
    int count = Math.min(size, bar.length - streamAt);
    // As long as what was asked for, whatever there is.
    ByteBuffer body = ByteBuffer.allocate(8 + size).order(ByteOrder.nativeOrder());
    body.putInt(8 + count).putInt(count).put(bar, streamAt, count);
    streamAt += count;
    return reply(in, body.array());
  }

  private Answer dataWrite(ByteBuffer in) {
    int size = in.getInt(20);
    if (state != RESUMING || in.getInt(16) < 8 + size || in.remaining() != 24 + size) {
      return refusal(in);
    }
    loaded.writeBytes(slice(in, 24, size));
    return reply(in, new byte[0]);
  }

  static Answer reply(ByteBuffer in, byte[] body, Fd... files) {
    return new Answer(message(in, 1, 0, body), List.of(files));
  }

  static Answer refusal(ByteBuffer in) {
    return refusal(in, EINVAL);
  }

  static Answer refusal(ByteBuffer in, int errno) {
    return new Answer(message(in, 0x21, errno, new byte[0]), List.of());
  }

  /** A refused feature repeats the question. */
  private static Answer refusalWithBody(ByteBuffer in) {
    return new Answer(message(in, 0x21, EINVAL, body(in)), List.of());
  }

  static byte[] message(ByteBuffer in, int flags, int error, byte[] body) {
    return ByteBuffer.allocate(16 + body.length)
        .order(ByteOrder.nativeOrder())
        .putShort(in.getShort(0))
        .putShort(in.getShort(2))
        .putInt(16 + body.length)
        .putInt(flags)
        .putInt(error)
        .put(body)
        .array();
  }

  static byte[] body(ByteBuffer in) {
    return slice(in, 16, in.remaining() - 16);
  }

  static byte[] slice(ByteBuffer in, int from, int length) {
    byte[] bytes = new byte[length];
    in.get(from, bytes);
    return bytes;
  }

  static byte[] concat(byte[] first, byte[] second) {
    byte[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  static byte[] ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    for (int value : values) {
      bytes.putInt(value);
    }
    return bytes.array();
  }

  /** This server at the other end of a connection in the same thread. */
  FakePeer connection() {
    return new FakePeer() {
      @Override
      void hear(ByteBuffer message, List<Fd> files) {
        answer(message, files)
            .forEach(answer -> say(answer.bytes, answer.files.toArray(Fd[]::new)));
      }
    };
  }

  /** Returns a client of this server, in the same thread. */
  VfioUserDevice open(String parameters) throws MigrationException {
    DeviceAddress address = DeviceAddress.parse("vfio-user:/run/test.sock" + parameters);
    return VfioUserBackend.open(
        address, ClientParameters.of(address), NoClock.INSTANCE, Companions.NONE, connection());
  }
}
