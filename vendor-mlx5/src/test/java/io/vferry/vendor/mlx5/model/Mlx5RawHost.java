package io.vferry.vendor.mlx5.model;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** A host that writes its commands by hand, byte by byte. */
final class Mlx5RawHost {

  static final long RAM = 0x1000_0000L;
  static final int QUEUE = 0;
  static final int IN_BLOCKS = 0x10_0000;
  static final int OUT_BLOCKS = 0x30_0000;
  static final int PAGES = 0x50_0000;
  static final int BUFFERS = 0x80_0000;
  private static final int RAM_BYTES = 24 << 20;
  private static final int BLOCK_STEP = 1024;
  private static final long STEP_NANOS = 10_000;

  /** What came back. */
  record Reply(int delivery, byte[] bytes, int token) {

    int status() {
      return bytes[0] & 0xff;
    }

    int dword(int offset) {
      return ByteBuffer.wrap(bytes).getInt(offset);
    }

    long qword(int offset) {
      return ByteBuffer.wrap(bytes).getLong(offset);
    }
  }

  final Mlx5TestClock clock;
  final SharedParts shared = new SharedParts();
  final List<HostDevice> functions = new ArrayList<>();
  final HostDevice pf;
  final Mlx5Bench bench;
  final ByteBuffer ram = ByteBuffer.allocateDirect(RAM_BYTES);
  int token = 0x10;
  boolean sign;
  private int nextBuffer = BUFFERS;

  Mlx5RawHost(String... addresses) throws MigrationException {
    this(new Mlx5TestClock(), addresses);
  }

  Mlx5RawHost(Mlx5TestClock clock, String... addresses) throws MigrationException {
    this.clock = clock;
    for (String address : addresses) {
      functions.add(
          new Mlx5DeviceModel()
              .create(
                  DeviceAddress.parse(address),
                  new OpenContext("nic" + functions.size(), clock, shared)));
    }
    this.pf = functions.get(0).companion("pf").orElseThrow();
    this.bench = pf.capability(Mlx5Bench.class).orElseThrow();
    pf.dma().map(RAM, ram.duplicate(), DmaSpace.Direction.READ_WRITE);
    pf.region(7).write(4, ByteBuffer.wrap(new byte[] {6, 0}));
    register(0x10, (int) (RAM >>> 32));
    register(0x14, (int) RAM + QUEUE);
  }

  static Mlx5RawHost started(String... addresses) throws MigrationException {
    Mlx5RawHost host = new Mlx5RawHost(addresses);
    host.startUp();
    return host;
  }

  void register(int offset, int value) throws MigrationException {
    pf.region(0).write(offset, ByteBuffer.allocate(4).putInt(0, value));
  }

  int register(int offset) throws MigrationException {
    ByteBuffer value = ByteBuffer.allocate(4);
    pf.region(0).read(offset, value);
    return value.getInt(0);
  }

  /** The sequence of a driver in user space; each command as it lies in memory. */
  void startUp() throws MigrationException {
    ok("01040000 00000000 00000000 00000000", 12);
    Reply issi = ok("010a0000 00000000 00000000 00000000", 0x70);
    if ((issi.dword(0x6c) & 2) == 0) {
      throw new AssertionError("ISSI 1 is not offered");
    }
    ok("010b0000 00000000 00000001 00000000", 16);
    int given = givePages(PAGES, ok("01070000 00000001 00000000 00000000", 16).dword(0xc));
    ok("08050000 00000000 00007004 00000000 00000000 00000000 00000000 00000000", 0x20);
    ok("01000000 00000001 00000000 00000000", 0x1010);
    givePages(PAGES + given * 4096, ok("01070000 00000002 00000000 00000000", 16).dword(0xc));
    ok("01020000 00000000 00000000 00000000 00000000 00000000 00000000 00000000", 16);
  }

  int givePages(int at, int count) throws MigrationException {
    if (count > 0) {
      StringBuilder command = new StringBuilder("01080000 00000001 00000000");
      command.append(hex32(count));
      for (int page = 0; page < count; page++) {
        command.append(hex64(RAM + at + page * 4096L));
      }
      ok(command.toString(), 16);
    }
    return count;
  }

  static String hex32(int value) {
    return String.format(Locale.ROOT, "%08x", value);
  }

  static String hex64(long value) {
    return String.format(Locale.ROOT, "%016x", value);
  }

  static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replaceAll("[\\s|]", ""));
  }

  /** Sends a command that has to succeed. */
  Reply ok(String hex, int outputBytes) throws MigrationException {
    Reply reply = send(hex, outputBytes);
    if (reply.delivery != 0 || reply.status() != 0) {
      throw new AssertionError(
          "%s: delivery 0x%x, status 0x%x, record %s"
              .formatted(
                  hex.substring(0, Math.min(80, hex.length())),
                  reply.delivery,
                  reply.status(),
                  bench.commands().get(bench.commands().size() - 1).outcome()));
    }
    return reply;
  }

  int status(String hex, int outputBytes) throws MigrationException {
    Reply reply = send(hex, outputBytes);
    if (reply.delivery != 0) {
      throw new AssertionError("delivery 0x%x".formatted(reply.delivery));
    }
    return reply.status();
  }

  Reply send(String hex, int outputBytes) throws MigrationException {
    return send(0, hex, outputBytes);
  }

  Reply send(int slot, String hex, int outputBytes) throws MigrationException {
    issue(slot, hex, outputBytes);
    return await(slot, outputBytes);
  }

  /** Writes a command into a slot and rings. */
  void issue(int slot, String hex, int outputBytes) throws MigrationException {
    write(slot, bytes(hex), outputBytes);
    register(0x18, 1 << slot);
  }

  /** Writes a command into a slot. */
  void write(int slot, byte[] input, int outputBytes) {
    int at = QUEUE + slot * 64;
    token = token % 255 + 1;
    put(at, new byte[64]);
    ram.put(at, (byte) 7);
    ram.putInt(at + 4, input.length);
    ram.put(at + 0x10, input, 0, Math.min(16, input.length));
    if (input.length > 16) {
      ram.putLong(at + 8, RAM + inBlocks(slot));
      chain(inBlocks(slot), input.length, input);
    }
    if (outputBytes > 16) {
      ram.putLong(at + 0x30, RAM + outBlocks(slot));
      chain(outBlocks(slot), outputBytes, new byte[0]);
    }
    ram.putInt(at + 0x38, outputBytes);
    ram.put(at + 0x3c, (byte) token);
    ram.put(at + 0x3f, (byte) 1);
    if (sign) {
      ram.put(at + 0x3d, (byte) ~xor(at, 64));
    }
  }

  static int inBlocks(int slot) {
    return IN_BLOCKS + slot * 0x1_0000;
  }

  static int outBlocks(int slot) {
    return OUT_BLOCKS + slot * 0x1_0000;
  }

  private void chain(int first, int length, byte[] message) {
    int count = (length - 16 + 511) / 512;
    for (int number = 0; number < count; number++) {
      int at = first + number * BLOCK_STEP;
      put(at, new byte[576]);
      int from = 16 + number * 512;
      if (from < message.length) {
        ram.put(at, message, from, Math.min(512, message.length - from));
      }
      ram.putLong(at + 0x230, number == count - 1 ? 0 : RAM + at + BLOCK_STEP);
      ram.putInt(at + 0x238, number);
      ram.put(at + 0x23d, (byte) token);
      if (sign) {
        ram.put(at + 0x23e, (byte) ~xor(at + 0x200, 0x3e));
        ram.put(at + 0x23f, (byte) ~xor(at, 0x23f));
      }
    }
  }

  void put(int at, byte[] bytes) {
    ram.put(at, bytes, 0, bytes.length);
  }

  byte[] get(int at, int length) {
    byte[] bytes = new byte[length];
    ram.get(at, bytes, 0, length);
    return bytes;
  }

  byte xor(int at, int length) {
    byte sum = 0;
    for (int i = 0; i < length; i++) {
      sum ^= ram.get(at + i);
    }
    return sum;
  }

  boolean done(int slot) {
    return (ram.get(QUEUE + slot * 64 + 0x3f) & 1) == 0;
  }

  Reply await(int slot, int outputBytes) {
    for (int step = 0; !done(slot); step++) {
      if (step > 200_000) {
        throw new AssertionError("slot " + slot + " never completes");
      }
      clock.advance(step < 1000 ? STEP_NANOS : 100 * STEP_NANOS);
    }
    return reply(slot, outputBytes);
  }

  Reply reply(int slot, int outputBytes) {
    int at = QUEUE + slot * 64;
    byte[] out = new byte[Math.max(16, outputBytes)];
    ram.get(at + 0x20, out, 0, 16);
    for (int from = 16, number = 0; from < outputBytes; from += 512, number++) {
      ram.get(outBlocks(slot) + number * BLOCK_STEP, out, from, Math.min(512, outputBytes - from));
    }
    return new Reply((ram.get(at + 0x3f) & 0xff) >> 1, out, ram.get(at + 0x3c) & 0xff);
  }

  int allocPd() throws MigrationException {
    return ok("08000000 00000000 00000000 00000000", 16).dword(8) & 0xffffff;
  }

  /** A part of memory with its key. */
  record Buffer(int at, int length, int key) {}

  Buffer buffer(int pd, int length) throws MigrationException {
    int at = nextBuffer;
    int pages = (length + 4095) / 4096;
    nextBuffer += pages * 4096;
    return new Buffer(at, pages * 4096, mkey(pd, RAM + at, pages, 0x0c00));
  }

  /** Creates a key with the given bits of rights; 0x0c00 is local write and local read. */
  int mkey(int pd, long address, int pages, int rights) throws MigrationException {
    StringBuilder command = new StringBuilder("02000000 00000000 00000000 00000000");
    int pairs = (pages + 1) / 2;
    // rights, access mode MTT | qpn, key byte | 0 | pd
    command.append(hex32(rights | 0x100)).append("ffffff00").append(hex32(0)).append(hex32(pd));
    // start_addr | len
    command.append(hex64(0)).append(hex64(pages * 4096L));
    // bsf size, reserved, crossing, octwords, log_page_size, reserved
    command.append(hex32(0)).append(hex32(0)).append(hex32(0)).append(hex32(0)).append(hex32(0));
    command.append(hex32(pairs)).append(hex32(12)).append(hex32(0));
    command.append("00000000".repeat(4)).append(hex32(pairs));
    command.append("00000000".repeat((0x110 - 0x64) / 4));
    for (int page = 0; page < pairs * 2; page++) {
      command.append(hex64(page < pages ? address + page * 4096L : 0));
    }
    return (ok(command.toString(), 16).dword(8) & 0xffffff) << 8;
  }

  String suspend(int opMod) {
    return "01150000" + hex32(opMod) + "0000000500000000";
  }

  String resume(int opMod) {
    return "01160000" + hex32(opMod) + "0000000500000000";
  }

  /** Suspends initiator and responder of VHCA 5. */
  void freeze() throws MigrationException {
    ok(suspend(0), 16);
    ok(suspend(1), 16);
  }

  Reply query(boolean incremental, boolean chunk) throws MigrationException {
    return send(queryText(incremental, chunk), 64);
  }

  static String queryText(boolean incremental, boolean chunk) {
    return "01170000 00000000"
        + hex32((incremental ? 1 << 31 : 0) | (chunk ? 1 << 30 : 0) | 5)
        + "00000000";
  }

  static String saveText(boolean incremental, boolean track, int key, int size) {
    return "01180000 00000000"
        + hex32((incremental ? 1 << 31 : 0) | (track ? 1 << 30 : 0) | 5)
        + "00000000 0000000000000000"
        + hex32(key)
        + hex32(size);
  }

  static String loadText(int key, int size) {
    return "01190000 00000000 00000005 00000000 0000000000000000" + hex32(key) + hex32(size);
  }

  /** Makes a save and returns the image. */
  byte[] save(boolean incremental, boolean track, Buffer buffer) throws MigrationException {
    Reply reply = ok(saveText(incremental, track, buffer.key, buffer.length), 16);
    return get(buffer.at, reply.dword(8));
  }

  int load(byte[] image, Buffer buffer) throws MigrationException {
    put(buffer.at, image);
    return status(loadText(buffer.key, image.length), 16);
  }

  void unmapAll() throws MigrationException {
    pf.dma().unmap(new MemoryRange(RAM, RAM_BYTES));
  }
}
