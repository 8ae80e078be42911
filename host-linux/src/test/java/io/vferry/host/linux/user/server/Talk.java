package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DeviceStateFeature;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.MalformedMessageException;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.Payload;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.state.DeviceState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A client without a socket: it hands its messages to the session itself. */
final class Talk implements AutoCloseable {

  static final String HELLO =
      "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
          + "\"write_multiple\":true}}\0";

  /** What came back. */
  record Reply(MessageHeader header, ByteBuffer payload, Answer answer) {}

  /** Memory that is reached by messages: none, unless a test gives some. */
  static final class Messages implements MemoryMessages {
    final List<String> notes = new ArrayList<>();
    final ByteBuffer memory = ByteBuffer.allocate(1 << 20);

    @Override
    public void read(long address, ByteBuffer into) {
      notes.add("read 0x%x+%d".formatted(address, into.remaining()));
      into.put(memory.slice((int) address, into.remaining()));
    }

    @Override
    public void write(long address, ByteBuffer from) {
      notes.add("write 0x%x+%d".formatted(address, from.remaining()));
      memory.slice((int) address, from.remaining()).put(from);
    }
  }

  final Messages messages = new Messages();
  final List<String> events = new ArrayList<>();
  final ServerSession session;
  private int nextId;

  Talk(HostDevice host, Optional<MigratableDevice> driven, ServerSettings settings)
      throws MigrationException {
    this.session =
        new ServerSession(
            new ServedDevice("dev", host, driven),
            settings,
            messages,
            new ServerListener() {
              @Override
              public void connected(ClientInfo client) {
                events.add("connected " + client);
              }

              @Override
              public void moved(DeviceState from, DeviceState to) {
                events.add(from + " -> " + to);
              }

              @Override
              public void refused(String command, int errno, String reason) {
                events.add("refused " + command + " " + errno + ": " + reason);
              }

              @Override
              public void unclean(String reason) {
                events.add("unclean: " + reason);
              }
            });
  }

  static Talk with(ScriptedDevice device) throws MigrationException {
    return with(device, ServerSettings.DEFAULT);
  }

  static Talk with(ScriptedDevice device, ServerSettings settings) throws MigrationException {
    return new Talk(device, Optional.of(device), settings);
  }

  /** Agrees on the version, as most clients do. */
  Talk greeted() {
    ok(Command.VERSION, version(2, HELLO));
    return this;
  }

  static ByteBuffer version(int minor, String json) {
    ByteBuffer payload =
        ByteBuffer.allocate(4 + json.length())
            .order(ByteOrder.nativeOrder())
            .putShort((short) 0)
            .putShort((short) minor);
    json.chars().forEach(letter -> payload.put((byte) letter));
    return payload.flip();
  }

  static ByteBuffer bytes(String... hex) {
    byte[] bytes = HexFormat.of().parseHex(String.join("", hex).replaceAll("\\s", ""));
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  static ByteBuffer bytes(Payload payload) {
    ByteBuffer bytes = ByteBuffer.allocate(payload.sizeBytes()).order(ByteOrder.nativeOrder());
    payload.put(bytes);
    return bytes.flip();
  }

  /** Sends a whole message; returns the whole answer. */
  ByteBuffer exchange(ByteBuffer message, ClientFile... files) {
    ByteBuffer payload =
        message
            .slice(MessageHeader.BYTES, message.remaining() - MessageHeader.BYTES)
            .order(ByteOrder.nativeOrder());
    Answer answer = session.answer(MessageHeader.peek(message), payload, List.of(files));
    ByteBuffer copy = ByteBuffer.allocate(answer.message().remaining());
    return copy.put(answer.message().duplicate()).flip().order(ByteOrder.nativeOrder());
  }

  Reply send(int command, ByteBuffer payload, ClientFile... files) {
    int id = nextId++ & 0xffff;
    MessageHeader header =
        new MessageHeader(id, command, MessageHeader.BYTES + payload.remaining(), 0, 0);
    Answer answer = session.answer(header, payload, List.of(files));
    ByteBuffer copy = ByteBuffer.allocate(answer.message().remaining());
    copy.put(answer.message().duplicate()).flip();
    MessageHeader reply;
    try {
      reply = MessageHeader.decode(copy, Integer.MAX_VALUE);
    } catch (MalformedMessageException e) {
      throw new AssertionError(e);
    }
    assertThat(reply.sizeBytes()).isEqualTo(copy.remaining());
    assertThat(reply.messageId()).isEqualTo(id);
    assertThat(reply.command()).isEqualTo(command);
    assertThat(reply.isReply()).isTrue();
    return new Reply(
        reply,
        copy.slice(MessageHeader.BYTES, copy.remaining() - MessageHeader.BYTES)
            .order(ByteOrder.nativeOrder()),
        answer);
  }

  ByteBuffer ok(Command command, ByteBuffer payload, ClientFile... files) {
    Reply reply = send(command.number(), payload, files);
    assertThat(reply.header().error()).as("%s of %s", events, command).isFalse();
    assertThat(reply.header().errno()).isZero();
    return reply.payload();
  }

  ByteBuffer ok(Command command, Payload payload, ClientFile... files) {
    return ok(command, bytes(payload), files);
  }

  /** Expects a refusal; returns the error number. */
  int refused(Command command, ByteBuffer payload, ClientFile... files) {
    return refused(command.number(), payload, files);
  }

  int refused(Command command, Payload payload, ClientFile... files) {
    return refused(command, bytes(payload), files);
  }

  int refused(int command, ByteBuffer payload, ClientFile... files) {
    Reply reply = send(command, payload, files);
    assertThat(reply.header().error()).as("refused").isTrue();
    assertThat(reply.payload().hasRemaining()).as("payload of a refusal").isFalse();
    return reply.header().errno();
  }

  static FeatureMessage state(int number) {
    return FeatureMessage.of(FeatureMessage.SET | 2, new DeviceStateFeature(number, -1));
  }

  void go(DeviceState target) {
    assertThat(ok(Command.DEVICE_FEATURE, state(target.number())))
        .isEqualTo(bytes(state(target.number())));
  }

  DeviceState state() {
    ByteBuffer reply = ok(Command.DEVICE_FEATURE, bytes("10000000 02000100"));
    return DeviceState.ofNumber(reply.getInt(8)).orElseThrow();
  }

  /** Reads migration data; returns as many as there were. */
  byte[] read(int size) {
    ByteBuffer reply = ok(Command.MIG_DATA_READ, MigrationDataMessage.read(size));
    assertThat(reply.remaining()).as("padded").isEqualTo(8 + size);
    byte[] data = new byte[reply.getInt(4)];
    reply.get(8, data);
    return data;
  }

  @Nullable String lastRefusal() {
    return events.isEmpty() ? null : events.get(events.size() - 1);
  }

  @Override
  public void close() {
    session.close();
  }
}
