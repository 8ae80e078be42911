package io.vferry.spi.driver;

import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.List;

/** Optional feature of a driver: explains a recorded stream to people, without a device. */
public interface StreamInspector {

  /**
   * One thing found in a stream.
   *
   * @param offset where it begins, from the start of the stream
   * @param lengthBytes how long it is
   * @param name what it is
   * @param value what it holds, for people; empty for opaque data
   */
  record Field(long offset, long lengthBytes, String name, String value) {}

  /**
   * Reads a whole stream.
   *
   * @param stream untrusted
   * @return what was found, ascending by offset and without gaps
   * @throws MigrationException {@code DATA_CORRUPT} or {@code DATA_INCOMPATIBLE} with the offset
   */
  List<Field> inspect(ByteBuffer stream) throws MigrationException;
}
