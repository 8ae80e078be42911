package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The delivery of commands, against bytes that were computed by hand. */
class Mlx5DeliveryTest {

  private static final String VF = "sim:mlx5-vf?state=64KiB";
  private static final String SUSPEND = "01150000 00000000 00000005 00000000";
  private static final int BLOCK_STEP = 1024;

  private static void checksumsOn(Mlx5RawHost host) throws MigrationException {
    // SET_HCA_CAP of the general block with cmdif_checksum 3.
    byte[] command = new byte[0x1010];
    ByteBuffer.wrap(command).putInt(0, 0x0109_0000).putInt(0x10 + 0x40, 3 << 14);
    StringBuilder hex = new StringBuilder();
    for (byte octet : command) {
      hex.append("%02x".formatted(octet));
    }
    host.ok(hex.toString(), 16);
    host.sign = true;
  }

  private static void ring(Mlx5RawHost host) throws MigrationException {
    host.register(0x18, 1);
  }

  /** The entries and blocks of the published examples, signatures and all. */
  @ParameterizedTest
  @CsvSource({
    "115 op 0, 07000000000000100000000000000000 01150000000000000000000500000000"
        + " 00000000000000000000000000000000 00000000000000000000001011f90001",
    "115 op 1, 07000000000000100000000000000000 01150000000000010000000500000000"
        + " 00000000000000000000000000000000 00000000000000000000001012fb0001",
  })
  void anEntryComputedByHandIsTakenWhileChecksumsAreOn(String name, String hex)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.suspend-responder-first=ok");
    checksumsOn(host);
    host.put(Mlx5RawHost.QUEUE, Mlx5RawHost.bytes(hex));
    ring(host);
    assertThat(host.done(0)).as(name).isTrue();
    Mlx5RawHost.Reply reply = host.reply(0, 16);
    assertThat(reply.delivery()).isZero();
    assertThat(reply.status()).isZero();
    assertThat(host.xor(Mlx5RawHost.QUEUE, 64)).as("signed anew").isEqualTo((byte) 0xff);
  }

  @Test
  void anAnswerMayComeWithAWrongSignature() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    checksumsOn(host);
    host.bench.inject("SUSPEND_VHCA#1:wrong-signature");

    assertThat(host.send(host.suspend(0), 16).status()).isZero();
    assertThat(host.xor(Mlx5RawHost.QUEUE, 64)).isNotEqualTo((byte) 0xff);
  }

  @Test
  void anInputBlockComputedByHandIsTakenWhileChecksumsAreOn() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    checksumsOn(host);
    int at = Mlx5RawHost.inBlocks(0);
    host.put(at, new byte[576]);
    host.put(at, Mlx5RawHost.bytes("00000000 00000000 00123400 00801000"));
    // Computed for a block at the end of its chain, with token 0x14.
    host.put(at + 0x230, Mlx5RawHost.bytes("00000000 00000000 00000000 0014ebb6"));
    byte[] entry =
        Mlx5RawHost.bytes(
            "07000000 00000020 00000000 00000000 01180000 00000000 c0000005 00000000"
                + "00000000 00000000 00000000 00000000 00000000 00000000 00000010 14000001");
    ByteBuffer.wrap(entry).putLong(8, Mlx5RawHost.RAM + at);
    byte sum = 0;
    for (byte octet : entry) {
      sum ^= octet;
    }
    entry[0x3d] = (byte) ~sum;
    host.put(Mlx5RawHost.QUEUE, entry);
    ring(host);
    Mlx5RawHost.Reply reply = host.reply(0, 16);
    assertThat(reply.delivery()).isZero();
    assertThat(reply.status()).as("there is no such base").isEqualTo(0x09);
    host.ram.put(at + 0x23f, (byte) 0xb7);
    host.put(Mlx5RawHost.QUEUE, entry);
    ring(host);
    assertThat(host.reply(0, 16).delivery()).isEqualTo(0x01);
  }

  @ParameterizedTest
  @CsvSource({
    "type, 0x00, 06, 10",
    "reserved byte, 0x01, 01, 09",
    "reserved byte 62, 0x3e, 01, 09",
    "input length 12, 0x07, 0c, 07",
    "input length 17, 0x07, 11, 05",
    "output length 8, 0x3b, 08, 08",
    "output pointer missing, 0x3b, 40, 04",
  })
  void whatIsWrongWithAnEntryIsSaid(String what, String at, String value, String delivery)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.write(0, Mlx5RawHost.bytes(SUSPEND), 16);
    host.ram.put(Integer.decode(at), (byte) Integer.parseInt(value, 16));
    ring(host);
    assertThat(host.done(0)).isTrue();
    assertThat(host.reply(0, 16).delivery()).as(what).isEqualTo(Integer.parseInt(delivery, 16));
    assertThat(host.bench.condition(0)).isEqualTo("running");
  }

  @ParameterizedTest
  @CsvSource({
    "first pointer unaligned, entry, 0x0f, 40, 05",
    "next pointer unaligned, block0, 0x237, 10, 05",
    "block number, block1, 0x23b, 00, 03",
    "token, block1, 0x23d, 77, 02",
    "reserved, block0, 0x210, 01, 09",
    "chain too long, block1, 0x236, 04, 07",
    "not mapped, entry, 0x0b, 70, 06",
  })
  void whatIsWrongWithAChainIsSaid(
      String what, String where, String at, String value, String delivery)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    // MANAGE_PAGES that gives 65 pages: 536 bytes, two blocks.
    byte[] command = new byte[16 + 65 * 8];
    ByteBuffer.wrap(command).putInt(0, 0x0108_0000).putInt(4, 1).putInt(12, 65);
    for (int page = 0; page < 65; page++) {
      ByteBuffer.wrap(command)
          .putLong(16 + page * 8, Mlx5RawHost.RAM + Mlx5RawHost.BUFFERS + page * 4096L);
    }
    host.write(0, command, 16);
    int base =
        switch (where) {
          case "entry" -> Mlx5RawHost.QUEUE;
          case "block0" -> Mlx5RawHost.inBlocks(0);
          default -> Mlx5RawHost.inBlocks(0) + BLOCK_STEP;
        };
    host.ram.put(base + Integer.decode(at), (byte) Integer.parseInt(value, 16));
    ring(host);
    assertThat(host.reply(0, 16).delivery()).as(what).isEqualTo(Integer.parseInt(delivery, 16));
    int before = host.bench.pagesGiven();
    host.write(0, command, 16);
    ring(host);
    assertThat(host.reply(0, 16).delivery()).isZero();
    assertThat(host.bench.pagesGiven()).isEqualTo(before + 65);
  }

  @Test
  void tokensMayBeZeroAsLongAsTheyAgree() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.write(0, Mlx5RawHost.bytes(Mlx5RawHost.queryText(false, false)), 64);
    host.ram.put(0x3c, (byte) 0);
    host.ram.put(Mlx5RawHost.outBlocks(0) + 0x23d, (byte) 0);
    ring(host);
    assertThat(host.reply(0, 64).delivery()).isZero();
  }

  @Test
  void aDoorbellForAnEntryOfTheHostIsIgnoredAndCounted() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.write(0, Mlx5RawHost.bytes(SUSPEND), 16);
    host.ram.put(0x3f, (byte) 0);
    ring(host);
    assertThat(host.bench.condition(0)).isEqualTo("running");
    assertThat(host.bench.violations())
        .containsExactly("1 doorbells rang for entries that were not the firmware's");
  }

  @Test
  void aStraySignatureIsLeftAloneOrRefusedAsAssumed() throws MigrationException {
    for (String position : List.of("ok", "delivery")) {
      Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.stray-signature=" + position);
      host.write(0, Mlx5RawHost.bytes(SUSPEND), 16);
      host.ram.put(0x3d, (byte) 0x5a);
      ring(host);
      assertThat(host.reply(0, 16).delivery()).isEqualTo(position.equals("ok") ? 0 : 1);
    }
  }

  @ParameterizedTest
  @CsvSource({"delivery, 7, 0", "status, 0, 80"})
  void aWrongInputLengthIsFoundEitherWay(String position, int delivery, int status)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.wrong-length=" + position);
    Mlx5RawHost.Reply reply = host.send(SUSPEND + "00000000", 16);
    assertThat(reply.delivery()).isEqualTo(delivery);
    assertThat(reply.status()).isEqualTo(status);
  }

  @ParameterizedTest
  @CsvSource({"delivery, 8, 0", "status, 0, 81"})
  void aWrongOutputLengthIsFoundEitherWay(String position, int delivery, int status)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.wrong-length=" + position);
    Mlx5RawHost.Reply reply = host.send(Mlx5RawHost.queryText(false, false), 16);
    assertThat(reply.delivery()).isEqualTo(delivery);
    assertThat(reply.status()).isEqualTo(status);
  }

  @ParameterizedTest
  @CsvSource({"bad-param, 0, 3", "delivery, 9, 0", "ok, 0, 0"})
  void reservedBitsAreFoundOrNot(String position, int delivery, int status)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.reserved-bits=" + position);
    Mlx5RawHost.Reply reply = host.send("01150000 00000000 00010005 00000000", 16);
    assertThat(reply.delivery()).isEqualTo(delivery);
    assertThat(reply.status()).isEqualTo(status);
  }

  @Test
  void anUnknownOpcodeIsRefused() throws MigrationException {
    assertThat(Mlx5RawHost.started(VF).status("07770000 00000000 00000000 00000000", 16))
        .isEqualTo(0x02);
  }

  @Test
  void commandsBeforeTheirTurnAreRefusedUnlessAssumedOtherwise() throws MigrationException {
    Mlx5RawHost host = new Mlx5RawHost(VF);
    assertThat(host.status("010a0000 00000000 00000000 00000000", 0x70)).isEqualTo(0x04);
    host.ok("01040000 00000000 00000000 00000000", 12);
    assertThat(host.status("01000000 00000001 00000000 00000000", 0x1010))
        .as("capabilities before the boot pages")
        .isEqualTo(0x04);
    assertThat(host.status(SUSPEND, 16)).as("before INIT_HCA").isEqualTo(0x04);
    Mlx5RawHost lenient = new Mlx5RawHost(VF + "&assume.start-up-order=ok");
    assertThat(lenient.status(SUSPEND, 16)).isZero();
  }

  @Test
  void nothingIsFetchedWithoutBusMasterOrMapping() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.pf.region(7).write(4, ByteBuffer.wrap(new byte[] {2, 0}));
    host.issue(0, SUSPEND, 16);
    host.clock.advance(1_000_000_000);
    assertThat(host.done(0)).isFalse();
    host.pf.region(7).write(4, ByteBuffer.wrap(new byte[] {6, 0}));
    host.unmapAll();
    ring(host);
    host.clock.advance(1_000_000_000);
    assertThat(host.done(0)).isFalse();
  }

  @Test
  void pagesThatTheHostSpoilsAreFound() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.ram.put(Mlx5RawHost.PAGES + 100, (byte) 1);
    host.ok("01030000 00000000 00000000 00000000", 16);
    Mlx5RawHost.Reply reply = host.ok("01080000 00000002 00000000 00000400", 0x10 + 8 * 1024);
    assertThat(reply.dword(8)).isEqualTo(32);
    assertThat(reply.qword(0x10)).isEqualTo(Mlx5RawHost.RAM + Mlx5RawHost.PAGES);
    assertThat(host.bench.violations())
        .containsExactly("1 pages of the firmware were written by the host");
    host.ok("01050000 00000000 00000000 00000000", 16);
  }

  /** An event queue of 16 entries in one page, at the end of the buffers. */
  private static int eventQueue(Mlx5RawHost host, long types) throws MigrationException {
    int uar = host.ok("08020000 00000000 00000000 00000000", 16).dword(8);
    int at = Mlx5RawHost.PAGES + 0x10_0000;
    byte[] page = new byte[4096];
    for (int entry = 0; entry < 16; entry++) {
      page[entry * 64 + 63] = 1;
    }
    host.put(at, page);
    byte[] command = new byte[0x118];
    ByteBuffer.wrap(command)
        .putInt(0, 0x0301_0000)
        .putInt(0x1c, 4 << 24 | uar)
        .putInt(0x24, 3)
        .putLong(0x58, types)
        .putLong(0x110, Mlx5RawHost.RAM + at);
    StringBuilder hex = new StringBuilder();
    for (byte octet : command) {
      hex.append("%02x".formatted(octet));
    }
    int number = host.ok(hex.toString(), 16).dword(8);
    host.register(uar * 4096 + 0x40, number << 24);
    return at;
  }

  @Test
  void completionsComeAsEventsThatWrapAndInterruptOnceArmed() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    List<Integer> interrupts = new ArrayList<>();
    host.pf.interrupts().enable(Interrupts.MSIX, 8, interrupts::add);
    int at = eventQueue(host, 1L << 0x0a);
    for (int round = 0; round < 40; round++) {
      int entry = at + (round % 16) * 64;
      int owner = round / 16 % 2;
      // CREATE_EQ itself completed after the queue was there.
      if (round > 0) {
        host.ok(Mlx5RawHost.queryText(false, false), 64);
      }
      assertThat(host.ram.get(entry + 63)).as("owner of event " + round).isEqualTo((byte) owner);
      assertThat(host.ram.get(entry + 1)).isEqualTo((byte) 0x0a);
      assertThat(host.ram.getInt(entry + 0x20)).isEqualTo(1);
      host.register(16 * 4096 + 0x40, 1 << 24 | round + 1);
    }
    assertThat(interrupts).hasSize(40).containsOnly(3);
  }

  @Test
  void aCommandMayWaitForPages() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    int at = eventQueue(host, 1L << 0x0b);
    host.bench.inject("SUSPEND_VHCA#1:give-pages=3");
    host.issue(0, SUSPEND, 16);
    host.clock.advance(50_000_000);
    assertThat(host.done(0)).isFalse();
    assertThat(host.ram.get(at + 1)).isEqualTo((byte) 0x0b);
    assertThat(host.ram.getInt(at + 0x24)).isEqualTo(3);
    int slot = 31;
    host.write(
        slot,
        Mlx5RawHost.bytes(
            "01080000 00000001 00000000 00000003"
                + Mlx5RawHost.hex64(Mlx5RawHost.RAM + Mlx5RawHost.BUFFERS)
                + Mlx5RawHost.hex64(Mlx5RawHost.RAM + Mlx5RawHost.BUFFERS + 4096)
                + Mlx5RawHost.hex64(Mlx5RawHost.RAM + Mlx5RawHost.BUFFERS + 8192)),
        16);
    host.register(0x18, 1 << slot);
    assertThat(host.await(slot, 16).status()).isZero();
    assertThat(host.await(0, 16).status()).isZero();
    host.bench.inject("RESUME_VHCA#1:give-pages=3");
    host.issue(0, host.resume(1), 16);
    host.issue(0, host.resume(1), 16);
    host.write(slot, Mlx5RawHost.bytes("01080000 00000000 00000000 00000000"), 16);
    host.register(0x18, 1 << slot);
    assertThat(host.await(0, 16).status()).as("the host cannot give").isEqualTo(0x0f);
  }
}
