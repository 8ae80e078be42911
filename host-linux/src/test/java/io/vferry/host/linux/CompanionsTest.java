package io.vferry.host.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DmaSpace;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostClock;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import io.vferry.spi.host.Interrupts;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.SharedParts;
import io.vferry.spi.host.SystemHostClock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A function that several others work through is opened once and closed with the last. */
class CompanionsTest {

  private final List<String> events = new ArrayList<>();
  private final SystemHostClock clock = new SystemHostClock(Thread::new);
  private final SharedParts shared = new SharedParts();
  private final Host host = new Host();
  private boolean closesBadly;

  @AfterEach
  void endClock() {
    clock.close();
  }

  private final class Host implements HostBackend {
    @Override
    public String scheme() {
      return "test";
    }

    @Override
    public Availability availability() {
      return Availability.yes();
    }

    @Override
    public List<HostDeviceInfo> list() {
      return List.of();
    }

    @Override
    public HostDevice open(DeviceAddress address, OpenContext context) throws MigrationException {
      if (address.path().equals("missing")) {
        throw new MigrationException(DeviceError.OPEN_FAILED, "there is no " + address);
      }
      return Companions.openWith(
          this,
          Optional.ofNullable(address.parameters().get("pf")),
          context,
          companions -> {
            if (address.parameters().containsKey("broken")) {
              throw new MigrationException(DeviceError.OPEN_FAILED, "it is broken");
            }
            events.add("open " + address.path());
            return new Device(address, companions);
          });
    }
  }

  private final class Device implements HostDevice {
    private final DeviceAddress address;
    private final Companions companions;

    Device(DeviceAddress address, Companions companions) {
      this.address = address;
      this.companions = companions;
    }

    @Override
    public HostDeviceInfo info() {
      return new HostDeviceInfo(address, "test", 0, 0, 0, 0, false, Map.of());
    }

    @Override
    public List<RegionInfo> regions() {
      return List.of();
    }

    @Override
    public Region region(int index) {
      throw new AssertionError("it has none");
    }

    @Override
    public Interrupts interrupts() {
      return Interrupts.none();
    }

    @Override
    public DmaSpace dma() {
      return DmaSpace.unused();
    }

    @Override
    public void reset() {}

    @Override
    public Optional<HostDevice> companion(String role) {
      return companions.in(role);
    }

    @Override
    public <T> Optional<T> capability(Class<T> type) {
      return type == HostClock.class ? Optional.of(type.cast(clock)) : Optional.empty();
    }

    @Override
    public void close() throws MigrationException {
      events.add("close " + address.path());
      companions.close();
      if (closesBadly && address.path().equals("card")) {
        throw new MigrationException(DeviceError.IO_FAILED, "the card is on fire");
      }
    }
  }

  private HostDevice open(String address) throws MigrationException {
    return host.open(DeviceAddress.parse(address), new OpenContext("nic0", clock, shared));
  }

  @Test
  void isOpenedOnceAndClosedWithTheLast() throws MigrationException {
    HostDevice first = open("test:a?pf=card");
    HostDevice second = open("test:b?pf=card");
    assertThat(first.companion("pf").orElseThrow()).isSameAs(second.companion("pf").orElseThrow());
    assertThat(first.companion("other")).isEmpty();
    first.close();
    first.close();
    assertThat(events).doesNotContain("close card");
    second.close();
    assertThat(events)
        .containsExactly(
            "open card", "open a", "open b", "close a", "close a", "close b", "close card");
  }

  @Test
  void aDeviceAloneHasNone() throws MigrationException {
    HostDevice alone = open("test:a");
    assertThat(alone.companion("pf")).isEmpty();
    alone.close();
    assertThat(events).containsExactly("open a", "close a");
  }

  @Test
  void isGivenBackIfTheDeviceCannotBeOpened() {
    closesBadly = true;
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> open("test:a?pf=card&broken=yes"));
    assertThat(e.getMessage()).contains("it is broken");
    assertThat(e.getSuppressed()).hasSize(1);
    assertThat(e.getSuppressed()[0]).hasMessageContaining("on fire");
    assertThat(events).containsExactly("open card", "close card");
  }

  @Test
  void withoutItNothingIsOpened() {
    MigrationException e =
        catchThrowableOfType(MigrationException.class, () -> open("test:a?pf=missing"));
    assertThat(e.getMessage()).contains("there is no test:missing");
    assertThat(events).isEmpty();
  }
}
