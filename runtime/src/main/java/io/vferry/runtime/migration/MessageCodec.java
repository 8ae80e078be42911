package io.vferry.runtime.migration;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.DeviceCondition;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.vm.GuestAudit;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Writes and reads control messages: a kind byte, then the fields in order, big endian, lists with
 * their length first. The reader checks each length against a bound before it makes room.
 */
public final class MessageCodec {

  private static final int MAX_TEXT = 16_384;
  private static final int MAX_DEVICES = 4096;
  private static final int MAX_RANGES = 4096;
  private static final int MAX_ENTRIES = 1024;
  private static final int MAX_ARC_TIMES = MAX_DEVICES * Arc.values().length;
  private static final int DIGEST_BYTES = 32;

  private MessageCodec() {}

  /** Returns the bytes of a message, ready to be read. */
  public static ByteBuffer encode(Message message) {
    Writer out = new Writer();
    if (message instanceof Message.Offer offer) {
      out.u8(1).text(offer.vm()).i64(offer.pageSizeBytes());
      out.list(offer.memory(), range -> out.i64(range.start()).i64(range.length()));
      out.list(
          offer.devices(),
          device ->
              out.text(device.id())
                  .text(device.driver())
                  .text(device.driverVersion())
                  .u8(device.features().flags())
                  .map(device.description(), out::text));
    } else if (message instanceof Message.Admitted admitted) {
      out.u8(2);
      out.list(
          admitted.arcTimes(),
          time ->
              out.i32(time.device())
                  .u8(time.arc().from().number())
                  .u8(time.arc().to().number())
                  .i64(time.nanos()));
    } else if (message instanceof Message.Refused refused) {
      out.u8(3).list(refused.problems(), out::problem);
    } else if (message instanceof Message.InitialDataSent sent) {
      out.u8(4).i32(sent.device()).i32(sent.generation()).i64(sent.chunks());
    } else if (message instanceof Message.InitialDataLoaded loaded) {
      out.u8(5).i32(loaded.device()).i32(loaded.generation());
    } else if (message instanceof Message.Switchover) {
      out.u8(6);
    } else if (message instanceof Message.StreamEnd end) {
      out.u8(7).i32(end.stream()).i64(end.chunks()).i64(end.bytes()).bytes(end.digest());
    } else if (message instanceof Message.Ready ready) {
      out.u8(8).u8(ready.audited() ? 1 : 0);
      out.map(ready.audit().counts(), out::i64);
      out.list(ready.audit().violations(), out::text);
    } else if (message instanceof Message.Commit) {
      out.u8(9);
    } else if (message instanceof Message.Running) {
      out.u8(10);
    } else if (message instanceof Message.Abort abort) {
      out.u8(11).problem(abort.problem());
    } else if (message instanceof Message.StartFailed failed) {
      out.u8(12).problem(failed.problem());
    }
    return out.done();
  }

  /**
   * Reads a message that a peer sent.
   *
   * @throws MigrationException {@code PROTOCOL_VIOLATION} if it is none, with the place
   */
  public static Message decode(ByteBuffer bytes) throws MigrationException {
    Reader in = new Reader(bytes.duplicate().order(ByteOrder.BIG_ENDIAN));
    try {
      Message message = decode(in);
      in.end();
      return message;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new MigrationException(
          RuntimeError.PROTOCOL_VIOLATION,
          "the peer sent a control message that cannot be read at byte "
              + in.position()
              + (e.getMessage() == null ? ": it is cut short" : ": " + e.getMessage()),
          e);
    }
  }

  private static Message decode(Reader in) {
    int kind = in.u8();
    return switch (kind) {
      case 1 ->
          new Message.Offer(
              in.text(),
              in.i64(),
              in.list(MAX_RANGES, r -> new MemoryRange(r.i64(), r.i64())),
              in.list(
                  MAX_DEVICES,
                  r ->
                      new Message.OfferedDevice(
                          r.text(), r.text(), r.text(), r.features(), r.map(Reader::text))));
      case 2 -> new Message.Admitted(in.list(MAX_ARC_TIMES, Reader::arcTime));
      case 3 -> new Message.Refused(in.list(MAX_DEVICES, Reader::problem));
      case 4 -> new Message.InitialDataSent(in.i32(), in.i32(), in.i64());
      case 5 -> new Message.InitialDataLoaded(in.i32(), in.i32());
      case 6 -> new Message.Switchover();
      case 7 -> new Message.StreamEnd(in.i32(), in.i64(), in.i64(), in.bytes(DIGEST_BYTES));
      case 8 -> {
        boolean audited = in.flag();
        yield new Message.Ready(
            new GuestAudit.Verdict(in.map(Reader::i64), in.list(MAX_ENTRIES, Reader::text)),
            audited);
      }
      case 9 -> new Message.Commit();
      case 10 -> new Message.Running();
      case 11 -> new Message.Abort(in.problem());
      case 12 -> new Message.StartFailed(in.problem());
      default -> throw new IllegalArgumentException("there is no message of kind " + kind);
    };
  }

  private static final class Writer {

    private ByteBuffer out = ByteBuffer.allocate(256);

    private ByteBuffer room(int bytes) {
      if (out.remaining() < bytes) {
        ByteBuffer larger =
            ByteBuffer.allocate(Math.max(out.capacity() * 2, out.position() + bytes));
        out = larger.put(out.flip());
      }
      return out;
    }

    Writer u8(int value) {
      room(1).put((byte) value);
      return this;
    }

    Writer i32(int value) {
      room(4).putInt(value);
      return this;
    }

    Writer i64(long value) {
      room(8).putLong(value);
      return this;
    }

    Writer bytes(ByteBuffer value) {
      i32(value.remaining());
      room(value.remaining()).put(value.duplicate());
      return this;
    }

    /** Cuts what is longer than the reader takes; only texts for people can be. */
    Writer text(String value) {
      String cut = value.length() <= MAX_TEXT / 4 ? value : value.substring(0, MAX_TEXT / 4);
      return bytes(StandardCharsets.UTF_8.encode(cut));
    }

    <T> Writer list(List<T> values, java.util.function.Consumer<T> each) {
      i32(values.size());
      values.forEach(each);
      return this;
    }

    <T> Writer map(Map<String, T> values, java.util.function.Consumer<T> each) {
      i32(values.size());
      values.forEach(
          (key, value) -> {
            text(key);
            each.accept(value);
          });
      return this;
    }

    Writer problem(Problem problem) {
      return text(problem.code())
          .text(problem.device().orElse(""))
          .text(problem.text())
          .u8(problem.state().map(DeviceState::number).orElse(255))
          .u8(problem.condition().ordinal());
    }

    ByteBuffer done() {
      return out.flip();
    }
  }

  private static final class Reader {

    private final ByteBuffer in;

    Reader(ByteBuffer in) {
      this.in = in;
    }

    int position() {
      return in.position();
    }

    int u8() {
      return in.get() & 0xff;
    }

    int i32() {
      return in.getInt();
    }

    long i64() {
      return in.getLong();
    }

    boolean flag() {
      int value = u8();
      if (value > 1) {
        throw new IllegalArgumentException(value + " is neither true nor false");
      }
      return value == 1;
    }

    private int length(int most) {
      int length = in.getInt();
      if (length < 0 || length > most) {
        throw new IllegalArgumentException("length " + length + " is not from 0 to " + most);
      }
      return length;
    }

    ByteBuffer bytes(int most) {
      int length = length(most);
      if (length > in.remaining()) {
        throw new BufferUnderflowException();
      }
      ByteBuffer value = ByteBuffer.allocate(length).put(in.slice(in.position(), length)).flip();
      in.position(in.position() + length);
      return value.asReadOnlyBuffer();
    }

    String text() {
      try {
        CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(bytes(MAX_TEXT));
        return text.toString();
      } catch (CharacterCodingException e) {
        throw new IllegalArgumentException("a text is no UTF-8", e);
      }
    }

    <T> List<T> list(int most, Function<Reader, T> each) {
      int length = length(most);
      List<T> values = new ArrayList<>();
      for (int i = 0; i < length; i++) {
        values.add(each.apply(this));
      }
      return values;
    }

    <T> Map<String, T> map(Function<Reader, T> each) {
      int length = length(MAX_ENTRIES);
      Map<String, T> values = new LinkedHashMap<>();
      for (int i = 0; i < length; i++) {
        values.put(text(), each.apply(this));
      }
      return values;
    }

    FeatureSet features() {
      int flags = u8();
      return FeatureSet.ofFlags(flags)
          .orElseThrow(() -> new IllegalArgumentException("flags " + flags + " are no features"));
    }

    Message.ArcTime arcTime() {
      int device = i32();
      int from = u8();
      int to = u8();
      long nanos = i64();
      Arc arc =
          DeviceState.ofNumber(from)
              .flatMap(a -> DeviceState.ofNumber(to).flatMap(b -> Arc.between(a, b)))
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "no arc leads from state " + from + " to state " + to));
      if (nanos < 0) {
        throw new IllegalArgumentException("an arc took " + nanos + " ns");
      }
      return new Message.ArcTime(device, arc, nanos);
    }

    Problem problem() {
      String code = text();
      String device = text();
      String problem = text();
      int state = u8();
      int condition = u8();
      if (condition >= DeviceCondition.values().length) {
        throw new IllegalArgumentException("there is no condition " + condition);
      }
      return new Problem(
          code,
          device.isEmpty() ? Optional.empty() : Optional.of(device),
          problem,
          DeviceState.ofNumber(state),
          DeviceCondition.values()[condition]);
    }

    void end() {
      if (in.hasRemaining()) {
        throw new IllegalArgumentException(in.remaining() + " bytes too many");
      }
    }
  }
}
