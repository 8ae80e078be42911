package io.vferry.tck.mutant;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.Region;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.GuestAudit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** Keeps the chip busy with numbered tasks and takes results only when it is interrupted. */
final class ReferenceGuest implements GuestSoftware {

  private static final int AHEAD = 8;
  private static final int LOOK_BACK = 100;

  @Override
  public long memoryBytes() {
    return ReferenceChip.GUEST_PAGES * 4096L;
  }

  @Override
  public Optional<Integer> peerRegion() {
    return Optional.of(ReferenceChip.MAILBOX);
  }

  @Override
  public GuestDriver install(GuestRoom room) {
    return new Driver(room);
  }

  private static final class Driver implements GuestDriver {

    private final GuestRoom room;
    private final AtomicBoolean interrupted = new AtomicBoolean();
    private long submitted;
    private long consumed;

    Driver(GuestRoom room) {
      this.room = room;
    }

    private Region registers() throws MigrationException {
      return room.device().region(ReferenceChip.GUEST);
    }

    private void set(int register, long value) throws MigrationException {
      registers().write(register, bytes().putLong(0, value));
    }

    private long get(int register) throws MigrationException {
      ByteBuffer bytes = bytes();
      registers().read(register, bytes);
      return bytes.getLong(0);
    }

    private static ByteBuffer bytes() {
      return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void boot() throws MigrationException {
      submitted = AHEAD;
      consumed = 0;
      for (long page = 0; page < ReferenceChip.GUEST_PAGES; page++) {
        room.write(page * 4096, ByteBuffer.allocate(4096));
      }
      listen();
      set(ReferenceChip.BASE, room.memoryAddress());
      if (!room.peers().isEmpty()) {
        set(ReferenceChip.PEER_ADDRESS, room.peers().get(0).guestAddress());
      }
      set(ReferenceChip.DOORBELL, submitted);
      set(ReferenceChip.ENABLE, 1);
    }

    private void listen() throws MigrationException {
      room.device().interrupts().enable(Interrupts.MSIX, 1, vector -> interrupted.set(true));
    }

    @Override
    public void tick(long elapsedNanos) throws MigrationException {
      if (get(ReferenceChip.ENABLE) == 0) {
        boot();
        return;
      }
      if (interrupted.getAndSet(false)) {
        get(ReferenceChip.IRQ_STATUS);
        while (consumed < submitted && read(consumed + 1) == consumed + 1) {
          consumed++;
        }
        submitted = consumed + AHEAD;
        set(ReferenceChip.DOORBELL, submitted);
      }
    }

    private long read(long number) throws MigrationException {
      ByteBuffer bytes = bytes();
      room.read(ReferenceChip.slot(0, number), bytes);
      return bytes.getLong(0);
    }

    @Override
    public ByteBuffer save() {
      return ByteBuffer.allocate(24)
          .putLong(submitted)
          .putLong(consumed)
          .putLong(interrupted.get() ? 1 : 0)
          .flip();
    }

    @Override
    public void load(ByteBuffer state) throws MigrationException {
      if (state.remaining() != 24) {
        throw new MigrationException(DeviceError.DATA_CORRUPT, "not a guest of this kind");
      }
      submitted = state.getLong();
      consumed = state.getLong();
      interrupted.set(state.getLong() != 0);
      listen();
    }

    @Override
    public GuestAudit.Verdict audit() throws MigrationException {
      List<String> wrong = new ArrayList<>();
      ReferenceChip chip = room.device().capability(ReferenceChip.class).orElseThrow();
      ReferenceChip.Core core = chip.truth();
      if (core.base != room.memoryAddress() || core.enabled == 0) {
        wrong.add("the device is not set up as it was");
      }
      if (core.doorbell != submitted || core.completed > submitted || core.completed < consumed) {
        wrong.add(
            "%d tasks were handed out and %d taken back, but the device knows of %d and did %d"
                .formatted(submitted, consumed, core.doorbell, core.completed));
      }
      if (core.started != core.completed) {
        wrong.add("%d tasks are begun and not done".formatted(core.started - core.completed));
      }
      for (long n = Math.max(1, core.completed - LOOK_BACK); n <= core.completed; n++) {
        if (read(n) != n) {
          wrong.add("the result of task " + n + " is not in memory");
        }
      }
      if (read(core.completed + 1) == core.completed + 1) {
        wrong.add("there is a result that the device knows nothing of");
      }
      if (chip.versionsOfPages() != core.versions) {
        wrong.add("the pages of the device are not the last ones");
      }
      if (chip.lostMail() > 0) {
        wrong.add(chip.lostMail() + " messages of the peer were dropped");
      }
      return new GuestAudit.Verdict(Map.of("tasks", consumed), wrong);
    }

    @Override
    public void close() throws MigrationException {
      room.device().interrupts().disable(Interrupts.MSIX);
    }
  }
}
