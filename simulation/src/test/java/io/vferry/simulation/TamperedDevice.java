package io.vferry.simulation;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.DeviceModel;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A device that does something wrong with what it writes to memory without a file, or with its
 * interrupts. It does not know that itself, nor does whoever moves it.
 */
record TamperedDevice(HostDevice device, Tampering tampering) implements WrappedDevice {

  /** What is done wrong, by the device's fault or on the way. */
  enum Fault {
    /** An entry of 64 bytes does not arrive. */
    LOSES_A_COMPLETION,
    /** In the place of an entry of 64 bytes the one before arrives again. */
    REPEATS_A_COMPLETION,
    /** One byte of a page is wrong whenever the page is written. */
    CORRUPTS_A_PAGE,
    /** A page is not written any more. */
    STOPS_WRITING_A_PAGE,
    /** Nobody is interrupted any more. */
    FORGETS_INTERRUPTS,
    /** Nothing is done wrong. */
    NONE
  }

  /** How far it is; guarded by itself. */
  static final class Tampering {

    private static final int ENTRY_BYTES = 64;
    private static final int PAGE_BYTES = 4096;
    private static final int RIGHT_AT_FIRST = 40;

    private final Fault fault;
    private int entries;
    private int pages;
    private int signals;
    private long page = -1;
    private byte[] last = new byte[ENTRY_BYTES];

    Tampering(Fault fault) {
      this.fault = fault;
    }

    /** Returns what arrives of a write; empty if nothing does. */
    synchronized Optional<ByteBuffer> arriving(long address, ByteBuffer from) {
      byte[] bytes = new byte[from.remaining()];
      from.get(bytes);
      if (bytes.length == ENTRY_BYTES) {
        entries++;
        byte[] before = last;
        last = bytes;
        if (entries == RIGHT_AT_FIRST && fault == Fault.LOSES_A_COMPLETION) {
          return Optional.empty();
        }
        if (entries == RIGHT_AT_FIRST && fault == Fault.REPEATS_A_COMPLETION) {
          return Optional.of(ByteBuffer.wrap(before));
        }
      } else if (bytes.length == PAGE_BYTES) {
        pages++;
        page = pages == RIGHT_AT_FIRST ? address : page;
        if (address == page && fault == Fault.STOPS_WRITING_A_PAGE) {
          return Optional.empty();
        }
        if (address == page && fault == Fault.CORRUPTS_A_PAGE) {
          bytes[PAGE_BYTES / 2] ^= 1;
        }
      }
      return Optional.of(ByteBuffer.wrap(bytes));
    }

    synchronized boolean signals() {
      signals++;
      return fault != Fault.FORGETS_INTERRUPTS || signals <= 2;
    }
  }

  /** Makes devices of a model that do something wrong. */
  record Model(DeviceModel model, Fault fault) implements DeviceModel {

    @Override
    public List<String> names() {
      return model.names();
    }

    @Override
    public String description(String name) {
      return model.description(name);
    }

    @Override
    public HostDevice create(DeviceAddress address, OpenContext context) throws MigrationException {
      return new TamperedDevice(model.create(address, context), new Tampering(fault));
    }
  }

  @Override
  public Interrupts interrupts() {
    return new ForgetfulInterrupts(device.interrupts(), tampering);
  }

  @Override
  public DmaSpace dma() {
    return new TamperedDma(device.dma(), tampering);
  }

  private record TamperedDma(DmaSpace dma, Tampering tampering) implements DmaSpace {

    @Override
    public List<MemoryRange> usableRanges() {
      return dma.usableRanges();
    }

    @Override
    public long pageSizeBytes() {
      return dma.pageSizeBytes();
    }

    @Override
    public void map(long iova, ByteBuffer memory, Direction direction) throws MigrationException {
      dma.map(iova, memory, direction);
    }

    @Override
    public void mapPeer(long iova, Region peer, MemoryRange part) throws MigrationException {
      dma.mapPeer(iova, new TamperedMemory(iova, peer, tampering), part);
    }

    @Override
    public void unmap(MemoryRange range) throws MigrationException {
      dma.unmap(range);
    }
  }

  private record TamperedMemory(long iova, Region memory, Tampering tampering) implements Region {

    @Override
    public RegionInfo info() {
      return memory.info();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      memory.read(offset, into);
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      Optional<ByteBuffer> bytes = tampering.arriving(iova + offset, from);
      if (bytes.isPresent()) {
        memory.write(offset, bytes.get());
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) throws MigrationException {
      return memory.map(offset, lengthBytes);
    }
  }

  private record ForgetfulInterrupts(Interrupts interrupts, Tampering tampering)
      implements Interrupts {

    @Override
    public List<Info> info() {
      return interrupts.info();
    }

    @Override
    public void enable(int index, int vectors, Listener listener) throws MigrationException {
      interrupts.enable(
          index,
          vectors,
          vector -> {
            if (tampering.signals()) {
              listener.signalled(vector);
            }
          });
    }

    @Override
    public void disable(int index) throws MigrationException {
      interrupts.disable(index);
    }

    @Override
    public void mask(int index, int vector) throws MigrationException {
      interrupts.mask(index, vector);
    }

    @Override
    public void unmask(int index, int vector) throws MigrationException {
      interrupts.unmask(index, vector);
    }

    @Override
    public void trigger(int index, int vector) throws MigrationException {
      interrupts.trigger(index, vector);
    }

    @Override
    public void settle() throws MigrationException {
      interrupts.settle();
    }
  }
}
