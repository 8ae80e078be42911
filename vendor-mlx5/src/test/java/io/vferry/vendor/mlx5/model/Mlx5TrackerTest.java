package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page tracker, driven by commands that were written by hand. */
class Mlx5TrackerTest {

  private static final String VF = "sim:mlx5-vf?state=64KiB&track-message-max=12";
  private static final long GUEST = 0x10_0000L;
  private static final int GUEST_PAGES = 2048;
  private static final int QUEUES = Mlx5RawHost.PAGES + 0x10_0000;
  private static final int EQ = QUEUES;
  private static final int CQ = QUEUES + 0x1000;
  private static final int RQ = QUEUES + 0x2000;
  private static final int DOORBELLS = QUEUES + 0x3000;
  private static final int LOG_ENTRIES = 4;
  private static final int ENTRIES = 1 << LOG_ENTRIES;

  private Mlx5RawHost host = host("");
  private int eventQueue;
  private int receiver;
  private int sender;
  private int tracker;
  private int consumed;
  private Mlx5RawHost.Buffer buffer = new Mlx5RawHost.Buffer(0, 0, 0);

  Mlx5TrackerTest() throws MigrationException {}

  private static Mlx5RawHost host(String more) throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + more);
    ByteBuffer guest = ByteBuffer.allocateDirect(GUEST_PAGES * 4096);
    host.functions.get(0).dma().map(GUEST, guest, DmaSpace.Direction.READ_WRITE);
    return host;
  }

  private static String hex(ByteBuffer command) {
    StringBuilder hex = new StringBuilder();
    for (int at = 0; at < command.capacity(); at++) {
      hex.append("%02x".formatted(command.get(at)));
    }
    return hex.toString();
  }

  private void setUp() throws MigrationException {
    int uar = host.ok("08020000 00000000 00000000 00000000", 16).dword(8);
    int pd = host.allocPd();
    ByteBuffer eq = ByteBuffer.allocate(0x118).putInt(0, 0x0301_0000);
    eq.putInt(0x1c, 4 << 24 | uar).putLong(0x58, 1L << 0x27 | 1L << 4 | 1L << 0x10 | 1);
    eventQueue = host.ok(hex(eq.putLong(0x110, Mlx5RawHost.RAM + EQ)), 16).dword(8);
    for (int entry = 0; entry < ENTRIES; entry++) {
      host.ram.put(EQ + entry * 64 + 63, (byte) 1);
      host.ram.put(CQ + entry * 64 + 63, (byte) 0xf1);
    }
    ByteBuffer cq = ByteBuffer.allocate(0x118).putInt(0, 0x0400_0000);
    cq.putInt(0x1c, LOG_ENTRIES << 24 | uar).putInt(0x24, eventQueue);
    cq.putLong(0x48, Mlx5RawHost.RAM + DOORBELLS).putLong(0x110, Mlx5RawHost.RAM + CQ);
    int completions = host.ok(hex(cq), 16).dword(8);
    ByteBuffer qp = ByteBuffer.allocate(0x118).putInt(0, 0x0500_0000).putInt(0x1c, pd);
    qp.putInt(0x20, LOG_ENTRIES << 19 | 1 << 15).putInt(0x24, uar).putInt(0xb4, completions);
    qp.putLong(0xb8, Mlx5RawHost.RAM + DOORBELLS + 64).putLong(0x110, Mlx5RawHost.RAM + RQ);
    receiver = host.ok(hex(qp), 16).dword(8);
    // The firmware's own has a receive queue of length zero.
    sender = host.ok(hex(qp.putInt(0xc4, 3 << 24)), 16).dword(8);
    move(0x502, receiver, sender);
    move(0x502, sender, receiver);
    move(0x503, receiver, sender);
    move(0x503, sender, receiver);
    move(0x504, sender, receiver);
    buffer = host.buffer(pd, ENTRIES * 4096);
    for (int entry = 0; entry < ENTRIES; entry++) {
      host.ram.putInt(RQ + entry * 16, 4096);
      host.ram.putInt(RQ + entry * 16 + 4, buffer.key());
      host.ram.putLong(RQ + entry * 16 + 8, entry * 4096L);
    }
    post(ENTRIES);
  }

  private void move(int opcode, int pair, int remote) throws MigrationException {
    ByteBuffer command = ByteBuffer.allocate(0x110).putInt(0, opcode << 16).putInt(8, pair);
    host.ok(hex(command.putInt(0x2c, remote)), 16);
  }

  private void post(int producer) {
    host.ram.putInt(DOORBELLS + 64, producer & 0xffff);
  }

  /** The published example, with our queue pair and ranges. */
  private String create(int space, int page, int message, int pair, int ranges) {
    StringBuilder command =
        new StringBuilder(
            "0a000000 00000046 00000000 00000000 00000000 00000000 00000005 00000000");
    command.append(Mlx5RawHost.hex32(1 << 24 | space << 16 | page << 8 | message));
    command.append(Mlx5RawHost.hex32(pair)).append(Mlx5RawHost.hex32(ranges));
    command.append("00000000".repeat(5));
    for (int range = 0; range < ranges; range++) {
      command.append(Mlx5RawHost.hex64(GUEST + range * 0x40_0000L));
      command.append(Mlx5RawHost.hex64(0x40_0000L));
    }
    return command.toString();
  }

  private void track() throws MigrationException {
    setUp();
    tracker = host.ok(create(0x21, 12, 12, sender, 2), 16).dword(8);
  }

  private String modify(long start, long length) {
    return "0a010000 00000046"
        + Mlx5RawHost.hex32(tracker)
        + "00000000 00000000 00000003 00000000 00000000 10000000 00000000 00000000 00000000"
        + Mlx5RawHost.hex64(start)
        + Mlx5RawHost.hex64(length);
  }

  private void dirty(int page) {
    assertThat(host.bench.write(0, GUEST + page * 4096L + 5, new byte[] {1})).isTrue();
  }

  /** What a report said: addresses, and the states of its messages. */
  private record Report(List<Long> pages, List<Integer> states, int lastOpcode) {}

  /** Takes messages until none comes any more, and posts each receive request anew. */
  private Report drain() {
    List<Long> pages = new ArrayList<>();
    List<Integer> states = new ArrayList<>();
    int opcode = -1;
    for (int idle = 0; idle < 10; ) {
      int entry = CQ + consumed % ENTRIES * 64;
      int own = host.ram.get(entry + 63) & 0xff;
      if (own >> 4 == 15 || (own & 1) != (consumed / ENTRIES & 1)) {
        host.clock.advance(20_000);
        idle++;
        continue;
      }
      opcode = own >> 4;
      int index = host.ram.getShort(entry + 0x3c) & 0xffff;
      assertThat(index).isEqualTo(consumed & 0xffff);
      for (int at = 0; at < host.ram.getInt(entry + 0x2c); at += 8) {
        pages.add(host.ram.getLong(buffer.at() + index % ENTRIES * 4096 + at));
      }
      states.add(host.ram.getInt(entry + 0x24) >>> 28);
      consumed++;
      host.ram.putInt(DOORBELLS, consumed & 0xffffff);
      post(ENTRIES + consumed);
    }
    return new Report(pages, states, opcode);
  }

  private Report report(long start, long length) throws MigrationException {
    host.ok(modify(start, length), 16);
    return drain();
  }

  private static long address(int page) {
    return GUEST + page * 4096L;
  }

  @Test
  void aReportTellsWhatWasWrittenAndForgetsIt() throws MigrationException {
    track();
    dirty(3);
    dirty(3);
    dirty(1500);
    Report first = report(GUEST, GUEST_PAGES * 4096L);
    assertThat(first.pages).containsExactly(address(3), address(1500));
    assertThat(first.states).endsWith(0);
    assertThat(report(GUEST, GUEST_PAGES * 4096L).pages).isEmpty();
    dirty(4);
    assertThat(report(GUEST, GUEST_PAGES * 4096L).pages).containsExactly(address(4));
  }

  @Test
  void onlyTheRangeIsReportedAndTheRestRemembered() throws MigrationException {
    track();
    dirty(1);
    dirty(700);
    assertThat(report(GUEST, 512 * 4096L).pages).containsExactly(address(1));
    assertThat(report(GUEST + 512 * 4096L, 512 * 4096L).pages).containsExactly(address(700));
  }

  @ParameterizedTest
  @CsvSource({"empty", "last"})
  void aLongReportWaitsForTheHostToPostReceiveRequests(String end) throws MigrationException {
    host = host("&assume.report-end=" + end);
    track();
    post(2);
    for (int page = 0; page < GUEST_PAGES; page++) {
      dirty(page);
    }
    host.ok(modify(GUEST, GUEST_PAGES * 4096L), 16);
    host.clock.advance(1_000_000);
    assertThat(host.ram.get(CQ + 2 * 64 + 63) >>> 4 & 15).as("the third message").isEqualTo(15);
    post(ENTRIES);
    Report report = drain();
    assertThat(report.pages).hasSize(GUEST_PAGES).doesNotHaveDuplicates();
    assertThat(report.states.get(report.states.size() - 1)).isZero();
    assertThat(report.states.subList(0, report.states.size() - 1)).containsOnly(1);
  }

  @Test
  void readsAndSuspendedFunctionsLeaveNoTrace() throws MigrationException {
    track();
    host.ok(host.suspend(0), 16);
    assertThat(host.bench.write(0, GUEST, new byte[1])).isFalse();
    assertThat(report(GUEST, 4096).pages).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "report-error, 2, 3",
    "wrong-opcode=14, 0, 14",
  })
  void aReportMayEndInAnError(String fault, int state, int opcode) throws MigrationException {
    track();
    dirty(3);
    host.bench.inject("MODIFY_GENERAL_OBJECT#1:" + fault);
    Report report = report(GUEST, GUEST_PAGES * 4096L);
    assertThat(report.states).endsWith(state);
    assertThat(report.lastOpcode).isEqualTo(opcode);
  }

  @ParameterizedTest
  @CsvSource({"object-change, 27", "cq-error, 04", "wq-error, 10"})
  void aTrackerMayFailByAnEventOnly(String fault, String event) throws MigrationException {
    track();
    dirty(3);
    host.bench.inject("MODIFY_GENERAL_OBJECT#1:" + fault);
    assertThat(report(GUEST, GUEST_PAGES * 4096L).states).isEmpty();
    assertThat(host.ram.get(EQ + 1)).isEqualTo((byte) Integer.parseInt(event, 16));
    assertThat(host.ram.get(EQ + 63) & 1).isZero();
    Mlx5RawHost.Reply query =
        host.ok("0a020000 00000046" + Mlx5RawHost.hex32(tracker) + "00000000", 0x40);
    assertThat(query.dword(0x20) >>> 28).as("state").isEqualTo(2);
    assertThat(host.status(modify(GUEST, 4096), 16)).isEqualTo(0x09);
  }

  @Test
  void odditiesOfReportsCanBeAskedFor() throws MigrationException {
    track();
    dirty(3);
    host.bench.inject(
        "MODIFY_GENERAL_OBJECT#1:duplicate-page,MODIFY_GENERAL_OBJECT#1:foreign-page");
    assertThat(report(GUEST, 0x40_0000L).pages)
        .containsExactly(GUEST + 0x40_0000L, address(3), address(3));
    dirty(4);
    host.bench.inject("MODIFY_GENERAL_OBJECT#1:no-end");
    assertThat(report(GUEST, 0x40_0000L).states).containsOnly(1);
    host = host("");
    consumed = 0;
    track();
    host.bench.inject("MODIFY_GENERAL_OBJECT#1:empty-reporting");
    assertThat(report(GUEST, 0x40_0000L).states).containsExactly(1, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "'', 21, 0c, 0c, own, 2, 00",
    "'', 31, 0c, 0c, own, 2, 03",
    "'&assume.tracker-out-of-capability=lim', 31, 0c, 0c, own, 2, 08",
    "'', 17, 0c, 0c, own, 2, 00",
    "'', 16, 0c, 0c, own, 2, 03",
    "'', 21, 0b, 0c, own, 2, 03",
    "'', 21, 16, 0c, own, 2, 03",
    "'', 21, 0c, 0b, own, 2, 03",
    "'', 21, 0c, 0d, own, 2, 03",
    "'', 21, 0c, 0c, foreign, 2, 05",
    "'&track-ranges=1', 21, 0c, 0c, own, 2, 08",
  })
  void aTrackerBeyondTheCapabilitiesIsRefused(
      String more,
      String space,
      String page,
      String message,
      String pair,
      int ranges,
      String status)
      throws MigrationException {
    host = host(more);
    setUp();
    String command =
        create(
            Integer.parseInt(space, 16),
            Integer.parseInt(page, 16),
            Integer.parseInt(message, 16),
            pair.equals("own") ? sender : 0xabc,
            ranges);
    assertThat(host.status(command, 16)).isEqualTo(Integer.parseInt(status, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "second-tracker, bad-res-state, 9",
    "second-tracker, bad-param, 3",
    "report-outside, ok, 0",
    "report-outside, bad-param, 3",
    "report-twice, res-busy, 6",
    "report-twice, bad-res-state, 9",
  })
  void whatNobodyKnowsCanBeChosen(String assumption, String position, int status)
      throws MigrationException {
    host = host("&assume." + assumption + "=" + position);
    track();
    String command =
        switch (assumption) {
          case "second-tracker" -> create(0x21, 12, 12, sender, 2);
          case "report-outside" -> modify(GUEST + 0x100_0000L, 4096);
          default -> modify(GUEST, 4096);
        };
    if (assumption.equals("report-twice")) {
      post(0);
      host.ok(command, 16);
    }
    assertThat(host.status(command, 16)).isEqualTo(status);
  }

  @Test
  void aResetTakesTheTrackerAway() throws MigrationException {
    track();
    int before = host.bench.objects();
    host.functions.get(0).reset();
    assertThat(host.bench.objects()).isEqualTo(before - 1);
    assertThat(host.status(modify(GUEST, 4096), 16)).isEqualTo(0x05);
  }
}
