package io.vferry.compat.v1;

import io.vferry.spi.error.MigrationException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A client of the v1 region that does what the text of the interface says, in its order. */
final class V1Client {

  final V1Device device;

  V1Client(V1Device device) {
    this.device = device;
  }

  static V1Client of(V1MigrationRegion region) {
    return new V1Client(new V1RegionDevice(region, region::reset));
  }

  int state() throws MigrationException {
    return device.readDeviceState();
  }

  void state(int bits) throws MigrationException {
    device.writeDeviceState(bits);
  }

  /** Iterates until nothing is pending; returns the chunks. */
  List<byte[]> drain() throws MigrationException {
    List<byte[]> chunks = new ArrayList<>();
    while (device.readPendingBytes() != 0) {
      chunks.add(chunk());
    }
    return chunks;
  }

  /** Collects the chunk of one iteration, in accesses as wide as they may be. */
  byte[] chunk() throws MigrationException {
    long offset = device.readDataOffset();
    byte[] bytes = new byte[Math.toIntExact(device.readDataSize())];
    ByteBuffer into = ByteBuffer.wrap(bytes);
    while (into.hasRemaining()) {
      int width = 8;
      while ((into.position() & (width - 1)) != 0 || width > bytes.length - into.position()) {
        width >>= 1;
      }
      into.limit(into.position() + width);
      device.readData(offset + into.position(), into);
      into.limit(bytes.length);
    }
    return bytes;
  }

  void load(byte[] chunk) throws MigrationException {
    device.writeData(device.readDataOffset(), ByteBuffer.wrap(chunk));
    device.writeDataSize(chunk.length);
  }

  void load(List<byte[]> chunks) throws MigrationException {
    for (byte[] chunk : chunks) {
      load(chunk);
    }
  }

  static byte[] join(List<byte[]> chunks) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    chunks.forEach(all::writeBytes);
    return all.toByteArray();
  }
}
