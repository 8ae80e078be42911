package com.example.beacon;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** The stream: magic and version, length, checksum, state. */
final class BeaconFormat {

  static final int HEADER_BYTES = 16;
  private static final int MAGIC_AND_VERSION = 0xbeac0001;

  private BeaconFormat() {}

  static byte[] encode(byte[] state) {
    return ByteBuffer.allocate(HEADER_BYTES + state.length)
        .putInt(MAGIC_AND_VERSION)
        .putInt(state.length)
        .putLong(checksum(state))
        .put(state)
        .array();
  }

  /**
   * Proves a whole stream and returns the state in it.
   *
   * @param stream untrusted
   * @param stateBytes how large the state of this device is
   */
  static byte[] decode(byte[] stream, int stateBytes) throws MigrationException {
    if (stream.length != HEADER_BYTES + stateBytes) {
      throw new MigrationException(
          DeviceError.DATA_CORRUPT,
          "%d bytes are no stream of a Beacon, which has %d"
              .formatted(stream.length, HEADER_BYTES + stateBytes));
    }
    ByteBuffer in = ByteBuffer.wrap(stream);
    if (in.getInt() != MAGIC_AND_VERSION || in.getInt() != stateBytes) {
      throw new MigrationException(
          DeviceError.DATA_INCOMPATIBLE, "the stream is not of version 1 of a Beacon like this");
    }
    byte[] state = Arrays.copyOfRange(stream, HEADER_BYTES, stream.length);
    if (in.getLong() != checksum(state)) {
      throw new MigrationException(DeviceError.DATA_CORRUPT, "the checksum is wrong");
    }
    return state;
  }

  private static long checksum(byte[] state) {
    CRC32C crc = new CRC32C();
    crc.update(state);
    return crc.getValue();
  }
}
