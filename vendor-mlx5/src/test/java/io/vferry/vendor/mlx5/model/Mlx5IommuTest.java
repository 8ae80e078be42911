package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.memory.MemoryRange;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class Mlx5IommuTest {

  private static final int PAGE = Mlx5Iommu.PAGE_BYTES;
  private static final long AT = 0x10_0000;

  /** Memory that is reached by calls. */
  private static final class Remote implements Region {
    final byte[] bytes = new byte[3 * PAGE];
    final RegionInfo info;
    boolean lost;
    int calls;
    Runnable meanwhile = () -> {};

    Remote(boolean readable, boolean writable) {
      info = new RegionInfo(0, bytes.length, readable, writable, false);
    }

    @Override
    public RegionInfo info() {
      return info;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws MigrationException {
      called();
      into.put(bytes, (int) offset, into.remaining());
    }

    @Override
    public void write(long offset, ByteBuffer from) throws MigrationException {
      called();
      from.get(bytes, (int) offset, from.remaining());
    }

    private void called() throws MigrationException {
      calls++;
      meanwhile.run();
      if (lost) {
        throw new MigrationException(DeviceError.DEVICE_LOST, "nobody answers");
      }
    }

    @Override
    public Optional<ByteBuffer> map(long offset, int lengthBytes) {
      return Optional.empty();
    }
  }

  private final Mlx5Iommu iommu = new Mlx5Iommu(new Mlx5Turn());

  /** A page of own memory, and behind it the last two pages of a peer. */
  private ByteBuffer mapped(Remote remote) throws MigrationException {
    ByteBuffer own = ByteBuffer.allocateDirect(PAGE);
    iommu.map(AT, own.duplicate(), DmaSpace.Direction.READ_WRITE);
    iommu.mapPeer(AT + PAGE, remote, new MemoryRange(PAGE, 2 * PAGE));
    return own;
  }

  private static byte[] pattern(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i % 251 + 1);
    }
    return bytes;
  }

  @Test
  void oneAccessReachesOwnMemoryAndThatOfAPeer() throws MigrationException {
    Remote remote = new Remote(true, true);
    ByteBuffer own = mapped(remote);
    byte[] written = pattern(2 * PAGE);

    assertThat(iommu.write(AT + PAGE / 2, ByteBuffer.wrap(written))).isTrue();

    assertThat(own.get(PAGE - 1)).isEqualTo(written[PAGE / 2 - 1]);
    assertThat(remote.bytes[PAGE - 1]).isZero();
    assertThat(remote.bytes[PAGE]).isEqualTo(written[PAGE / 2]);
    assertThat(remote.bytes[2 * PAGE + PAGE / 2 - 1]).isEqualTo(written[2 * PAGE - 1]);
    assertThat(iommu.read(AT + PAGE / 2, written.length)).isEqualTo(written);
    assertThat(remote.calls).as("what is contiguous is reached at once").isEqualTo(2);
    assertThat(iommu.misses()).isZero();
  }

  @Test
  void aPeerThatDoesNotAnswerIsAMiss() throws MigrationException {
    Remote remote = new Remote(true, true);
    mapped(remote);
    remote.lost = true;

    assertThat(iommu.read(AT + PAGE, 8)).isNull();
    assertThat(iommu.write(AT + PAGE, ByteBuffer.allocate(8))).isFalse();
    assertThat(iommu.misses()).isEqualTo(2);
    assertThat(iommu.read(AT + 3 * PAGE, 8)).as("behind the peer").isNull();
    assertThat(iommu.misses()).isEqualTo(3);
  }

  @Test
  void aPeerIsReachedOnlyInTheDirectionsThatItAllows() throws MigrationException {
    Remote readOnly = new Remote(true, false);
    mapped(readOnly);
    assertThat(iommu.read(AT + PAGE, 8)).isNotNull();
    assertThat(iommu.write(AT + PAGE, ByteBuffer.allocate(8))).isFalse();
    iommu.unmap(new MemoryRange(AT, 3 * PAGE));
    Remote writeOnly = new Remote(false, true);
    mapped(writeOnly);
    assertThat(iommu.read(AT + PAGE, 8)).isNull();
    assertThat(iommu.write(AT + PAGE, ByteBuffer.allocate(8))).isTrue();
  }

  @Test
  void memoryIsUnmappedWhileAnAccessWaits() throws Exception {
    Remote remote = new Remote(true, true);
    mapped(remote);
    Thread other =
        new Thread(
            () -> {
              try {
                iommu.unmap(new MemoryRange(AT + PAGE, 2 * PAGE));
              } catch (MigrationException e) {
                throw new IllegalStateException(e);
              }
            });
    remote.meanwhile =
        () -> {
          other.start();
          try {
            other.join(20_000);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };

    assertThat(iommu.read(AT + PAGE, 8)).isNotNull();
    assertThat(other.isAlive()).as("unmapping waits for the access").isFalse();
    remote.meanwhile = () -> {};
    assertThat(iommu.read(AT + PAGE, 8)).isNull();
  }

  /** Two cards that reached for each other with their locks held would wait for ever. */
  @Test
  void theRegionsOfACardTakeNothingButMessages() throws MigrationException {
    Mlx5Region registers =
        new Mlx5Region(0, PAGE) {
          @Override
          void load(int offset, ByteBuffer into) {
            throw new AssertionError("read");
          }

          @Override
          void store(int offset, ByteBuffer from) {
            throw new AssertionError("written");
          }
        };
    iommu.mapPeer(AT, registers, new MemoryRange(0, PAGE));

    assertThat(iommu.read(AT, 8)).isNull();
    assertThat(iommu.write(AT, ByteBuffer.allocate(8))).isFalse();
    assertThat(iommu.peer(AT, 8)).isNotNull();
  }
}
