package io.vferry.host.linux.syscall;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Memory that a system call reads and writes, zeroed at first. Its offsets are those of the C
 * structure it stands for.
 *
 * <p>The memory lives as long as this object: whoever passes {@link #address()} to a call keeps the
 * object reachable with {@link #keep()} after the call.
 */
public final class Argument {

  private final ByteBuffer bytes;
  private final long address;

  public Argument(int sizeBytes) {
    // One word more, so that the start can be aligned for 64-bit fields.
    ByteBuffer raw = ByteBuffer.allocateDirect(sizeBytes + Long.BYTES);
    long start = addressOf(raw);
    int skip = (int) (-start & (Long.BYTES - 1));
    this.bytes = raw.slice(skip, sizeBytes).order(ByteOrder.nativeOrder());
    this.address = start + skip;
  }

  /** Returns an argument whose first word is its size, as most VFIO structures want it. */
  public static Argument sized(int sizeBytes) {
    return new Argument(sizeBytes).putInt(0, sizeBytes);
  }

  /** Returns an argument that holds a string with a zero byte at its end. */
  public static Argument text(String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    Argument argument = new Argument(encoded.length + 1);
    argument.bytes.put(0, encoded);
    return argument;
  }

  /** Returns the address of the first byte between position and limit of a direct buffer. */
  public static long addressOf(ByteBuffer direct) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(direct)) + direct.position();
  }

  public long address() {
    return address;
  }

  public int sizeBytes() {
    return bytes.capacity();
  }

  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.nativeOrder());
  }

  public int getInt(int offset) {
    return bytes.getInt(offset);
  }

  public int getShort(int offset) {
    return bytes.getShort(offset) & 0xffff;
  }

  public short getPollEvents(int offset) {
    return bytes.getShort(offset);
  }

  public long getLong(int offset) {
    return bytes.getLong(offset);
  }

  public Argument putByte(int offset, int value) {
    bytes.put(offset, (byte) value);
    return this;
  }

  public Argument putShort(int offset, int value) {
    bytes.putShort(offset, (short) value);
    return this;
  }

  public Argument putInt(int offset, int value) {
    bytes.putInt(offset, value);
    return this;
  }

  public Argument putLong(int offset, long value) {
    bytes.putLong(offset, value);
    return this;
  }

  /** Keeps the memory alive up to this point of the program; system calls do not throw. */
  @SuppressWarnings("ReachabilityFenceUsage")
  public void keep() {
    Reference.reachabilityFence(this);
  }
}
