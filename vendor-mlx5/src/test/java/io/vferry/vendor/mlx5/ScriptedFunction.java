package io.vferry.vendor.mlx5;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A physical function that does what a test tells it, byte by byte: it knows how a command travels
 * and nothing of what it means. All its offsets stand here once more as numbers, so that a mistake
 * of the driver's cannot hide.
 */
public final class ScriptedFunction implements HostDevice {

  /** Makes the answer to a command. */
  @FunctionalInterface
  public interface Script {
    /** Returns the answer's first bytes, the rest is 0; empty leaves the command unanswered. */
    Optional<byte[]> answer(ByteBuffer input);
  }

  private final Map<Long, Integer> registers = new HashMap<>();
  private final Map<Long, Runnable> written = new HashMap<>();
  private final TreeMap<Long, ByteBuffer> memory = new TreeMap<>();
  private final List<String> commands = new ArrayList<>();
  private final List<byte[]> entries = new ArrayList<>();
  private final List<Integer> unanswered = new ArrayList<>();
  private final List<Runnable> due = new ArrayList<>();
  private Script script = input -> Optional.of(new byte[0]);
  private int delivery;
  private int tokenFlip;
  private boolean gone;
  private long nanos;
  private int beats;

  /** Creates a function with 32 slots of 64 bytes that is ready. */
  public ScriptedFunction() {
    registers.put(0x0L, 28 | 41 << 16);
    registers.put(0x4L, 5 << 16 | 1000);
    registers.put(0x14L, 5 << 4 | 6);
  }

  /** Sets how commands are answered. */
  public ScriptedFunction script(Script now) {
    script = now;
    return this;
  }

  /** Sets the delivery status and what the token of each answer is changed by. */
  public void deliver(int status, int flip) {
    delivery = status;
    tokenFlip = flip;
  }

  /** Takes the function off the bus. */
  public void remove() {
    gone = true;
  }

  /** Sets a register. */
  public void register(long offset, int value) {
    registers.put(offset, value);
  }

  /** Returns a register. */
  public int register(long offset) {
    return registers.getOrDefault(offset, 0);
  }

  /** Has something done once a register was written. */
  public void onWrite(long offset, Runnable task) {
    written.put(offset, task);
  }

  /** Has something done the next time somebody waits. */
  public void onPause(Runnable task) {
    due.add(task);
  }

  /** Returns each command that came, as hex digits of its first 32 bytes. */
  public List<String> commands() {
    return commands;
  }

  /** Returns the queue entry of each command as it came. */
  public List<byte[]> entries() {
    return entries;
  }

  /** Returns the slots with commands that were not answered. */
  public List<Integer> unanswered() {
    return unanswered;
  }

  /** Returns memory that the function can reach, big endian. */
  public ByteBuffer at(long address, int length) {
    Map.Entry<Long, ByteBuffer> mapping = memory.floorEntry(address);
    if (mapping == null || address - mapping.getKey() + length > mapping.getValue().capacity()) {
      throw new AssertionError("the function reaches for 0x%x, not mapped".formatted(address));
    }
    return mapping
        .getValue()
        .slice((int) (address - mapping.getKey()), length)
        .order(ByteOrder.BIG_ENDIAN);
  }

  private ByteBuffer entry(int slot) {
    long high = Integer.toUnsignedLong(registers.getOrDefault(0x10L, 0)) << 32;
    long low = Integer.toUnsignedLong(registers.get(0x14L)) & ~0xfffL;
    return at((high | low) + 64L * slot, 64);
  }

  private void doorbell(int slots) {
    for (int slot = 0; slot < 32; slot++) {
      if ((slots & 1 << slot) != 0) {
        take(slot);
      }
    }
  }

  private void take(int slot) {
    ByteBuffer entry = entry(slot);
    byte[] copy = new byte[64];
    entry.get(0, copy);
    entries.add(copy);
    int length = entry.getInt(4);
    ByteBuffer input = ByteBuffer.allocate(Math.max(length, 16));
    input.put(0, entry, 16, 16);
    long mailbox = entry.getLong(8);
    for (int at = 16; at < length; at += 512) {
      ByteBuffer block = at(mailbox, 576);
      input.put(at, block, 0, Math.min(512, length - at));
      mailbox = block.getLong(0x230);
    }
    commands.add(HexFormat.of().formatHex(input.array(), 0, Math.min(32, length)));
    Optional<byte[]> answer = script.answer(input);
    if (answer.isEmpty()) {
      unanswered.add(slot);
    } else {
      answer(slot, answer.get());
    }
  }

  /** Answers the command in a slot. */
  public void answer(int slot, byte... bytes) {
    ByteBuffer entry = entry(slot);
    ByteBuffer output = ByteBuffer.allocate(Math.max(16, entry.getInt(0x38)));
    output.put(0, bytes);
    entry.put(0x20, output, 0, 16);
    long mailbox = entry.getLong(0x30);
    for (int at = 16; at < output.capacity(); at += 512) {
      ByteBuffer block = at(mailbox, 576);
      block.put(0, output, at, Math.min(512, output.capacity() - at));
      mailbox = block.getLong(0x230);
    }
    entry.put(0x3c, (byte) (entry.get(0x3c) ^ tokenFlip));
    entry.put(0x3f, (byte) (delivery << 1));
  }

  private final class Bar implements Region {
    @Override
    public RegionInfo info() {
      return new RegionInfo(0, 1 << 20, true, true, false);
    }

    @Override
    public void read(long offset, ByteBuffer into) {
      int value = offset == 0x1010 ? ++beats : registers.getOrDefault(offset, 0);
      into.order(ByteOrder.BIG_ENDIAN).putInt(gone ? -1 : value);
    }

    @Override
    public void write(long offset, ByteBuffer from) {
      int value = from.order(ByteOrder.BIG_ENDIAN).getInt();
      if (gone) {
        return;
      }
      if (offset == 0x18) {
        doorbell(value);
      } else {
        registers.put(offset, value);
        written.getOrDefault(offset, () -> {}).run();
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  private final class Space implements DmaSpace {
    @Override
    public List<MemoryRange> usableRanges() {
      return List.of(new MemoryRange(0x10000, 1L << 40));
    }

    @Override
    public long pageSizeBytes() {
      return 4096;
    }

    @Override
    public void map(long iova, ByteBuffer bytes, Direction direction) {
      memory.put(iova, bytes.slice());
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
      throw new MigrationException(DeviceError.BAD_REQUEST, "no peers");
    }

    @Override
    public void unmap(MemoryRange iovaRange) throws MigrationException {
      if (memory.remove(iovaRange.start()) == null) {
        throw new MigrationException(DeviceError.BAD_REQUEST, "not mapped: " + iovaRange);
      }
    }
  }

  /** Returns how many pieces of memory are mapped. */
  public int mappings() {
    return memory.size();
  }

  private final class Time implements HostClock {
    @Override
    public long nanoTime() {
      return nanos;
    }

    @Override
    public void sleep(long more) {
      nanos += more;
      List<Runnable> now = List.copyOf(due);
      due.clear();
      now.forEach(Runnable::run);
    }

    @Override
    public Scheduled schedule(long delayNanos, Runnable task) {
      throw new UnsupportedOperationException();
    }
  }

  /** Returns how much time passed. */
  public long nanos() {
    return nanos;
  }

  @Override
  public HostDeviceInfo info() {
    return new HostDeviceInfo(
        DeviceAddress.parse("test:pf"), "test", 0x15b3, 0x1021, 0, 0, false, Map.of());
  }

  @Override
  public List<RegionInfo> regions() {
    return List.of(new Bar().info());
  }

  @Override
  public Region region(int index) {
    return new Bar();
  }

  @Override
  public Interrupts interrupts() {
    return new NoInterrupts();
  }

  @Override
  public DmaSpace dma() {
    return new Space();
  }

  @Override
  public void reset() {}

  @Override
  public Optional<HostDevice> companion(String role) {
    return Optional.empty();
  }

  @Override
  public <T> Optional<T> capability(Class<T> type) {
    return type == HostClock.class ? Optional.of(type.cast(new Time())) : Optional.empty();
  }

  @Override
  public void close() {}
}
