package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import io.vferry.spi.model.GuestDriver;
import io.vferry.spi.model.GuestRoom;
import io.vferry.spi.model.GuestSoftware;
import io.vferry.spi.vm.PlacedRegion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class Mlx5GuestTest {

  private static final String CARD = "sim:mlx5-vf?pf=card&state=256KiB&dirty-rate=1MiB/s";
  private static final long MILLISECOND = 1_000_000;
  private static final int ROOM_BYTES = 1 << 20;
  private static final long PLACED = 0xc000_0000L;
  private static final int DMA_AREA_AT = 2 * 4096;

  /** A guest with two functions that write to each other, and the card that they are on. */
  private static final class Guest {
    final Mlx5RawHost host;
    final List<ByteBuffer> memories = new ArrayList<>();
    final List<GuestDriver> drivers = new ArrayList<>();
    final List<Mlx5RawHost.Buffer> buffers = new ArrayList<>();

    Guest(String more) throws MigrationException {
      host = Mlx5RawHost.started(CARD + "&vf=0" + more, CARD + "&vf=1");
      int pd = host.allocPd();
      for (int vf = 0; vf < 2; vf++) {
        HostDevice device = host.functions.get(vf);
        HostDevice peer = host.functions.get(1 - vf);
        ByteBuffer memory = ByteBuffer.allocateDirect(ROOM_BYTES);
        device.dma().map(address(vf), memory.duplicate(), DmaSpace.Direction.READ_WRITE);
        device.dma().mapPeer(PLACED, peer.region(2), new MemoryRange(0, 4096));
        memories.add(memory);
        buffers.add(host.buffer(pd, 1 << 20));
        GuestSoftware software = device.capability(GuestSoftware.class).orElseThrow();
        assertThat(software.memoryBytes()).isLessThanOrEqualTo(ROOM_BYTES);
        drivers.add(software.install(room(vf)));
      }
    }

    static long address(int vf) {
      return 0x10_0000L + vf * (long) ROOM_BYTES;
    }

    private GuestRoom room(int vf) {
      HostDevice device = host.functions.get(vf);
      ByteBuffer memory = memories.get(vf);
      return new GuestRoom() {
        @Override
        public String deviceId() {
          return "nic" + vf;
        }

        @Override
        public HostDevice device() {
          return device;
        }

        @Override
        public long memoryBytes() {
          return ROOM_BYTES;
        }

        @Override
        public long memoryAddress() {
          return address(vf);
        }

        @Override
        public void read(long offset, ByteBuffer into) {
          int length = into.remaining();
          into.put(memory.slice((int) offset, length));
        }

        @Override
        public void write(long offset, ByteBuffer from) {
          memory.slice((int) offset, from.remaining()).put(from);
        }

        @Override
        public List<PlacedRegion> peers() {
          return List.of(new PlacedRegion("nic" + (1 - vf), 2, PLACED, 4096));
        }

        @Override
        public Optional<GuestDriver> driver(String otherId) {
          return Optional.of(drivers.get(1 - vf));
        }
      };
    }

    void boot() throws MigrationException {
      for (GuestDriver driver : drivers) {
        driver.boot();
      }
    }

    void run(int milliseconds) throws MigrationException {
      for (int tick = 0; tick < milliseconds; tick++) {
        host.clock.advance(MILLISECOND);
        for (GuestDriver driver : drivers) {
          driver.tick(MILLISECOND);
        }
      }
    }

    void each(String hex, int outBytes) throws MigrationException {
      for (int vf = 0; vf < 2; vf++) {
        host.ok(of(vf, hex), outBytes);
      }
    }

    static String of(int vf, String hex) {
      StringBuilder text = new StringBuilder(hex.replace(" ", ""));
      return text.replace(20, 24, "%04x".formatted(5 + vf)).toString();
    }

    byte[] save(int vf, boolean incremental, boolean track) throws MigrationException {
      Mlx5RawHost.Buffer buffer = buffers.get(vf);
      String text = Mlx5RawHost.saveText(incremental, track, buffer.key(), buffer.length());
      return host.get(buffer.at(), host.ok(of(vf, text), 16).dword(8));
    }

    int load(int vf, byte[] image) throws MigrationException {
      Mlx5RawHost.Buffer buffer = buffers.get(vf);
      host.put(buffer.at(), image);
      return host.status(of(vf, Mlx5RawHost.loadText(buffer.key(), image.length)), 16);
    }

    void stop() throws MigrationException {
      each(host.suspend(0), 16);
      each(host.suspend(1), 16);
    }

    void resume() throws MigrationException {
      each(host.resume(0), 16);
      each(host.resume(1), 16);
    }

    List<String> audit() throws MigrationException {
      List<String> violations = new ArrayList<>(host.bench.violations());
      for (GuestDriver driver : drivers) {
        violations.addAll(driver.audit().violations());
      }
      return violations;
    }

    long count(String name) throws MigrationException {
      long sum = 0;
      for (GuestDriver driver : drivers) {
        Map<String, Long> counts = driver.audit().counts();
        sum += counts.getOrDefault(name, 0L);
      }
      return sum;
    }

    void takeMemory(Guest from) {
      for (int vf = 0; vf < 2; vf++) {
        memories.get(vf).put(0, from.memories.get(vf), 0, ROOM_BYTES);
      }
    }
  }

  private final Guest source = new Guest("");
  private final Guest destination = new Guest("");

  Mlx5GuestTest() throws MigrationException {}

  /** Moves all, up to the point where the guest could run. */
  private void move(Guest to) throws MigrationException {
    List<List<byte[]>> images = List.of(new ArrayList<>(), new ArrayList<>());
    source.boot();
    source.run(40);
    for (int vf = 0; vf < 2; vf++) {
      images.get(vf).add(source.save(vf, false, true));
    }
    source.run(20);
    source.stop();
    to.stop();
    for (int vf = 0; vf < 2; vf++) {
      images.get(vf).add(source.save(vf, true, false));
      for (byte[] image : images.get(vf)) {
        assertThat(to.load(vf, image)).isZero();
      }
    }
    to.takeMemory(source);
    for (int vf = 0; vf < 2; vf++) {
      to.drivers.get(vf).load(source.drivers.get(vf).save());
    }
  }

  @Test
  void nothingIsLostOnTheWayAndWorkGoesOn() throws MigrationException {
    move(destination);
    assertThat(source.audit()).isEmpty();
    assertThat(destination.audit()).isEmpty();
    for (String count : List.of("dma-writes", "tasks", "p2p-messages")) {
      assertThat(destination.count(count)).as(count).isEqualTo(source.count(count)).isPositive();
    }
    long tasks = destination.count("tasks");
    long messages = destination.count("p2p-messages");
    destination.resume();
    destination.run(40);
    destination.stop();
    assertThat(destination.audit()).isEmpty();
    assertThat(destination.count("tasks")).isGreaterThan(tasks + 50);
    assertThat(destination.count("p2p-messages")).isGreaterThan(messages + 50);
  }

  @Test
  void aFunctionThatWasNotMovedGoesOnAtHome() throws MigrationException {
    move(destination);
    long tasks = source.count("tasks");
    source.resume();
    source.run(20);
    source.stop();
    assertThat(source.audit()).isEmpty();
    assertThat(source.count("tasks")).isGreaterThan(tasks);
  }

  @Test
  void aPageThatWasLeftBehindIsFound() throws MigrationException {
    move(destination);
    ByteBuffer memory = destination.memories.get(0);
    long last = sequence(destination, 0, 3);
    memory.put(DMA_AREA_AT + 3 * 4096, new byte[4096], 0, 4096);
    assertThat(destination.audit()).containsExactly("page 3 of the DMA area lacks write " + last);
  }

  private static long sequence(Guest guest, int vf, int page) throws MigrationException {
    ByteBuffer memory = guest.memories.get(vf);
    long tag = Mlx5GuestTruth.of(guest.host.functions.get(vf)).tag();
    return Mlx5Pattern.version(memory.slice(DMA_AREA_AT + page * 4096, 4096), tag, page);
  }

  @Test
  void aCompletionThatWasLeftBehindIsFound() throws MigrationException {
    move(destination);
    destination.memories.get(1).put(4096 + 64, new byte[64], 0, 64);
    assertThat(destination.audit())
        .singleElement()
        .asString()
        .startsWith("slot 1 of the completion ring holds 0 where");
  }

  @Test
  void stateFromBeforeTheEndIsFound() throws MigrationException {
    source.boot();
    source.run(40);
    source.stop();
    destination.stop();
    List<byte[]> early = List.of(source.save(0, false, false), source.save(1, false, false));
    source.resume();
    source.run(40);
    source.stop();
    destination.takeMemory(source);
    for (int vf = 0; vf < 2; vf++) {
      assertThat(destination.load(vf, early.get(vf))).isZero();
      destination.drivers.get(vf).load(source.drivers.get(vf).save());
    }
    assertThat(destination.audit())
        .anyMatch(what -> what.matches("the guest submitted .* the device was told of .*"))
        .anyMatch(what -> what.matches("page .* of the DMA area lacks write .*"));
  }

  @Test
  void aPeerThatStopsTooEarlyIsFound() throws MigrationException {
    source.boot();
    source.run(20);
    source.host.ok(Guest.of(0, source.host.suspend(0)), 16);
    source.host.ok(Guest.of(0, source.host.suspend(1)), 16);
    source.run(5);
    source.host.ok(Guest.of(1, source.host.suspend(0)), 16);
    source.host.ok(Guest.of(1, source.host.suspend(1)), 16);
    assertThat(source.audit()).anyMatch(what -> what.contains("came while it was suspended"));
  }

  @Test
  void aStateThatCameInPartDoesNotRun() throws MigrationException {
    source.boot();
    source.run(20);
    byte[] first = source.save(0, false, true);
    source.run(20);
    destination.stop();
    assertThat(destination.load(0, first)).isZero();
    assertThat(destination.host.status(Guest.of(0, destination.host.resume(0)), 16)).isEqualTo(9);
    Guest lenient = new Guest("&assume.resume-half-loaded=ok");
    lenient.stop();
    assertThat(lenient.load(0, first)).isZero();
    lenient.host.ok(Guest.of(0, lenient.host.resume(0)), 16);
    assertThat(lenient.audit()).contains("the function runs with a state that was loaded in part");
  }

  @Test
  void aFunctionThatWasResetIsSetUpAnewAndItsPeerGoesOn() throws MigrationException {
    source.boot();
    source.run(20);
    source.host.functions.get(1).reset();
    source.run(20);
    source.stop();
    assertThat(source.audit()).isEmpty();
    assertThat(source.drivers.get(1).audit().counts()).containsEntry("device-resets", 1L);
  }

  /** With messages of this one on their way, which are lost, and its bus master bit, set anew. */
  @Test
  void aFunctionThatResetsItselfByItsConfigSpaceIsSetUpAnewAndItsPeerGoesOn()
      throws MigrationException {
    source.boot();
    source.run(20);
    HostDevice function = source.host.functions.get(1);
    long done = source.drivers.get(0).audit().counts().get("tasks");
    ByteBuffer control = ByteBuffer.wrap(new byte[] {0x10, (byte) 0x88});
    function.region(7).write(0x68, control);
    ByteBuffer command = ByteBuffer.allocate(2);
    function.region(7).read(4, command);
    assertThat(command.getShort(0)).isZero();
    function.region(7).read(0x68, control.clear());
    assertThat(control.getShort(0)).isZero();
    source.run(20);
    source.stop();
    assertThat(source.audit()).isEmpty();
    assertThat(source.drivers.get(1).audit().counts())
        .containsEntry("device-resets", 1L)
        .hasEntrySatisfying("tasks", tasks -> assertThat(tasks).isPositive());
    assertThat(source.drivers.get(0).audit().counts().get("tasks")).isGreaterThan(done);
  }

  /** A message leaves the function while its peer's region is slow to take it. */
  @Test
  void aMessageThatLeftIsATransactionPending() throws MigrationException {
    source.boot();
    HostDevice function = source.host.functions.get(0);
    List<Integer> seen = new ArrayList<>();
    Region peer = source.host.functions.get(1).region(2);
    MemoryRange page = new MemoryRange(0, 4096);
    function.dma().unmap(new MemoryRange(PLACED, 4096));
    function
        .dma()
        .mapPeer(
            PLACED,
            new Region() {
              @Override
              public RegionInfo info() {
                return peer.info();
              }

              @Override
              public void read(long offset, ByteBuffer into) throws MigrationException {
                peer.read(offset, into);
              }

              @Override
              public void write(long offset, ByteBuffer from) throws MigrationException {
                seen.add(status(function));
                peer.write(offset, from);
              }

              @Override
              public Optional<ByteBuffer> map(long offset, int lengthBytes) {
                return Optional.empty();
              }
            },
            page);
    source.run(20);
    assertThat(seen).isNotEmpty().allMatch(status -> (status & 0x20) != 0);
    source.stop();
    assertThat(status(function) & 0x20).isZero();
  }

  private static int status(HostDevice function) throws MigrationException {
    ByteBuffer status = ByteBuffer.allocate(1);
    function.region(7).read(0x6a, status);
    return status.get(0);
  }

  @Test
  void anInterruptThatWasLostIsFound() throws MigrationException {
    source.boot();
    source.run(20);
    source.host.clock.advance(3 * MILLISECOND);
    source.stop();
    ByteBuffer state = source.drivers.get(0).save();
    assertThat(state.getInt(12)).as("interrupts that wait for the driver").isPositive();
    assertThat(source.audit()).isEmpty();
    source.drivers.get(0).load(state.putInt(12, 0));
    assertThat(source.audit()).anyMatch(what -> what.startsWith("interrupts 0x"));
  }

  @Test
  void whatADriverKnewIsNotTrusted() throws MigrationException {
    source.boot();
    source.run(10);
    ByteBuffer state = source.drivers.get(0).save();
    for (int length = 0; length < state.remaining(); length++) {
      ByteBuffer cut = state.slice(0, length);
      assertThatThrownBy(() -> destination.drivers.get(0).load(cut))
          .isInstanceOf(MigrationException.class)
          .extracting(e -> ((MigrationException) e).code())
          .isEqualTo(DeviceError.DATA_CORRUPT);
    }
    ByteBuffer other = ByteBuffer.allocate(state.remaining()).put(state.duplicate()).flip();
    assertThatThrownBy(() -> destination.drivers.get(0).load(other.putInt(0, 99)))
        .isInstanceOf(MigrationException.class)
        .extracting(e -> ((MigrationException) e).code())
        .isEqualTo(DeviceError.DATA_INCOMPATIBLE);
  }

  @Test
  void aFunctionHasItsStateOnlyOnceItsGuestStartedIt() throws MigrationException {
    Guest late = new Guest("&guest-boots=on");
    int before = late.host.query(false, false).dword(0x10);
    late.boot();
    assertThat(late.host.query(false, false).dword(0x10)).isGreaterThan(before * 2);
    Guest never = new Guest("&guest-boots=on");
    never.stop();
    byte[] image = never.save(0, false, false);
    destination.stop();
    assertThat(destination.load(0, image)).isZero();
    destination.resume();
    assertThat(destination.audit()).isEmpty();
  }
}
