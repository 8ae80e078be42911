package io.vferry.spi.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AccessGuardTest {

  private final List<String> told = new ArrayList<>();

  private AccessGuard guard(AccessPolicy.Mode mode) {
    return new AccessGuard(
        "nic0", mode, (device, access, state) -> told.add(device + " " + access + " " + state));
  }

  @Test
  void aNewDeviceRuns() throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.ENFORCE);
    guard.check(Access.REGION_WRITE);
    assertThat(told).isEmpty();
    assertDenied(() -> guard.check(Access.SAVE_DATA));
  }

  @ParameterizedTest
  @EnumSource
  void enforceRefusesExactlyWhatTheTableForbids(DeviceState state) throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.ENFORCE);
    guard.at(state);
    for (Access access : Access.values()) {
      told.clear();
      if (AccessPolicy.permission(access, state) == Permission.NO) {
        assertDenied(() -> guard.check(access));
        assertThat(told).containsExactly("nic0 " + access + " " + state);
      } else {
        guard.check(access);
        assertThat(told).isEmpty();
      }
    }
  }

  @Test
  void aRefusalNamesAccessDeviceAndState() {
    AccessGuard guard = guard(AccessPolicy.Mode.ENFORCE);
    guard.at(DeviceState.STOP_COPY);
    assertThatThrownBy(() -> guard.check(Access.REGION_WRITE))
        .hasMessageStartingWith("VF-1009: region write of device nic0 is not legal in STOP_COPY");
  }

  @Test
  void warnTellsAndLetsThrough() throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.WARN);
    guard.at(DeviceState.STOP);
    guard.check(Access.REGION_READ);
    guard.check(Access.CONFIG_READ);
    assertThat(told).containsExactly("nic0 REGION_READ STOP");
  }

  @Test
  void offSaysNothing() throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.OFF);
    guard.at(DeviceState.ERROR);
    for (Access access : Access.values()) {
      guard.check(access);
    }
    assertThat(told).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void duringAnArcOnlyWhatIsLegalAtBothEndsIsLegal(Arc arc) throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.ENFORCE);
    guard.at(arc.from());
    guard.moving(arc);
    for (Access access : Access.values()) {
      if (AccessPolicy.permission(access, arc.from()) == Permission.NO
          || AccessPolicy.permission(access, arc.to()) == Permission.NO) {
        assertDenied(() -> guard.check(access));
      } else {
        guard.check(access);
      }
    }
  }

  @Test
  void afterAnArcTheNewStateCounts() throws MigrationException {
    AccessGuard guard = guard(AccessPolicy.Mode.ENFORCE);
    guard.moving(Arc.STOP_TO_RUNNING);
    assertDenied(() -> guard.check(Access.REGION_READ));
    guard.at(DeviceState.RUNNING);
    guard.check(Access.REGION_READ);
  }

  private static void assertDenied(ThrowingCallable check) {
    assertThatThrownBy(check)
        .isInstanceOfSatisfying(
            MigrationException.class,
            e -> {
              assertThat(e.code()).isEqualTo(DeviceError.ACCESS_DENIED);
              assertThat(e.state()).isPresent();
            });
  }
}
