package io.vferry.vendor.mlx5.stream;

import java.nio.ByteBuffer;

/** Lets all sound records pass. */
public final class RecordCheck implements RecordParser.Sink {

  /** Creates a check. */
  public RecordCheck() {}

  @Override
  public void stopCopySize(long bytes) {}

  @Override
  public void imageBegins(long bytes) {}

  @Override
  public void imageBytes(ByteBuffer from, int length) {
    from.position(from.position() + length);
  }

  @Override
  public void imageEnds() {}
}
