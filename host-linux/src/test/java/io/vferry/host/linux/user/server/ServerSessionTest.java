package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.vferry.host.linux.user.wire.Capabilities;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.DmaMapMessage;
import io.vferry.host.linux.user.wire.DmaUnmapMessage;
import io.vferry.host.linux.user.wire.FeatureMessage;
import io.vferry.host.linux.user.wire.IrqInfoMessage;
import io.vferry.host.linux.user.wire.LoggingReportFeature;
import io.vferry.host.linux.user.wire.LoggingStartFeature;
import io.vferry.host.linux.user.wire.MessageHeader;
import io.vferry.host.linux.user.wire.MigrationDataMessage;
import io.vferry.host.linux.user.wire.PrecopyInfoMessage;
import io.vferry.host.linux.user.wire.RegionAccessMessage;
import io.vferry.host.linux.user.wire.RegionInfoMessage;
import io.vferry.host.linux.user.wire.RegionWriteMultiMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Action;
import io.vferry.host.linux.user.wire.SetIrqsMessage.Data;
import io.vferry.host.linux.user.wire.VersionMessage;
import io.vferry.spi.host.Region;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server answers, command by command. */
class ServerSessionTest {

  private static final int EIO = 5;
  private static final int EEXIST = 17;
  private static final int EINVAL = 22;
  private static final int ENOSPC = 28;

  private final ScriptedDevice device = new ScriptedDevice();

  @Test
  void agreesOnTheLowerVersion() throws Exception {
    for (int minor : new int[] {0, 1, 2, 3, 0xffff}) {
      try (Talk talk = Talk.with(device)) {
        ByteBuffer reply = talk.ok(Command.VERSION, Talk.version(minor, Talk.HELLO));
        assertThat(reply.getShort(0)).isZero();
        assertThat(reply.getShort(2)).isEqualTo((short) Math.min(minor, 2));
        byte[] json = new byte[reply.remaining() - 4];
        reply.get(4, json);
        assertThat(new String(json, StandardCharsets.UTF_8))
            .isEqualTo(
                "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
                    + "\"max_dma_maps\":65535,\"pgsizes\":4096,\"write_multiple\":true}}\0");
      }
    }
  }

  @Test
  void saysThatItPutsMessagesTogetherToWhoKnowsTheWord() throws Exception {
    for (boolean word : new boolean[] {true, false}) {
      try (Talk talk = Talk.with(device)) {
        ByteBuffer hello =
            Talk.version(0, "{\"capabilities\":{\"reassembly\":%s}}\0".formatted(word));
        Capabilities granted =
            VersionMessage.decode(talk.ok(Command.VERSION, hello)).capabilities();
        assertThat(granted.reassembly()).contains(true);
      }
    }
  }

  @Test
  void aBadBeginningEndsTheConversation() throws Exception {
    List<ByteBuffer> bad =
        List.of(
            Talk.bytes("0100 0000"),
            Talk.bytes("0000"),
            Talk.version(0, "{}"),
            Talk.version(0, "{\0"),
            Talk.version(0, "{\"capabilities\":{\"migration\":{\"pgsize\":8192}}}\0"));
    for (ByteBuffer payload : bad) {
      try (Talk talk = Talk.with(device)) {
        Talk.Reply reply = talk.send(Command.VERSION.number(), payload);
        assertThat(reply.header().errno()).isEqualTo(EINVAL);
        assertThat(reply.answer().hangUp()).isPresent();
      }
    }
    try (Talk talk = Talk.with(device)) {
      Talk.Reply reply =
          talk.send(Command.DEVICE_GET_INFO.number(), Talk.bytes("10000000", "00".repeat(12)));
      assertThat(reply.header().errno()).isEqualTo(EINVAL);
      assertThat(reply.answer().hangUp()).isPresent();
    }
    FakeFile file = new FakeFile(0);
    try (Talk talk = Talk.with(device)) {
      Talk.Reply reply = talk.send(Command.VERSION.number(), Talk.version(0, "{}\0"), file);
      assertThat(reply.answer().hangUp()).isPresent();
      assertThat(file.closed).isEqualTo(1);
    }
  }

  @Test
  void aSecondVersionIsRefusedAndNoMore() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      Talk.Reply reply = talk.send(Command.VERSION.number(), Talk.version(0, Talk.HELLO));
      assertThat(reply.header().errno()).isEqualTo(EINVAL);
      assertThat(reply.answer().hangUp()).isEmpty();
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 11, 12, 14, 20, 0x1234, 0xffff})
  void otherCommandsAreRefused(int command) throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.refused(command, Talk.bytes("00".repeat(32)))).isEqualTo(EINVAL);
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
    }
  }

  @Test
  void describesAPciDevice() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.ok(Command.DEVICE_GET_INFO, Talk.bytes("10000000", "00".repeat(12))))
          .isEqualTo(Talk.bytes("10000000 03000000 09000000 05000000"));
      assertThat(talk.ok(Command.DEVICE_GET_REGION_INFO, new RegionInfoMessage.Question(32, 0)))
          .isEqualTo(Talk.bytes(RegionInfoMessage.of(3, 0, 4096, 0, List.of())));
      assertThat(talk.ok(Command.DEVICE_GET_REGION_INFO, new RegionInfoMessage.Question(32, 5)))
          .isEqualTo(Talk.bytes(RegionInfoMessage.of(0, 5, 0, 0, List.of())));
      assertThat(
              talk.refused(Command.DEVICE_GET_REGION_INFO, new RegionInfoMessage.Question(32, 9)))
          .isEqualTo(EINVAL);
      assertThat(
              talk.refused(Command.DEVICE_GET_REGION_INFO, new RegionInfoMessage.Question(31, 0)))
          .isEqualTo(EINVAL);
      assertThat(talk.ok(Command.DEVICE_GET_IRQ_INFO, IrqInfoMessage.question(2)))
          .isEqualTo(Talk.bytes(new IrqInfoMessage(1, 2, 4)));
      assertThat(talk.ok(Command.DEVICE_GET_IRQ_INFO, IrqInfoMessage.question(0)))
          .isEqualTo(Talk.bytes(new IrqInfoMessage(7, 0, 1)));
      assertThat(talk.ok(Command.DEVICE_GET_IRQ_INFO, IrqInfoMessage.question(4)))
          .isEqualTo(Talk.bytes(new IrqInfoMessage(1, 4, 0)));
      assertThat(talk.refused(Command.DEVICE_GET_IRQ_INFO, IrqInfoMessage.question(5)))
          .isEqualTo(EINVAL);
      assertThat(
              talk.ok(
                  Command.DEVICE_GET_REGION_IO_FDS,
                  Talk.bytes("10000000 00000000 00000000 00000000")))
          .isEqualTo(Talk.bytes("10000000 00000000 00000000 00000000"));
    }
  }

  @Test
  void readsAndWritesRegions() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      RegionAccessMessage write = RegionAccessMessage.withData(0x10, 0, Talk.bytes("deadbeef"));
      assertThat(talk.ok(Command.REGION_WRITE, write))
          .isEqualTo(Talk.bytes(RegionAccessMessage.withoutData(0x10, 0, 4)));
      assertThat(talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0x0e, 0, 8)))
          .isEqualTo(
              Talk.bytes(RegionAccessMessage.withData(0x0e, 0, Talk.bytes("0000deadbeef0000"))));
      assertThat(talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 0)))
          .isEqualTo(Talk.bytes(RegionAccessMessage.withoutData(0, 0, 0)));
      for (RegionAccessMessage bad :
          List.of(
              RegionAccessMessage.withoutData(4093, 0, 4),
              RegionAccessMessage.withoutData(-1, 0, 1),
              RegionAccessMessage.withoutData(Long.MAX_VALUE, 0, 4),
              RegionAccessMessage.withoutData(0, 1, 4),
              RegionAccessMessage.withoutData(0, 9, 4),
              RegionAccessMessage.withoutData(0, -1, 4),
              RegionAccessMessage.withoutData(0, 0, (1 << 20) + 1))) {
        assertThat(talk.refused(Command.REGION_READ, bad)).as("%s", bad).isEqualTo(EINVAL);
      }
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
    }
  }

  @Test
  void severalWritesAtOnceHaveToBeAgreedOn() throws Exception {
    RegionWriteMultiMessage writes =
        new RegionWriteMultiMessage(
            List.of(
                new RegionWriteMultiMessage.Write(0, 0, 4, 0x44332211),
                new RegionWriteMultiMessage.Write(8, 0, 1, 0xff)));
    try (Talk talk = Talk.with(device)) {
      talk.ok(Command.VERSION, Talk.version(0, "{}\0"));
      assertThat(talk.refused(Command.REGION_WRITE_MULTI, writes)).isEqualTo(EINVAL);
    }
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.ok(Command.REGION_WRITE_MULTI, writes))
          .isEqualTo(Talk.bytes(new RegionWriteMultiMessage.Done(2)));
      assertThat(device.bar).startsWith(0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0xff, 0);
      RegionWriteMultiMessage outside =
          new RegionWriteMultiMessage(
              List.of(
                  new RegionWriteMultiMessage.Write(0, 0, 4, 0),
                  new RegionWriteMultiMessage.Write(4096, 0, 1, 0)));
      assertThat(talk.refused(Command.REGION_WRITE_MULTI, outside)).isEqualTo(EINVAL);
      assertThat(device.bar).as("nothing was written").startsWith(0x11);
    }
  }

  @Test
  void withoutReplyNothingIsSaid() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      ByteBuffer payload = Talk.bytes(RegionAccessMessage.withData(0, 0, Talk.bytes("07")));
      MessageHeader quiet =
          MessageHeader.commandWithoutReply(7, Command.REGION_WRITE, payload.remaining());
      assertThat(talk.session.answer(quiet, payload, List.of()).message().hasRemaining()).isFalse();
      assertThat(device.bar[0]).isEqualTo((byte) 7);
      ByteBuffer outside = Talk.bytes(RegionAccessMessage.withData(0, 3, Talk.bytes("07")));
      assertThat(talk.session.answer(quiet, outside, List.of()).message().hasRemaining()).isFalse();
      assertThat(talk.lastRefusal()).contains("REGION_WRITE 22");
    }
  }

  @Test
  void mapsMemoryByFile() throws Exception {
    FakeFile file = new FakeFile(0x4000);
    try (Talk talk = Talk.with(device).greeted()) {
      DmaMapMessage map = new DmaMapMessage(3, 0x1000, 0x10000, 0x2000);
      assertThat(talk.ok(Command.DMA_MAP, map, file).hasRemaining()).isFalse();
      ByteBuffer seen = (ByteBuffer) device.mapped.get(0x10000L);
      seen.put(0, (byte) 0x77);
      assertThat(file.memory.get(0x1000)).isEqualTo((byte) 0x77);
      assertThat(file.closed).as("what is mapped needs no file").isEqualTo(1);

      FakeFile again = new FakeFile(0x4000);
      talk.ok(Command.DMA_MAP, map, again);
      assertThat(again.closed).as("the same again is taken for granted").isEqualTo(1);
      FakeFile overlapping = new FakeFile(0x4000);
      assertThat(
              talk.refused(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x11000, 0x2000), overlapping))
          .isEqualTo(EEXIST);
      assertThat(overlapping.closed).isEqualTo(1);

      for (DmaUnmapMessage other :
          List.of(
              new DmaUnmapMessage(24, 0, 0x10000, 0x1000),
              new DmaUnmapMessage(24, 0, 0x11000, 0x1000),
              new DmaUnmapMessage(24, 0, 0, 0x11000),
              new DmaUnmapMessage(24, 0, 0x10000, 0),
              new DmaUnmapMessage(24, 0, -0x1000, 0x2000))) {
        assertThat(talk.refused(Command.DMA_UNMAP, other)).isEqualTo(EINVAL);
      }
      DmaUnmapMessage unmap = new DmaUnmapMessage(24, 0, 0x10000, 0x2000);
      assertThat(talk.ok(Command.DMA_UNMAP, unmap)).isEqualTo(Talk.bytes(unmap));
      assertThat(device.mapped).isEmpty();
      assertThat(file.closed).isEqualTo(1);
    }
  }

  @Test
  void unmapsAllThatLiesInARange() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      FakeFile first = new FakeFile(0x2000);
      FakeFile second = new FakeFile(0x1000);
      FakeFile third = new FakeFile(0x2000);
      int flags = DmaMapMessage.READABLE | DmaMapMessage.WRITEABLE | DmaMapMessage.FILE_IO;
      talk.ok(Command.DMA_MAP, new DmaMapMessage(flags, 0, 0x10000, 0x2000), first);
      talk.ok(Command.DMA_MAP, new DmaMapMessage(flags, 0, 0x20000, 0x1000), second);
      talk.ok(Command.DMA_MAP, new DmaMapMessage(flags, 0, 0x30000, 0x2000), third);
      assertThat(talk.refused(Command.DMA_UNMAP, new DmaUnmapMessage(24, 0, 0x10000, 0x21000)))
          .as("the last one would be cut")
          .isEqualTo(EINVAL);
      assertThat(device.mapped).hasSize(3);

      DmaUnmapMessage two = new DmaUnmapMessage(24, 0, 0, 0x30000);
      assertThat(talk.ok(Command.DMA_UNMAP, two)).isEqualTo(Talk.bytes(two));
      assertThat(device.mapped).containsOnlyKeys(0x30000L);
      assertThat(List.of(first.closed, second.closed, third.closed)).containsExactly(1, 1, 0);
      talk.ok(Command.DMA_UNMAP, two);
      talk.ok(Command.DMA_UNMAP, new DmaUnmapMessage(24, 0, Long.MIN_VALUE, Long.MIN_VALUE));
      assertThat(device.mapped).containsOnlyKeys(0x30000L);
      talk.ok(Command.DMA_UNMAP, new DmaUnmapMessage(24, 0, 0, Long.MIN_VALUE));
      assertThat(device.mapped).isEmpty();
      assertThat(third.closed).isEqualTo(1);
    }
  }

  @Test
  void refusesMemoryThatCannotBe() throws Exception {
    try (Talk talk = Talk.with(device, ServerSettings.DEFAULT.withMaxDmaMaps(1)).greeted()) {
      for (DmaMapMessage bad :
          List.of(
              new DmaMapMessage(3, 0, 0x1000, 0),
              new DmaMapMessage(3, 0, 0x1001, 0x1000),
              new DmaMapMessage(3, 0, 0x1000, 0x1001),
              new DmaMapMessage(3, 0, -0x1000, 0x2000),
              new DmaMapMessage(3, 0, 1L << 48, 0x1000),
              new DmaMapMessage(3, 0x800, 0x1000, 0x1000),
              new DmaMapMessage(3, -0x1000, 0x1000, 0x1000),
              new DmaMapMessage(3, Long.MAX_VALUE - 0xfff, 0x1000, 0x2000),
              new DmaMapMessage(0, 0, 0x1000, 0x1000),
              new DmaMapMessage(0x10, 0, 0x1000, 0x1000),
              new DmaMapMessage(0xf, 0, 0x1000, 0x1000),
              // More than the file has.
              new DmaMapMessage(3, 0, 0x1000, 0x2000))) {
        FakeFile file = new FakeFile(0x1000);
        assertThat(talk.refused(Command.DMA_MAP, bad, file)).as("%s", bad).isEqualTo(EINVAL);
        assertThat(file.closed).as("%s", bad).isEqualTo(1);
      }
      for (int mode : new int[] {4, 8}) {
        assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3 | mode, 0, 0, 0x1000)))
            .isEqualTo(EINVAL);
      }
      assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 16L << 40)))
          .isEqualTo(ENOSPC);
      FakeFile pipe = new FakeFile(0x1000);
      pipe.mappable = false;
      assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 0x1000), pipe))
          .isEqualTo(EINVAL);
      assertThat(pipe.closed).isEqualTo(1);
      FakeFile one = new FakeFile(0x1000);
      FakeFile two = new FakeFile(0x1000);
      assertThat(talk.refused(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 0x1000), one, two))
          .isEqualTo(EINVAL);
      assertThat(one.closed + two.closed).isEqualTo(2);
      assertThat(device.mapped).isEmpty();
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 0x1000), new FakeFile(0x1000));
      assertThat(
              talk.refused(
                  Command.DMA_MAP, new DmaMapMessage(3, 0, 0x1000, 0x1000), new FakeFile(0x1000)))
          .isEqualTo(ENOSPC);
    }
  }

  @Test
  void reachesOtherMemoryByMessagesOrByTheFile() throws Exception {
    FakeFile file = new FakeFile(0x3000);
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x1000, 0x1000));
      assertThat(talk.session.needsMessages()).isTrue();
      Region remote = (Region) device.mapped.get(0x1000L);
      remote.write(0x10, Talk.bytes("0102"));
      ByteBuffer read = ByteBuffer.allocate(2);
      remote.read(0x10, read);
      assertThat(read.flip()).isEqualTo(Talk.bytes("0102"));
      assertThat(talk.messages.notes).containsExactly("write 0x1010+2", "read 0x1010+2");

      talk.ok(Command.DMA_MAP, new DmaMapMessage(1 | 8, 0x1000, 0x5000, 0x1000), file);
      Region byFile = (Region) device.mapped.get(0x5000L);
      file.memory.put(0x1004, (byte) 9);
      read.clear().limit(1);
      byFile.read(4, read);
      assertThat(read.get(0)).isEqualTo((byte) 9);
      assertThat(catchThrowable(() -> byFile.write(0, Talk.bytes("01"))))
          .as("mapped for reading only")
          .hasMessageContaining("cannot be reached");

      talk.ok(Command.DMA_UNMAP, new DmaUnmapMessage(24, DmaUnmapMessage.ALL, 0, 0));
      assertThat(talk.session.needsMessages()).isFalse();
      assertThat(catchThrowable(() -> remote.write(0, Talk.bytes("01"))))
          .hasMessageContaining("cannot be reached");
      assertThat(file.closed).isEqualTo(1);
    }
  }

  @Test
  void signalsEventCounters() throws Exception {
    FakeFile first = FakeFile.counter();
    FakeFile second = FakeFile.counter();
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(
          Command.DEVICE_SET_IRQS,
          SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 2),
          first,
          second);
      assertThat(device.notes).containsExactly("enable 2:2");
      device.listener.signalled(1);
      assertThat(first.signals).isZero();
      assertThat(second.signals).isEqualTo(1);
      talk.ok(
          Command.DEVICE_SET_IRQS,
          new SetIrqsMessage(Data.BOOL, Action.TRIGGER, 2, 0, 2, Talk.bytes("0100")));
      assertThat(first.signals).isEqualTo(1);

      FakeFile third = FakeFile.counter();
      talk.ok(
          Command.DEVICE_SET_IRQS, SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 3, 1), third);
      assertThat(device.notes).endsWith("disable 2", "enable 2:4");
      device.listener.signalled(3);
      device.listener.signalled(2);
      device.listener.signalled(0);
      assertThat(third.signals).isEqualTo(1);
      assertThat(first.signals).isEqualTo(2);

      talk.ok(Command.DEVICE_SET_IRQS, SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 1));
      assertThat(first.closed).as("taken away").isEqualTo(1);
      talk.ok(Command.DEVICE_SET_IRQS, SetIrqsMessage.of(Data.NONE, Action.TRIGGER, 2, 0, 0));
      assertThat(second.closed + third.closed).isEqualTo(2);
      assertThat(device.notes).endsWith("disable 2");
      talk.ok(Command.DEVICE_SET_IRQS, SetIrqsMessage.of(Data.NONE, Action.MASK, 0, 0, 1));
      assertThat(device.notes).endsWith("mask 0:0");
    }
  }

  @Test
  void refusesInterruptsThatCannotBe() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      for (SetIrqsMessage bad :
          List.of(
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 4, 1),
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 3, 2),
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 1, 0, 1),
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 5, 0, 1),
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, -1, 0, 1),
              SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 2),
              SetIrqsMessage.of(Data.NONE, Action.TRIGGER, 2, 0, 1),
              SetIrqsMessage.of(Data.NONE, Action.TRIGGER, 2, 0, 0))) {
        FakeFile file = FakeFile.counter();
        assertThat(talk.refused(Command.DEVICE_SET_IRQS, bad, file)).as("%s", bad).isEqualTo(22);
        assertThat(file.closed).as("%s", bad).isEqualTo(1);
      }
      FakeFile ordinary = FakeFile.counter();
      ordinary.eventCounter = false;
      assertThat(
              talk.refused(
                  Command.DEVICE_SET_IRQS,
                  SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 1),
                  ordinary))
          .isEqualTo(EINVAL);
      assertThat(ordinary.closed).isEqualTo(1);
      FakeFile[] many = new FakeFile[9];
      for (int i = 0; i < many.length; i++) {
        many[i] = FakeFile.counter();
      }
      assertThat(
              talk.refused(
                  Command.DEVICE_SET_IRQS,
                  SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 4),
                  many))
          .isEqualTo(EINVAL);
      assertThat(many).allMatch(file -> file.closed == 1);
      assertThat(device.notes).isEmpty();
    }
  }

  @Test
  void statesAreTheClientsToChoose() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.ok(Command.DEVICE_FEATURE, Talk.bytes("10000000 01000100")))
          .isEqualTo(Talk.bytes("10000000 01000100 0500000000000000"));
      assertThat(talk.ok(Command.DEVICE_FEATURE, Talk.bytes("10000000 02000100")))
          .isEqualTo(Talk.bytes("10000000 02000100 02000000 00000000"));
      for (int target : new int[] {0, 5, 7, 8, -1}) {
        assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.state(target))).isEqualTo(EINVAL);
      }
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
      talk.go(DeviceState.STOP_COPY);
      assertThat(device.notes).containsExactly("RUNNING -> STOP", "STOP -> STOP_COPY");
      assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.state(6))).isEqualTo(EINVAL);
      assertThat(talk.state()).isEqualTo(DeviceState.STOP_COPY);
      assertThat(talk.refused(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 4)))
          .isEqualTo(EINVAL);
      talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0, 7, 4));
      talk.go(DeviceState.STOP);
      talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 4));
      assertThat(talk.events).contains("RUNNING -> STOP_COPY", "STOP_COPY -> STOP");
    }
  }

  @Test
  void probesEchoAndDoNothing() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      for (String probe :
          List.of(
              "01000500", "02000500", "02000600", "02000700", "06000600", "07000600", "08000500")) {
        ByteBuffer message = Talk.bytes("08000000", probe);
        assertThat(talk.ok(Command.DEVICE_FEATURE, message.duplicate().order(message.order())))
            .as(probe)
            .isEqualTo(message);
      }
      for (String bad :
          List.of(
              "08000000 01000600", // MIGRATION cannot be set
              "08000000 06000500", // START cannot be asked for
              "08000000 08000600",
              "08000000 03000600", // LOW_POWER_ENTRY is not known
              "08000000 09000500", // no estimate by this device
              "08000000 02000800", // an unknown flag
              "10000000 02000300 02000000 00000000", // both
              "10000000 02000000 02000000 00000000", // neither
              "0f000000 02000100", // argsz too small
              "07000000 02000100",
              "08000000 02000200", // nothing to set
              "10000000 020001")) {
        assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.bytes(bad))).as(bad).isEqualTo(EINVAL);
      }
      assertThat(device.notes).isEmpty();
    }
  }

  @Test
  void quiescenceIsShownUnlessTheClientMustNotSeeIt() throws Exception {
    device.features = FeatureSet.STOP_COPY_P2P_PRE_COPY;
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.ok(Command.DEVICE_FEATURE, Talk.bytes("10000000 01000100")).get(8))
          .isEqualTo((byte) 7);
      talk.go(DeviceState.PRE_COPY_P2P);
    }
    try (Talk talk = Talk.with(device, ServerSettings.DEFAULT.withQuiescence(false)).greeted()) {
      assertThat(talk.ok(Command.DEVICE_FEATURE, Talk.bytes("10000000 01000100")).get(8))
          .isEqualTo((byte) 5);
      assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.state(5))).isEqualTo(EINVAL);
      device.notes.clear();
      talk.go(DeviceState.STOP);
      assertThat(device.notes).containsExactly("RUNNING -> RUNNING_P2P", "RUNNING_P2P -> STOP");
    }
  }

  @Test
  void dataComePaddedAndTheEndAgainAndAgain() throws Exception {
    Talk.bytes("0102030405060708").get(device.bar, 0, 8);
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.refused(Command.MIG_DATA_READ, MigrationDataMessage.read(16)))
          .isEqualTo(EINVAL);
      talk.go(DeviceState.PRE_COPY);
      assertThat(talk.ok(Command.GET_PRECOPY_INFO, PrecopyInfoMessage.question()))
          .isEqualTo(Talk.bytes(new PrecopyInfoMessage(0, 4, 0)));
      assertThat(talk.read(16)).containsExactly(1, 2, 3, 4);
      assertThat(talk.read(16)).as("nothing now").isEmpty();
      assertThat(device.notes).as("a device may need to be asked").endsWith("asked what is left");
      talk.go(DeviceState.STOP_COPY);
      assertThat(talk.read(3)).containsExactly(5, 6, 7);
      assertThat(talk.read(16)).containsExactly(8);
      assertThat(talk.read(16)).isEmpty();
      assertThat(talk.read(16)).isEmpty();
      assertThat(talk.read(0)).isEmpty();
      assertThat(talk.refused(Command.GET_PRECOPY_INFO, PrecopyInfoMessage.question()))
          .isEqualTo(EINVAL);
      for (String bad :
          List.of(
              "07100000 00100000", // argsz too small
              "09001000 01001000", // more than the client takes
              "08000000",
              "10000000 08000000 00")) {
        assertThat(talk.refused(Command.MIG_DATA_READ, Talk.bytes(bad))).as(bad).isEqualTo(EINVAL);
      }
      assertThat(talk.session.counters().savedBytes()).isEqualTo(8);
    }
  }

  @Test
  void stopCopyIsWholeIfTheClientWantsItSo() throws Exception {
    Talk.bytes("0102030405060708").get(device.bar, 0, 8);
    try (Talk talk = Talk.with(device, ServerSettings.DEFAULT.withWholeStopCopy(true)).greeted()) {
      talk.go(DeviceState.PRE_COPY);
      assertThat(talk.read(16)).hasSize(4);
      talk.go(DeviceState.STOP_COPY);
      assertThat(talk.read(16)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    }
  }

  @Test
  void takesDataOnlyWhileResuming() throws Exception {
    MigrationDataMessage four = MigrationDataMessage.withData(Talk.bytes("0a0b0c0d"));
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.refused(Command.MIG_DATA_WRITE, four)).isEqualTo(EINVAL);
      talk.go(DeviceState.RESUMING);
      assertThat(talk.ok(Command.MIG_DATA_WRITE, four).hasRemaining()).isFalse();
      assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.state(1)))
          .as("not whole")
          .isEqualTo(EINVAL);
      assertThat(talk.state()).isEqualTo(DeviceState.RESUMING);
      talk.ok(Command.MIG_DATA_WRITE, four);
      assertThat(talk.refused(Command.MIG_DATA_WRITE, four)).as("too much").isEqualTo(EINVAL);
      for (String bad :
          List.of("0c000000 04000000 0a0b0c", "0b000000 04000000 0a0b0c0d", "0c000000")) {
        assertThat(talk.refused(Command.MIG_DATA_WRITE, Talk.bytes(bad))).as(bad).isEqualTo(22);
      }
      talk.go(DeviceState.STOP);
      assertThat(device.bar).startsWith(10, 11, 12, 13, 10, 11, 12, 13);
      talk.go(DeviceState.RUNNING);
      assertThat(talk.session.counters().loadedBytes()).isEqualTo(8);
    }
    try (Talk talk = Talk.with(device, ServerSettings.DEFAULT.withLongWriteReply(true)).greeted()) {
      talk.go(DeviceState.RESUMING);
      assertThat(talk.ok(Command.MIG_DATA_WRITE, four)).isEqualTo(Talk.bytes("08000000 04000000"));
    }
  }

  @Test
  void aFailedArcLeavesTheClientWithTheTruth() throws Exception {
    device.failing = Optional.of(Arc.STOP_TO_STOP_COPY);
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.state(3))).isEqualTo(EIO);
      assertThat(talk.state()).isEqualTo(DeviceState.STOP);
      assertThat(talk.ok(Command.DEVICE_RESET, Talk.bytes()).hasRemaining()).isFalse();
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(talk.refused(Command.DEVICE_RESET, Talk.bytes("00"))).isEqualTo(EINVAL);
    }
  }

  @Test
  void aResetEndsTheSession() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      talk.go(DeviceState.PRE_COPY);
      talk.ok(Command.DEVICE_RESET, Talk.bytes());
      assertThat(talk.state()).isEqualTo(DeviceState.RUNNING);
      assertThat(device.notes).endsWith("reset", "save stream closed");
      assertThat(talk.refused(Command.MIG_DATA_READ, MigrationDataMessage.read(8))).isEqualTo(22);
    }
  }

  @Test
  void logsDma() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      FeatureMessage all =
          FeatureMessage.of(FeatureMessage.SET | 6, new LoggingStartFeature(4096, List.of()));
      assertThat(talk.refused(Command.DEVICE_FEATURE, all)).as("no memory").isEqualTo(EINVAL);
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0x10000, 0x80000), new FakeFile(0x80000));
      LoggingReportFeature question = LoggingReportFeature.question(0x10000, 0x80000, 4096);
      FeatureMessage ask = FeatureMessage.question(FeatureMessage.GET | 8, question, 8 + 24 + 16);
      assertThat(talk.refused(Command.DEVICE_FEATURE, ask)).as("off").isEqualTo(EINVAL);
      assertThat(talk.ok(Command.DEVICE_FEATURE, all)).isEqualTo(Talk.bytes(all));
      assertThat(device.notes).containsExactly("log [[0x10000-0x8ffff]]");
      talk.ok(Command.DEVICE_FEATURE, all);
      assertThat(device.notes).as("once").hasSize(1);
      for (long page : new long[] {0, 8192, 4095, 2048, Long.MIN_VALUE}) {
        assertThat(
                talk.refused(
                    Command.DEVICE_FEATURE,
                    FeatureMessage.of(
                        FeatureMessage.SET | 6, new LoggingStartFeature(page, List.of()))))
            .as("%d", page)
            .isEqualTo(EINVAL);
      }
      device.written.add(new MemoryRange(0x12000, 0x1001));
      device.written.add(new MemoryRange(0x8f000, 1));
      assertThat(talk.ok(Command.DEVICE_FEATURE, ask))
          .isEqualTo(
              Talk.bytes(
                  "30000000 08000100 0000010000000000 0000080000000000 0010000000000000",
                  "0c00000000000000 0000000000000080"));
      assertThat(talk.ok(Command.DEVICE_FEATURE, ask).getLong(32)).as("cleared").isZero();
      for (LoggingReportFeature bad :
          List.of(
              LoggingReportFeature.question(0, 0, 4096),
              LoggingReportFeature.question(0, 4096, 0),
              LoggingReportFeature.question(0, 4096, 3),
              LoggingReportFeature.question(-4096, 8192, 4096),
              LoggingReportFeature.question(0, -1, 4096))) {
        assertThat(
                talk.refused(
                    Command.DEVICE_FEATURE,
                    FeatureMessage.question(FeatureMessage.GET | 8, bad, 1 << 20)))
            .as("%s", bad)
            .isEqualTo(EINVAL);
      }
      assertThat(
              talk.refused(
                  Command.DEVICE_FEATURE,
                  FeatureMessage.question(FeatureMessage.GET | 8, question, 8 + 24 + 15)))
          .isEqualTo(EINVAL);
      talk.ok(Command.DEVICE_FEATURE, Talk.bytes("08000000 07000200"));
      assertThat(device.notes).endsWith("log off");
      talk.ok(Command.DEVICE_FEATURE, Talk.bytes("08000000 07000200"));
    }
  }

  @Test
  void withoutADriverThereIsNoMigration() throws Exception {
    try (Talk talk = new Talk(device, Optional.empty(), ServerSettings.DEFAULT).greeted()) {
      for (String feature :
          List.of("10000000 01000100", "10000000 02000100", "08000000 01000500")) {
        assertThat(talk.refused(Command.DEVICE_FEATURE, Talk.bytes(feature))).isEqualTo(EINVAL);
      }
      assertThat(talk.refused(Command.MIG_DATA_READ, MigrationDataMessage.read(8))).isEqualTo(22);
      talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 4));
      talk.ok(Command.DEVICE_RESET, Talk.bytes());
    }
  }

  @Test
  void whoeverLeavesLeavesACleanDevice() throws Exception {
    FakeFile memory = new FakeFile(0x1000);
    FakeFile counter = FakeFile.counter();
    try (Talk talk = Talk.with(device).greeted()) {
      talk.ok(Command.DMA_MAP, new DmaMapMessage(3, 0, 0, 0x1000), memory);
      talk.ok(
          Command.DEVICE_SET_IRQS,
          SetIrqsMessage.of(Data.EVENTFD, Action.TRIGGER, 2, 0, 1),
          counter);
      talk.ok(
          Command.DEVICE_FEATURE,
          FeatureMessage.of(FeatureMessage.SET | 6, new LoggingStartFeature(4096, List.of())));
      talk.go(DeviceState.RESUMING);
      device.notes.clear();
    }
    assertThat(device.notes).containsExactly("load stream closed", "log off", "reset", "disable 2");
    assertThat(device.state).isEqualTo(DeviceState.RUNNING);
    assertThat(device.mapped).isEmpty();
    assertThat(memory.closed).isEqualTo(1);
    assertThat(counter.closed).isEqualTo(1);
    device.listener.signalled(0);
    assertThat(counter.signals).isZero();
  }

  @Test
  void aDeviceThatThrowsDoesNotEndTheServer() throws Exception {
    device.throwing = true;
    try (Talk talk = Talk.with(device).greeted()) {
      assertThat(talk.refused(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 4)))
          .isEqualTo(EIO);
      assertThat(talk.lastRefusal()).contains("as a broken driver does");
      device.throwing = false;
      talk.ok(Command.REGION_READ, RegionAccessMessage.withoutData(0, 0, 4));
    }
  }

  @Test
  void aMessageThatIsTooLongIsRefused() throws Exception {
    try (Talk talk = Talk.with(device).greeted()) {
      MessageHeader header = MessageHeader.command(3, Command.REGION_WRITE, 8 << 20);
      Answer answer = talk.session.tooLong(header, false);
      assertThat(answer.hangUp()).isEmpty();
      assertThat(MessageHeader.peek(answer.message()).errno()).isEqualTo(EINVAL);
      assertThat(talk.session.tooLong(header, true).hangUp()).isPresent();
    }
  }
}
