package io.vferry.runtime.transport;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A bounded stock of direct buffers for chunks.
 *
 * <p>Buffers come in the sizes 4 KiB, 16 KiB, 64 KiB, 256 KiB and 1 MiB, and count with their whole
 * size. Idle buffers are kept, but never more than fit under the bound together with those in use.
 *
 * <p>Safe for use by any number of threads.
 */
public final class ChunkPool {

  private static final int SMALLEST_SHIFT = 12;
  private static final int CLASS_SHIFT = 2;
  private static final int CLASSES = 5;

  /** A buffer on loan. */
  public final class Lease {
    private @Nullable ByteBuffer memory;
    private final ByteBuffer buffer;
    private final int sizeClass;

    private Lease(ByteBuffer memory, int sizeClass, int lengthBytes) {
      this.memory = memory;
      this.sizeClass = sizeClass;
      this.buffer = memory.duplicate().clear().limit(lengthBytes);
    }

    /** Returns the buffer: direct, big endian, from position 0 to the length asked for. */
    public ByteBuffer buffer() {
      return buffer;
    }

    /** Returns the size in bytes with which the buffer counts. */
    public int sizeBytes() {
      return sizeOf(sizeClass);
    }

    /**
     * Gives the buffer back; it must not be used any more.
     *
     * @throws IllegalStateException if called a second time
     */
    public void release() {
      giveBack(this);
    }
  }

  private final long capacityBytes;
  private final List<ArrayDeque<ByteBuffer>> idle = new ArrayList<>();
  private long usedBytes;
  private long idleBytes;

  /**
   * Creates an empty pool.
   *
   * @param capacityBytes the most that is in use at a time, at least {@link Chunk#MAX_LENGTH_BYTES}
   */
  public ChunkPool(long capacityBytes) {
    if (capacityBytes < Chunk.MAX_LENGTH_BYTES) {
      throw new IllegalArgumentException(
          "a pool of " + capacityBytes + " bytes has no room for a chunk of the longest kind");
    }
    this.capacityBytes = capacityBytes;
    for (int i = 0; i < CLASSES; i++) {
      idle.add(new ArrayDeque<>());
    }
  }

  /**
   * Returns the size in bytes with which a buffer of the given length counts.
   *
   * @param lengthBytes 1 to {@link Chunk#MAX_LENGTH_BYTES}
   */
  static int sizeForLength(int lengthBytes) {
    return sizeOf(classOf(lengthBytes));
  }

  private static int sizeOf(int sizeClass) {
    return 1 << (SMALLEST_SHIFT + CLASS_SHIFT * sizeClass);
  }

  private static int classOf(int lengthBytes) {
    if (lengthBytes < 1 || lengthBytes > Chunk.MAX_LENGTH_BYTES) {
      throw new IllegalArgumentException(
          "length " + lengthBytes + " is not in 1.." + Chunk.MAX_LENGTH_BYTES);
    }
    int sizeClass = 0;
    while (sizeOf(sizeClass) < lengthBytes) {
      sizeClass++;
    }
    return sizeClass;
  }

  /**
   * Takes a buffer, waiting while the pool is exhausted.
   *
   * @param lengthBytes 1 to {@link Chunk#MAX_LENGTH_BYTES}
   */
  public synchronized Lease acquire(int lengthBytes) throws InterruptedException {
    int sizeClass = classOf(lengthBytes);
    while (usedBytes + sizeOf(sizeClass) > capacityBytes) {
      wait();
    }
    return take(sizeClass, lengthBytes);
  }

  /**
   * Takes a buffer if there is room for it.
   *
   * @param lengthBytes 1 to {@link Chunk#MAX_LENGTH_BYTES}
   */
  public synchronized Optional<Lease> tryAcquire(int lengthBytes) {
    int sizeClass = classOf(lengthBytes);
    return usedBytes + sizeOf(sizeClass) > capacityBytes
        ? Optional.empty()
        : Optional.of(take(sizeClass, lengthBytes));
  }

  /** Returns the bytes in use. */
  public synchronized long usedBytes() {
    return usedBytes;
  }

  /** Returns the bytes kept for the next use. */
  synchronized long idleBytes() {
    return idleBytes;
  }

  private Lease take(int sizeClass, int lengthBytes) {
    int size = sizeOf(sizeClass);
    ByteBuffer memory = idle.get(sizeClass).pollLast();
    if (memory == null) {
      // The garbage collector frees dropped buffers; the JDK runs it if direct memory is short.
      makeRoom(size);
      memory = ByteBuffer.allocateDirect(size);
    } else {
      idleBytes -= size;
    }
    usedBytes += size;
    return new Lease(memory, sizeClass, lengthBytes);
  }

  private void makeRoom(int size) {
    for (int other = CLASSES - 1; other >= 0; other--) {
      while (usedBytes + idleBytes + size > capacityBytes && !idle.get(other).isEmpty()) {
        idle.get(other).removeLast();
        idleBytes -= sizeOf(other);
      }
    }
  }

  private synchronized void giveBack(Lease lease) {
    ByteBuffer memory = lease.memory;
    if (memory == null) {
      throw new IllegalStateException("the buffer was given back before");
    }
    lease.memory = null;
    int size = sizeOf(lease.sizeClass);
    usedBytes -= size;
    idleBytes += size;
    idle.get(lease.sizeClass).addLast(memory);
    notifyAll();
  }
}
