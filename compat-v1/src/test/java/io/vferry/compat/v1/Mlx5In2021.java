package io.vferry.compat.v1;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the mlx5 driver did as it was posted on the kernel's list on 19 October 2021 (V2) and 24
 * October 2021 (V3), on v1: the steps of a change of state go by which bits changed.
 */
final class Mlx5In2021 implements V1Device {

  enum Posting {
    V2,
    V3
  }

  static final int DATA_BYTES = 128 << 10;

  private final Posting posting;
  final List<String> commands = new ArrayList<>();
  byte[] content;
  boolean freezeFails;
  private volatile int state = 1;
  private boolean frozen;
  private byte[] image = new byte[0];
  private int imageBytes;
  private int windowStart;
  private boolean sizeRead;

  Mlx5In2021(Posting posting, byte[] content) {
    this.posting = posting;
    this.content = content;
  }

  @Override
  public long regionBytes() {
    return V1Field.HEADER_BYTES + DATA_BYTES;
  }

  @Override
  public int readDeviceState() {
    return state;
  }

  @Override
  public void writeDeviceState(int bits) throws MigrationException {
    boolean valid = V1State.ofBits(bits).filter(V1State::settable).isPresent() && bits < 8;
    if (state == 6 || !valid) {
      throw failed(22);
    }
    int changed = state ^ bits;
    if ((changed & ~bits & 1) != 0) {
      commands.add("quiesce");
      commands.add("freeze");
      if (freezeFails) {
        state = 6;
        throw failed(5);
      }
      frozen = true;
    }
    if (posting == Posting.V3 && bits == 2 && (changed & 3) != 0) {
      save();
    }
    if ((changed & ~bits & 4) != 0 && imageBytes > 0) {
      load();
    }
    if ((changed & bits & 4) != 0) {
      image = new byte[1 << 20];
      imageBytes = 0;
      windowStart = 0;
    }
    // The defect: from pre-copy SAVING was set before, so it has not changed.
    if (posting == Posting.V2 && (changed & bits & 2) != 0 && (bits & 1) == 0) {
      save();
    }
    if ((changed & bits & 1) != 0) {
      commands.add("unfreeze");
      commands.add("unquiesce");
      frozen = false;
    }
    state = bits;
  }

  private void save() throws MigrationException {
    if (!frozen) {
      throw failed(14);
    }
    commands.add("save");
    image = content.clone();
    imageBytes = image.length;
    windowStart = 0;
    sizeRead = false;
  }

  private void load() {
    commands.add("load");
    content = Arrays.copyOf(image, imageBytes);
    imageBytes = 0;
  }

  private static MigrationException failed(int errno) {
    return new MigrationException(DeviceError.ARC_FAILED, "mlx5 says no").withErrno(errno);
  }

  private int windowBytes() {
    return Math.min(DATA_BYTES, imageBytes - windowStart);
  }

  @Override
  public long readPendingBytes() {
    if ((state & 1) != 0) {
      return 0;
    }
    if (sizeRead) {
      windowStart += windowBytes();
      sizeRead = false;
    }
    return imageBytes - windowStart;
  }

  @Override
  public long readDataOffset() {
    return V1Field.HEADER_BYTES;
  }

  @Override
  public long readDataSize() throws MigrationException {
    if (state != 2) {
      throw failed(22);
    }
    sizeRead = true;
    return windowBytes();
  }

  @Override
  public void writeDataSize(long lengthBytes) throws MigrationException {
    if (state != 4 || lengthBytes > DATA_BYTES) {
      throw failed(22);
    }
    imageBytes += (int) lengthBytes;
    windowStart += (int) lengthBytes;
  }

  @Override
  public void readData(long offset, ByteBuffer into) {
    into.put(image, windowStart + (int) offset - V1Field.HEADER_BYTES, into.remaining());
  }

  @Override
  public void writeData(long offset, ByteBuffer from) {
    from.get(image, windowStart + (int) offset - V1Field.HEADER_BYTES, from.remaining());
  }

  @Override
  public void reset() {
    state = 1;
    frozen = false;
    imageBytes = 0;
  }

  @Override
  public void close() {}
}
