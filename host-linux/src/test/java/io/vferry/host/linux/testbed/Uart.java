package io.vferry.host.linux.testbed;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A serial port of the kernel's sample device mtty (Linux 6.12, {@code samples/vfio-mdev/mtty.c}).
 * What is sent waits in the port's own FIFO until it is received.
 */
final class Uart {

  private static final int DATA = 0;
  private static final int FIFO_CONTROL = 2;
  private static final int LINE_CONTROL = 3;
  private static final int LINE_STATUS = 5;
  private static final int SCRATCH = 7;
  private static final int FIFO_ENABLE_AND_CLEAR = 0x07;

  private final Region registers;

  Uart(HostDevice device, int port) throws MigrationException {
    this.registers = device.region(port);
  }

  /** Sets registers and leaves a text in the FIFO. */
  void fill(int scratch, int lineControl, String waiting) throws MigrationException {
    put(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
    put(LINE_CONTROL, lineControl);
    put(SCRATCH, scratch);
    for (byte b : waiting.getBytes(StandardCharsets.US_ASCII)) {
      put(DATA, b);
    }
  }

  int scratch() throws MigrationException {
    return get(SCRATCH);
  }

  int lineControl() throws MigrationException {
    return get(LINE_CONTROL);
  }

  /** Takes what waits in the FIFO. */
  String receive() throws MigrationException {
    StringBuilder text = new StringBuilder();
    while ((get(LINE_STATUS) & 1) != 0) {
      text.append((char) get(DATA));
    }
    return text.toString();
  }

  void put(int register, int value) throws MigrationException {
    registers.write(register, ByteBuffer.allocate(1).put(0, (byte) value));
  }

  int get(int register) throws MigrationException {
    ByteBuffer one = ByteBuffer.allocate(1);
    registers.read(register, one);
    return one.get(0) & 0xff;
  }
}
