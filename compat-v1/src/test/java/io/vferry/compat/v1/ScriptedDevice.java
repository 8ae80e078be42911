package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** A v1 device that gives the chunks it is told, takes any, and misbehaves as it is told. */
final class ScriptedDevice implements V1Device {

  final int windowBytes;
  final Deque<byte[]> preCopy = new ArrayDeque<>();
  final Deque<byte[]> stopCopy = new ArrayDeque<>();
  final List<byte[]> loaded = new ArrayList<>();
  final List<Integer> written = new ArrayList<>();
  final Set<String> refused = new HashSet<>();
  final byte[] window;
  int dataOffset = 32;
  volatile int state = 1;
  boolean failToError;
  boolean pendingForever;
  long lyingSize = -1;
  long lyingOffset = -1;
  boolean endless;
  int resets;

  /** Whether a change of state loses a chunk that was handed over and not collected. */
  boolean forgetful;

  boolean unreadable;
  boolean refusesData;
  boolean ignoresWrites;
  boolean unreadableAfterWrite;
  int closes;
  Map<String, String> described = Map.of();
  int refuseErrno = 22;

  /** The method that does not come back until it is interrupted. */
  String hanging = "";

  final CountDownLatch hangs = new CountDownLatch(1);
  private byte[] staged;

  ScriptedDevice(int windowBytes) {
    this.windowBytes = windowBytes;
    this.window = new byte[windowBytes];
  }

  private void perhapsHang(String method) throws MigrationException {
    if (!hanging.equals(method)) {
      return;
    }
    hangs.countDown();
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      throw new MigrationException(DeviceError.INTERRUPTED, method + " was interrupted", e);
    }
  }

  @Override
  public long regionBytes() {
    return dataOffset + windowBytes;
  }

  @Override
  public Map<String, String> describe() {
    return described;
  }

  @Override
  public int readDeviceState() throws MigrationException {
    if (unreadableAfterWrite && !written.isEmpty()) {
      throw new MigrationException(DeviceError.IO_FAILED, "unreadable").withErrno(5);
    }
    return state;
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    written.add(bits);
    perhapsHang("writeDeviceState");
    if (refused.contains((state & 7) + ">" + (bits & 7))) {
      state = failToError ? 6 : state;
      throw new MigrationException(DeviceError.ARC_FAILED, "refused").withErrno(refuseErrno);
    }
    if (ignoresWrites) {
      return;
    }
    state = bits;
    staged = forgetful ? null : staged;
  }

  private Deque<byte[]> source() {
    return switch (state & 7) {
      case 3 -> preCopy;
      case 2 -> preCopy.isEmpty() ? stopCopy : preCopy;
      default -> new ArrayDeque<>();
    };
  }

  @Override
  public long readPendingBytes() throws MigrationException {
    perhapsHang("readPendingBytes");
    staged = null;
    if (pendingForever || endless) {
      return 100;
    }
    return source().stream().mapToLong(chunk -> chunk.length).sum();
  }

  @Override
  public long readDataOffset() throws MigrationException {
    perhapsHang("readDataOffset");
    if ((state & 2) != 0 && staged == null) {
      staged = endless ? new byte[windowBytes] : source().poll();
    }
    return lyingOffset >= 0 ? lyingOffset : dataOffset;
  }

  @Override
  public long readDataSize() throws MigrationException {
    perhapsHang("readDataSize");
    if (lyingSize != -1) {
      return lyingSize;
    }
    return staged == null || pendingForever ? 0 : staged.length;
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    perhapsHang("writeDataSize");
    if (refusesData) {
      throw new MigrationException(DeviceError.IO_FAILED, "not mine").withErrno(22);
    }
    byte[] chunk = new byte[(int) lengthBytes];
    System.arraycopy(window, 0, chunk, 0, chunk.length);
    loaded.add(chunk);
  }

  @Override
  public void readData(long offset, ByteBuffer into) throws MigrationException {
    perhapsHang("readData");
    if (unreadable) {
      throw new MigrationException(DeviceError.IO_FAILED, "unreadable").withErrno(5);
    }
    into.put(staged, (int) offset - dataOffset, into.remaining());
  }

  @Override
  public void writeData(long offset, ByteBuffer from) throws MigrationException {
    perhapsHang("writeData");
    from.get(window, (int) offset - dataOffset, from.remaining());
  }

  @Override
  public void reset() {
    resets++;
    state = 1;
  }

  @Override
  public void close() {
    closes++;
  }
}
