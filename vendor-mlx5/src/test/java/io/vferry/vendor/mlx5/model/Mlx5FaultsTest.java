package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Mlx5FaultsTest {

  private static final String VF = "sim:mlx5-vf?state=256KiB";
  private static final long SECOND = 1_000_000_000L;

  private final Mlx5RawHost host = Mlx5RawHost.started(VF);

  Mlx5FaultsTest() throws MigrationException {}

  private Mlx5RawHost.Buffer buffer() throws MigrationException {
    return host.buffer(host.allocPd(), 1 << 20);
  }

  @Test
  void aCommandTakesItsServiceTime() throws MigrationException {
    Mlx5RawHost slow =
        Mlx5RawHost.started(VF + "&suspend-time=5ms&save-time=20ms&save-rate=1MiB/s");
    long before = slow.clock.nanoTime();
    slow.ok(slow.suspend(0), 16);
    assertThat(slow.clock.nanoTime() - before).isBetween(5_000_000L, 5_100_000L);
    slow.ok(slow.suspend(1), 16);
    Mlx5RawHost.Buffer buffer = slow.buffer(slow.allocPd(), 1 << 20);
    before = slow.clock.nanoTime();
    int length = slow.save(false, false, buffer).length;
    long expected = 20_000_000L + length * SECOND / (1 << 20);
    assertThat(slow.clock.nanoTime() - before).isBetween(expected, expected + 1_100_000);
  }

  @Test
  void savesRunSideBySideUnlessThereAreTooFewEngines() throws MigrationException {
    for (int engines = 0; engines < 2; engines++) {
      String card = VF + "&pf=card&save-time=100ms&engines=" + engines;
      Mlx5RawHost two = Mlx5RawHost.started(card + "&vf=0", card + "&vf=1");
      int pd = two.allocPd();
      for (int vf = 0; vf < 2; vf++) {
        two.ok("01150000 00000000 0000000" + (5 + vf) + " 00000000", 16);
        two.ok("01150000 00000001 0000000" + (5 + vf) + " 00000000", 16);
      }
      List<Mlx5RawHost.Buffer> buffers = List.of(two.buffer(pd, 1 << 20), two.buffer(pd, 1 << 20));
      long before = two.clock.nanoTime();
      for (int vf = 0; vf < 2; vf++) {
        Mlx5RawHost.Buffer buffer = buffers.get(vf);
        String text = Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length());
        two.issue(vf, text.replace("00000005", "0000000" + (5 + vf)), 16);
      }
      assertThat(two.await(0, 16).status()).isZero();
      assertThat(two.await(1, 16).status()).isZero();
      long took = two.clock.nanoTime() - before;
      assertThat(took / 100_000_000).isEqualTo(engines == 0 ? 1 : 2);
    }
  }

  @Test
  void aBusyFunctionRefusesAllButTheSize() throws MigrationException {
    host.freeze();
    Mlx5RawHost.Buffer buffer = buffer();
    host.bench.inject("SAVE_VHCA_STATE#1:delay=10s");
    host.issue(1, Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length()), 16);
    assertThat(host.status(host.resume(0), 16)).isEqualTo(0x06);
    assertThat(host.query(false, false).status()).isZero();
    assertThat(host.done(1)).isFalse();
    host.clock.advance(10 * SECOND);
    assertThat(host.done(1)).isTrue();
    host.ok(host.resume(0), 16);
  }

  @Test
  void aCommandCanWaitForAnotherOfItsFunction() throws MigrationException {
    Mlx5RawHost waiting = Mlx5RawHost.started(VF + "&assume.vhca-busy=wait&suspend-time=1s");
    waiting.issue(1, waiting.suspend(0), 16);
    waiting.issue(2, waiting.suspend(1), 16);
    assertThat(waiting.await(2, 16).status()).isZero();
    assertThat(waiting.clock.nanoTime()).isGreaterThanOrEqualTo(3 * SECOND);
  }

  @Test
  void statusesAndSyndromesAreAsTold() throws MigrationException {
    host.bench.inject("SUSPEND_VHCA#2:status=0xf,SUSPEND_VHCA#2:syndrome=0xabcdef");
    host.ok(host.suspend(0), 16);
    Mlx5RawHost.Reply reply = host.send(host.suspend(1), 16);
    assertThat(reply.status()).isEqualTo(0x0f);
    assertThat(reply.dword(4)).isEqualTo(0xabcdef);
    assertThat(host.bench.condition(0)).isEqualTo("initiator-suspended");
    host.bench.inject("SUSPEND_VHCA#1:status-after=0x1");
    assertThat(host.status(host.suspend(1), 16)).isEqualTo(0x01);
    assertThat(host.bench.condition(0)).isEqualTo("suspended");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16})
  void everyDeliveryStatusCanBeAskedFor(int code) throws MigrationException {
    host.bench.inject("SUSPEND_VHCA#1:delivery=" + code);
    assertThat(host.send(host.suspend(0), 16).delivery()).isEqualTo(code);
    assertThat(host.bench.condition(0)).isEqualTo("running");
  }

  @Test
  void aCommandThatHangsKeepsItsSlotAndItsFunction() throws MigrationException {
    host.bench.inject("SUSPEND_VHCA#1:hang");
    host.issue(0, host.suspend(0), 16);
    host.clock.advance(1000 * SECOND);
    assertThat(host.done(0)).isFalse();
    host.write(0, Mlx5RawHost.bytes(host.suspend(0)), 16);
    host.register(0x18, 1);
    assertThat(host.bench.violations()).hasSize(1);
    assertThat(host.send(1, host.resume(1), 16).status()).isEqualTo(0x06);
    host.functions.get(0).reset();
    assertThat(host.send(1, host.suspend(0), 16).status()).isZero();
  }

  @Test
  void aWrongTokenComesBack() throws MigrationException {
    host.bench.inject("SUSPEND_VHCA#1:wrong-token");
    assertThat(host.send(host.suspend(0), 16).token()).isNotEqualTo(host.token);
    assertThat(host.send(host.resume(1), 16).token()).isEqualTo(host.token);
  }

  @Test
  void aCardThatLeftTheBusReadsAsOnesAndComesBackAsNew() throws MigrationException {
    host.freeze();
    Mlx5RawHost.Buffer buffer = buffer();
    host.bench.inject("SAVE_VHCA_STATE#1:remove-pf");
    host.issue(0, Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length()), 16);
    host.clock.advance(100 * SECOND);
    assertThat(host.done(0)).isFalse();
    assertThat(host.register(0x230)).isEqualTo(-1);
    assertThat(host.register(0x1010)).isEqualTo(-1);
    assertThatThrownBy(host.functions.get(0)::reset)
        .extracting(e -> ((MigrationException) e).code())
        .isEqualTo(DeviceError.RESET_FAILED);
    host.bench.restoreCard();
    assertThat(host.bench.condition(0)).isEqualTo("running");
    assertThat(host.bench.objects()).isZero();
  }

  @Test
  void aFunctionMayBeResetWhileItIsSaved() throws MigrationException {
    host.freeze();
    Mlx5RawHost.Buffer buffer = buffer();
    host.bench.inject("SAVE_VHCA_STATE#1:reset-vf");
    assertThat(host.status(Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length()), 16))
        .isEqualTo(0x01);
    assertThat(host.bench.condition(0)).isEqualTo("running");
    host.ok(host.suspend(0), 16);
  }

  @Test
  void healthCanGoBad() throws MigrationException {
    int before = host.register(0x1010);
    host.clock.advance(SECOND);
    assertThat(host.register(0x1010)).isNotEqualTo(before);
    host.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:health-stuck");
    host.query(false, false);
    int stuck = host.register(0x1010);
    host.clock.advance(10 * SECOND);
    assertThat(host.register(0x1010)).isEqualTo(stuck);
    host.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:health=0x8");
    host.query(false, false);
    assertThat(host.register(0x23c) >>> 16 & 0xff).isEqualTo(8);
    host.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:initializing=1s");
    host.query(false, false);
    assertThat(host.register(0x1fc)).isNegative();
    host.clock.advance(SECOND);
    assertThat(host.register(0x1fc)).isZero();
  }

  @Test
  void aPageOfTheBufferMayBeOutOfReach() throws MigrationException {
    host.freeze();
    Mlx5RawHost.Buffer buffer = buffer();
    host.bench.inject("SAVE_VHCA_STATE#1:dma-fault=7");
    String text = Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length());
    assertThat(host.status(text, 16)).isEqualTo(0x01);
    host.ok(text, 16);
  }

  @Test
  void anImageMayBeShortOrDamaged() throws MigrationException {
    host.freeze();
    Mlx5RawHost.Buffer buffer = buffer();
    Mlx5RawHost destination = Mlx5RawHost.started(VF);
    destination.freeze();
    Mlx5RawHost.Buffer into = destination.buffer(destination.allocPd(), 1 << 20);
    int whole = host.query(false, false).dword(0x10);
    host.bench.inject("SAVE_VHCA_STATE#1:short-image=100,SAVE_VHCA_STATE#2:damage-image=5000");
    byte[] shortened = host.save(false, false, buffer);
    assertThat(shortened).hasSize(whole - 100);
    assertThat(destination.load(shortened, into)).isEqualTo(0x03);
    assertThat(destination.load(host.save(false, false, buffer), into)).isEqualTo(0x03);
    assertThat(destination.load(host.save(false, false, buffer), into)).isZero();
  }

  @Test
  void stateMayGrowRightAfterAQuery() throws MigrationException {
    Mlx5RawHost.Buffer buffer = buffer();
    host.save(false, true, buffer);
    host.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:grow=65536");
    int size = host.query(true, false).dword(0x10);
    assertThat(host.status(Mlx5RawHost.saveText(true, true, buffer.key(), size), 16))
        .isEqualTo(0x09);
  }

  @Test
  void theMigrationStateIsToldWithTheCapability() throws MigrationException {
    Mlx5RawHost telling = Mlx5RawHost.started(VF + "&migration-state=on");
    Mlx5RawHost.Buffer buffer = telling.buffer(telling.allocPd(), 1 << 20);
    assertThat(telling.query(false, false).dword(0x0c) >>> 28).isEqualTo(1);
    telling.save(false, true, buffer);
    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(2);
    telling.bench.change(0, 1);
    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(3);
    telling.bench.reconfigure(0);
    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(4);
    telling.save(true, true, buffer);
    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(2);
    assertThat(host.query(false, false).dword(0x0c)).isZero();
  }

  @Test
  void theFirstImageMayHaveToBeSentAnew() throws MigrationException {
    Mlx5RawHost telling = Mlx5RawHost.started(VF + "&migration-state=on");
    telling.save(false, true, telling.buffer(telling.allocPd(), 1 << 20));
    telling.bench.inject("QUERY_VHCA_MIGRATION_STATE#1:reinit");

    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(2);
    assertThat(telling.query(true, false).dword(0x0c) >>> 28).isEqualTo(4);
  }

  @Test
  void theCapabilityMayBeWithdrawn() throws MigrationException {
    host.bench.inject("SUSPEND_VHCA#1:withdraw-migration");
    host.ok(host.suspend(0), 16);
    assertThat(host.status(host.suspend(1), 16)).isEqualTo(0x02);
    ByteBuffer block =
        ByteBuffer.wrap(host.ok("01000000 00000001 00000000 00000000", 0x1010).bytes());
    assertThat(block.getInt(0x10 + 0xd0) >>> 18 & 1).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "faults=nonsense",
        "faults=SAVE_VHCA_STATE:explode",
        "assume.load-running=perhaps",
        "vf=8",
        "state=1GB",
        "no-such=1",
        "log-slots=5&log-stride=8"
      })
  void aBadParameterIsRefusedWithItsReason(String parameter) {
    assertThatThrownBy(() -> Mlx5RawHost.started("sim:mlx5-vf?" + parameter))
        .isInstanceOf(MigrationException.class)
        .extracting(e -> ((MigrationException) e).code())
        .isEqualTo(DeviceError.BAD_REQUEST);
  }

  @Test
  void functionsOfOneCardAgreeOnTheCard() throws MigrationException {
    SharedParts shared = new SharedParts();
    Mlx5DeviceModel model = new Mlx5DeviceModel();
    OpenContext context = new OpenContext("nic", host.clock, shared);
    var first = model.create(DeviceAddress.parse("sim:mlx5-vf?pf=a&psid=X"), context);
    var second = model.create(DeviceAddress.parse("sim:mlx5-vf?pf=a&vf=1"), context);
    assertThat(second.companion("pf")).containsSame(first.companion("pf").orElseThrow());
    for (String other : new String[] {"pf=a&vf=2&psid=Y", "pf=a&vf=2&chunks=off", "pf=a&vf=1"}) {
      assertThatThrownBy(() -> model.create(DeviceAddress.parse("sim:mlx5-vf?" + other), context))
          .as(other)
          .extracting(e -> ((MigrationException) e).code())
          .isEqualTo(DeviceError.BAD_REQUEST);
    }
    first.close();
    second.close();
    var third = model.create(DeviceAddress.parse("sim:mlx5-vf?pf=a&psid=Y"), context);
    assertThat(third.companion("pf").orElseThrow().info().properties()).containsEntry("psid", "Y");
    third.close();
  }
}
