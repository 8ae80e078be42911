package io.vferry.host.linux.user.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.Libc;
import io.vferry.host.linux.syscall.MappedMemory;
import io.vferry.host.linux.syscall.MemoryFile;
import io.vferry.host.linux.user.socket.OpenFiles;
import io.vferry.host.linux.user.wire.Command;
import io.vferry.host.linux.user.wire.RegionCapability.Area;
import io.vferry.host.linux.user.wire.RegionInfoMessage;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which regions a client is given a file for, and how the reply says so. */
class RegionFileTest {

  private static final int PAGE = 4096;

  private final List<AutoCloseable> toClose = new ArrayList<>();
  private long before;

  @BeforeEach
  void count() {
    assumeTrue(Libc.availability().available());
    before = OpenFiles.count();
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : toClose) {
      one.close();
    }
    assertThat(OpenFiles.count()).as("open files").isEqualTo(before);
  }

  private MemoryFile file(int bytes) throws Exception {
    MemoryFile file = MemoryFile.create("region", bytes);
    toClose.add(file);
    return file;
  }

  /** A region of 8 pages. */
  private record Shared(
      boolean writable, List<MemoryRange> mappableParts, BiFunction<Long, Integer, ByteBuffer> maps)
      implements Region {

    static Shared of(MemoryFile file, MemoryRange... parts) {
      return new Shared(true, List.of(parts), (at, length) -> file.slice(at, length));
    }

    @Override
    public RegionInfo info() {
      return new RegionInfo(0, 8 * PAGE, true, writable, true);
    }

    @Override
    public void read(long offset, ByteBuffer into) {}

    @Override
    public void write(long offset, ByteBuffer from) {}

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.of(maps.apply(offset, lengthBytes));
    }
  }

  private static MemoryRange pages(int first, int count) {
    return new MemoryRange((long) first * PAGE, (long) count * PAGE);
  }

  private Optional<RegionFile> found(Region region) throws Exception {
    Optional<RegionFile> found = RegionFile.of(region);
    found.ifPresent(toClose::add);
    return found;
  }

  @Test
  void findsTheFileBehindAWholeRegion() throws Exception {
    MemoryFile file = file(8 * PAGE);
    RegionFile found = found(Shared.of(file, pages(0, 8))).orElseThrow();
    assertThat(found.offset()).isZero();
    assertThat(found.whole(8 * PAGE)).isTrue();
    MappedMemory other = MappedMemory.of(found.file(), 0, 8 * PAGE, true, true);
    toClose.add(other);
    other.slice(5 * PAGE, 1).put(0, (byte) 77);
    assertThat(file.slice(5 * PAGE, 1).get(0)).isEqualTo((byte) 77);
  }

  @Test
  void tellsWhereInTheFileTheRegionBegins() throws Exception {
    MemoryFile file = file(20 * PAGE);
    RegionFile found =
        found(
                new Shared(
                    true,
                    List.of(pages(1, 1), pages(2, 1), pages(6, 2)),
                    (at, length) -> file.slice(at + 10 * PAGE, length)))
            .orElseThrow();
    assertThat(found.offset()).isEqualTo(10 * PAGE);
    assertThat(found.areas())
        .as("neighbours are one")
        .containsExactly(new Area(PAGE, 2 * PAGE), new Area(6 * PAGE, 2 * PAGE));
    assertThat(found.whole(8 * PAGE)).isFalse();
  }

  @Test
  void whatTheProtocolCannotSayIsNotOffered() throws Exception {
    MemoryFile file = file(8 * PAGE);
    MemoryFile second = file(8 * PAGE);
    assertThat(found(new Shared(false, List.of(pages(0, 8)), (at, n) -> file.slice(at, n))))
        .as("only to be read")
        .isEmpty();
    assertThat(
            found(new Shared(true, List.of(pages(4, 4)), (at, n) -> file.slice(at - 4 * PAGE, n))))
        .as("begins before the file")
        .isEmpty();
    assertThat(found(Shared.of(file, new MemoryRange(100, PAGE), new MemoryRange(PAGE, 100))))
        .as("no whole pages")
        .isEmpty();
    assertThat(found(Shared.of(file))).as("no parts").isEmpty();
    assertThat(
            found(
                    new Shared(
                        true,
                        List.of(pages(0, 1), pages(2, 1), pages(4, 1), pages(6, 1)),
                        (at, n) ->
                            at == 2 * PAGE
                                ? second.slice(at, n)
                                : at == 4 * PAGE ? file.slice(at + PAGE, n) : file.slice(at, n)))
                .orElseThrow()
                .areas())
        .as("another file, another place in it")
        .containsExactly(new Area(0, PAGE), new Area(6 * PAGE, PAGE));
  }

  @Test
  void memoryWithoutAFileIsNotOffered() throws Exception {
    assertThat(found(new Shared(true, List.of(pages(0, 8)), (at, n) -> ByteBuffer.allocate(n))))
        .isEmpty();
    ByteBuffer anonymous = ByteBuffer.allocateDirect(8 * PAGE);
    assertThat(
            found(
                new Shared(
                    true, List.of(pages(0, 8)), (at, n) -> anonymous.slice(at.intValue(), n))))
        .isEmpty();
  }

  @Test
  void thereIsAnEndToTheParts() throws Exception {
    MemoryFile file = file(2 * 200 * PAGE);
    List<MemoryRange> parts = new ArrayList<>();
    for (int part = 0; part < 200; part++) {
      parts.add(pages(2 * part, 1));
    }
    assertThat(found(new Shared(true, parts, (at, n) -> file.slice(at, n))).orElseThrow().areas())
        .hasSize(RegionFile.MOST_AREAS);
  }

  private HostDevice gpu() throws Exception {
    HostDevice gpu =
        new SimDeviceModel()
            .create(
                DeviceAddress.parse("sim:xe?state=64KiB&work=off&local-memory=8KiB"),
                new OpenContext("gpu", new SimClock(1)));
    toClose.add(gpu);
    return gpu;
  }

  private Talk talk(ServerSettings settings) throws Exception {
    Talk talk = new Talk(gpu(), Optional.empty(), settings);
    toClose.add(0, talk);
    return talk;
  }

  private List<Fd> files(Talk.Reply reply) {
    toClose.addAll(0, reply.answer().files());
    return reply.answer().files();
  }

  private static Talk.Reply ask(Talk talk, int argsz) {
    return talk.send(
        Command.DEVICE_GET_REGION_INFO.number(),
        Talk.bytes(new RegionInfoMessage.Question(argsz, 0)));
  }

  /** By hand from the structures of VFIO: 32 bytes, then a capability with one area. */
  @Test
  void theReplyNamesThePartAndComesWithOneFile() throws Exception {
    Talk talk = talk(ServerSettings.DEFAULT).greeted();
    Talk.Reply reply = ask(talk, 64);
    assertThat(reply.payload())
        .isEqualTo(
            Talk.bytes(
                "40000000 0f000000 00000000 20000000 0040000000000000 0000000000000000",
                "0100 0100 00000000 01000000 00000000 0020000000000000 0020000000000000"));
    assertThat(files(reply)).hasSize(1);
    Talk.Reply other =
        talk.send(
            Command.DEVICE_GET_REGION_INFO.number(),
            Talk.bytes(new RegionInfoMessage.Question(64, 4)));
    assertThat(other.answer().files()).as("a region without memory").isEmpty();
  }

  @Test
  void whoTakesLessIsToldHowMuchThereIs() throws Exception {
    Talk talk = talk(ServerSettings.DEFAULT).greeted();
    for (int argsz : new int[] {32, 63}) {
      Talk.Reply reply = ask(talk, argsz);
      assertThat(reply.payload())
          .isEqualTo(
              Talk.bytes("40000000 03000000 00000000 00000000 0040000000000000 0000000000000000"));
      assertThat(reply.answer().files()).isEmpty();
    }
  }

  @Test
  void whoTakesNoFilesGetsNone() throws Exception {
    Talk talk = talk(ServerSettings.DEFAULT);
    talk.ok(Command.VERSION, Talk.version(0, "{\"capabilities\":{\"max_msg_fds\":0}}\0"));
    Talk.Reply reply = ask(talk, 64);
    assertThat(reply.payload().getInt(4)).as("flags").isEqualTo(3);
    assertThat(reply.answer().files()).isEmpty();
  }

  /** A command without reply must not leave the file open. */
  @Test
  void whoWantsNoReplyGetsNoFile() throws Exception {
    Talk talk = talk(ServerSettings.DEFAULT).greeted();
    assertThat(
            talk.exchange(
                    Talk.bytes(
                        "0100 0500 30000000 10000000 00000000",
                        "40000000 00000000 00000000 00000000 0000000000000000 0000000000000000"))
                .hasRemaining())
        .isFalse();
  }

  @Test
  void eachPartHasAFileIfTheClientWantsThat() throws Exception {
    MemoryFile file = file(8 * PAGE);
    HostDevice host =
        new OneRegion(new ScriptedDevice(), Shared.of(file, pages(1, 1), pages(3, 1), pages(5, 1)));
    for (int most : new int[] {8, 2}) {
      Talk talk = new Talk(host, Optional.empty(), ServerSettings.DEFAULT.withFilePerArea(true));
      toClose.add(0, talk);
      talk.ok(
          Command.VERSION, Talk.version(0, "{\"capabilities\":{\"max_msg_fds\":" + most + "}}\0"));
      Talk.Reply reply = ask(talk, 96);
      int areas = Math.min(most, 3);
      assertThat(reply.payload().getInt(0)).isEqualTo(48 + 16 * areas);
      assertThat(reply.payload().getInt(40)).as("number of areas").isEqualTo(areas);
      assertThat(files(reply)).hasSize(areas);
    }
    Talk one = new Talk(host, Optional.empty(), ServerSettings.DEFAULT);
    toClose.add(0, one);
    one.greeted();
    Talk.Reply reply = ask(one, 96);
    assertThat(reply.payload().getInt(40)).isEqualTo(3);
    assertThat(files(reply)).hasSize(1);
  }
}
