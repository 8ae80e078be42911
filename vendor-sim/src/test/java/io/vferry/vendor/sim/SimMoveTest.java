package io.vferry.vendor.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.vm.GuestAudit;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SimMoveTest {

  static final String TALK = "nic0:nic1,nic1:nic0";

  static List<String> profiles() {
    return SimProfile.ALL.stream().map(SimProfile::name).toList();
  }

  static List<String> pair(String profile) {
    String address = "sim:" + profile + "?state=" + (profile.equals("mtty") ? "96" : "3000000");
    return List.of(address, address + "&seed=9");
  }

  @ParameterizedTest
  @MethodSource("profiles")
  void eachProfileMovesWithoutLoss(String profile) throws MigrationException {
    SimClock clock = new SimClock(11);
    // Devices that cannot quiesce must not talk to each other.
    boolean talk =
        SimProfile.named(profile).orElseThrow().features().p2p() && !profile.equals("mtty");
    SimSide source = new SimSide(clock, false, talk ? TALK : "", pair(profile));
    SimSide destination = new SimSide(clock, true, "", pair(profile));
    source.vm.resume();
    clock.advance(50_000_000);
    new SimMigration(source, destination).load();

    assertThat(destination.violations()).isEmpty();
    Map<String, Long> counts = destination.audit().counts();
    assertThat(counts.get("pages")).isEqualTo(SimSide.MEMORY_BYTES / 4096);
    assertThat(counts.get("vcpu-writes")).isGreaterThan(1000);
    if (!profile.equals("mtty")) {
      assertThat(counts.get("dma-writes")).isGreaterThan(50);
      assertThat(counts.get("tasks")).isGreaterThan(30);
    }
    assertThat(counts.getOrDefault("local-stores", 0L) > 30).isEqualTo(profile.equals("xe"));
    if (talk) {
      assertThat(counts.get("p2p-messages")).isGreaterThan(150);
    }

    long tasks = destination.count("tasks");
    destination.run();
    clock.advance(50_000_000);
    destination.vm.pause();
    destination.stopDevices();
    GuestAudit.Verdict later = destination.audit();
    assertThat(later.violations()).isEmpty();
    assertThat(later.counts().get("vcpu-writes")).isGreaterThan(counts.get("vcpu-writes"));
    assertThat(destination.count("tasks") > tasks).isEqualTo(!profile.equals("mtty"));
  }

  @Test
  void tenTimesThereAndBack() throws MigrationException {
    SimClock clock = new SimClock(12);
    List<String> devices =
        List.of("sim:mlx5?state=1MiB&initial=256KiB", "sim:virtio?state=1MiB", "sim:xe?state=2MiB");
    String peers = TALK + ",nic2:nic0";
    SimSide here = new SimSide(clock, false, peers, devices);
    here.vm.resume();
    long tasks = 0;
    for (int move = 0; move < 10; move++) {
      clock.advance(20_000_000);
      SimSide there = new SimSide(clock, true, peers, devices);
      new SimMigration(here, there).load();
      assertThat(there.violations()).as("move %d", move).isEmpty();
      assertThat(there.count("tasks")).isGreaterThan(tasks);
      tasks = there.count("tasks");
      here.vm.close();
      there.run();
      here = there;
    }
  }

  @Test
  void theSourceRunsOnAfterAnAbort() throws MigrationException {
    SimClock clock = new SimClock(13);
    SimSide source = new SimSide(clock, false, TALK, pair("mlx5"));
    SimSide destination = new SimSide(clock, true, TALK, pair("mlx5"));
    source.vm.resume();
    clock.advance(30_000_000);
    new SimMigration(source, destination).load();
    long tasks = source.count("tasks");
    source.run();
    clock.advance(30_000_000);
    source.vm.pause();
    source.stopDevices();
    assertThat(source.violations()).isEmpty();
    assertThat(source.count("tasks")).isGreaterThan(tasks);
  }

  @Test
  void theGuestSetsUpAgainADeviceThatWasReset() throws MigrationException {
    SimClock clock = new SimClock(15);
    SimSide source = new SimSide(clock, false, TALK, pair("mlx5"));
    source.vm.resume();
    clock.advance(30_000_000);
    source.device("nic1").driven().reset();
    clock.advance(30_000_000);
    source.vm.pause();
    source.stopDevices();
    assertThat(source.violations()).isEmpty();
    assertThat(source.audit().counts()).containsEntry("device-resets", 1L);
    assertThat(source.device("nic1").truth().messagesReceived()).isPositive();
  }
}
