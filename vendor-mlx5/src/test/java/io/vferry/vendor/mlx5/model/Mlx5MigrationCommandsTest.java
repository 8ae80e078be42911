package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Mlx5MigrationCommandsTest {

  private static final String VF = "sim:mlx5-vf?state=1MiB&seed=7";
  private static final int BAD_RES_STATE = 0x09;

  private static Mlx5RawHost.Buffer buffer(Mlx5RawHost host) throws MigrationException {
    return host.buffer(host.allocPd(), 2 << 20);
  }

  @Test
  void aStoppedFunctionIsSavedWholeAndLoadedElsewhere() throws MigrationException {
    Mlx5RawHost source = Mlx5RawHost.started(VF);
    Mlx5RawHost destination = Mlx5RawHost.started("sim:mlx5-vf?state=1MiB&seed=8");
    source.bench.change(0, 100);
    source.freeze();
    int required = source.query(false, false).dword(0x10);
    Mlx5RawHost.Buffer buffer = buffer(source);
    byte[] image = source.save(false, false, buffer);
    assertThat(image).hasSize(required);
    destination.freeze();
    assertThat(destination.bench.fingerprint(0)).isNotEqualTo(source.bench.fingerprint(0));
    assertThat(destination.load(image, buffer(destination))).isZero();
    assertThat(destination.bench.fingerprint(0)).isEqualTo(source.bench.fingerprint(0));
    destination.ok(destination.resume(0), 16);
    destination.ok(destination.resume(1), 16);
    assertThat(destination.bench.condition(0)).isEqualTo("running");
    assertThat(destination.bench.violations()).isEmpty();
  }

  @Test
  void theModifiersOfSuspendAndResumeAreTheOtherWayRound() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.ok("01150000 00000000 00000005 00000000", 16);
    assertThat(host.bench.condition(0)).isEqualTo("initiator-suspended");
    host.ok("01150000 00000001 00000005 00000000", 16);
    assertThat(host.bench.condition(0)).isEqualTo("suspended");
    host.ok("01160000 00000000 00000005 00000000", 16);
    assertThat(host.bench.condition(0)).isEqualTo("initiator-suspended");
    host.ok("01160000 00000001 00000005 00000000", 16);
    assertThat(host.bench.condition(0)).isEqualTo("running");
    assertThat(host.status("01150000 00000002 00000005 00000000", 16)).isEqualTo(0x02);
    assertThat(host.status("01160000 00000002 00000005 00000000", 16)).isEqualTo(0x02);
  }

  @Test
  void preCopyCarriesWhatChangedAndOnlyThat() throws MigrationException {
    Mlx5RawHost source = Mlx5RawHost.started(VF);
    Mlx5RawHost destination = Mlx5RawHost.started("sim:mlx5-vf?state=1MiB&seed=8");
    Mlx5RawHost.Buffer buffer = buffer(source);
    List<byte[]> images = new ArrayList<>();
    images.add(source.save(false, true, buffer));
    assertThat(source.query(true, false).dword(0x10)).isZero();
    source.bench.change(0, 10);
    int increment = source.query(true, false).dword(0x10);
    images.add(source.save(true, true, buffer));
    assertThat(images.get(1)).hasSize(increment);
    assertThat(increment).isLessThan(images.get(0).length / 10);
    source.bench.change(0, 5);
    source.freeze();
    assertThat(source.query(true, false).dword(0x10)).isPositive();
    images.add(source.save(true, false, buffer));
    assertThat(source.bench.tracked(0)).isFalse();
    destination.freeze();
    Mlx5RawHost.Buffer into = buffer(destination);
    for (byte[] image : images) {
      assertThat(destination.load(image, into)).isZero();
    }
    assertThat(destination.bench.fingerprint(0)).isEqualTo(source.bench.fingerprint(0));
    destination.ok(destination.resume(0), 16);
  }

  @Test
  void chunksAddUpToWhatWasAnnounced() throws MigrationException {
    String chunked = "sim:mlx5-vf?state=1MiB&chunk-size=256KiB";
    Mlx5RawHost source = Mlx5RawHost.started(chunked);
    Mlx5RawHost destination = Mlx5RawHost.started(chunked + "&seed=9");
    source.freeze();
    destination.freeze();
    Mlx5RawHost.Reply query = source.query(false, true);
    assertThat(query.dword(0x10)).isEqualTo(256 << 10);
    Mlx5RawHost.Buffer buffer = buffer(source);
    Mlx5RawHost.Buffer into = buffer(destination);
    long sum = 0;
    int next = 1;
    for (boolean first = true; next != 0; first = false) {
      Mlx5RawHost.Reply reply =
          source.ok(Mlx5RawHost.saveText(!first, false, buffer.key(), buffer.length()), 16);
      assertThat(destination.load(source.get(buffer.at(), reply.dword(8)), into)).isZero();
      sum += reply.dword(8);
      next = reply.dword(0xc);
    }
    assertThat(sum).isEqualTo(query.qword(0x18));
    assertThat(destination.bench.fingerprint(0)).isEqualTo(source.bench.fingerprint(0));
  }

  @Test
  void aBufferThatStateOutgrewIsRefusedAndTheFullImageComesInTheEnd() throws MigrationException {
    Mlx5RawHost source = Mlx5RawHost.started(VF);
    Mlx5RawHost.Buffer buffer = buffer(source);
    source.save(false, true, buffer);
    source.bench.change(0, 3);
    int size = source.query(true, false).dword(0x10);
    source.bench.change(0, 50);
    assertThat(source.status(Mlx5RawHost.saveText(true, true, buffer.key(), size), 16))
        .isEqualTo(BAD_RES_STATE);
    source.freeze();
    byte[] full = source.save(false, false, buffer);
    Mlx5RawHost destination = Mlx5RawHost.started(VF);
    destination.freeze();
    assertThat(destination.load(full, buffer(destination))).isZero();
    assertThat(destination.bench.fingerprint(0)).isEqualTo(source.bench.fingerprint(0));
  }

  @Test
  void preCopyIsLeftWithNoBufferAtAll() throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF);
    host.save(false, true, buffer(host));
    assertThat(host.bench.tracked(0)).isTrue();
    host.ok(Mlx5RawHost.saveText(false, false, 0, 0), 16);
    assertThat(host.bench.tracked(0)).isFalse();
    assertThat(host.query(true, false).status()).isEqualTo(BAD_RES_STATE);
  }

  @ParameterizedTest
  @CsvSource({
    "suspend-responder-first, bad-res-state, S1, 9",
    "suspend-responder-first, ok, S1, 0",
    "suspend-twice, bad-res-state, S0 S0, 9",
    "suspend-twice, ok, S0 S0, 0",
    "suspend-twice, bad-res-state, S0 S1 S1, 9",
    "resume-twice, bad-res-state, R0, 9",
    "resume-twice, ok, R0, 0",
    "resume-twice, bad-res-state, R1, 9",
    "resume-initiator-first, bad-res-state, S0 S1 R1, 9",
    "resume-initiator-first, ok, S0 S1 R1, 0",
    "query-untracked, bad-res-state, Q10, 9",
    "query-untracked, bad-param, Q10, 3",
    "query-untracked, bad-res, Q10, 5",
    "save-tracked-in-p2p, ok, S0 V01, 0",
    "save-tracked-in-p2p, bad-res-state, S0 V01, 9",
    "save-tracked-frozen, bad-res-state, S0 S1 V01, 9",
    "save-tracked-frozen, bad-param, S0 S1 V01, 3",
    "save-cleanup-any-size, ok, V01 v00, 0",
    "save-cleanup-any-size, lim, V01 v00, 8",
    "save-final-running, bad-res-state, V00, 9",
    "save-final-running, bad-param, V00, 3",
    "save-final-running, bad-res-state, V01 V10, 9",
    "save-small-buffer-suspended, lim, S0 S1 v00, 8",
    "save-small-buffer-suspended, bad-param, S0 S1 v00, 3",
    "save-increment-without-base, bad-res-state, S0 S1 V10, 9",
    "save-increment-without-base, bad-param, S0 S1 V10, 3",
    "save-increment-without-base, bad-res-state, V11, 9",
    "load-running, bad-res-state, L, 9",
    "load-running, bad-sys-state, L, 4",
    "load-bad-image, bad-param, S0 S1 L, 3",
    "load-bad-image, int-err, S0 S1 L, 1",
    "bad-mkey, bad-res, S0 S1 K, 5",
    "bad-mkey, bad-param, S0 S1 K, 3",
    "beyond-mkey, bad-param, S0 S1 B, 3",
    "beyond-mkey, lim, S0 S1 B, 8",
    "unknown-vhca, bad-res, U, 5",
    "unknown-vhca, bad-param, U, 3",
  })
  void whatNobodyKnowsCanBeChosen(String assumption, String position, String script, int status)
      throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume." + assumption + "=" + position);
    Mlx5RawHost.Buffer buffer = buffer(host);
    int last = -1;
    String[] steps = script.strip().split(" ");
    for (int step = 0; step < steps.length; step++) {
      last = host.status(text(host, steps[step], buffer), steps[step].charAt(0) == 'Q' ? 64 : 16);
      if (step < steps.length - 1) {
        assertThat(last).as(steps[step]).isZero();
      }
    }
    assertThat(last).as(assumption + "=" + position).isEqualTo(status);
  }

  private static String text(Mlx5RawHost host, String step, Mlx5RawHost.Buffer buffer) {
    boolean first = step.length() > 1 && step.charAt(1) == '1';
    boolean second = step.length() > 2 && step.charAt(2) == '1';
    return switch (step.charAt(0)) {
      case 'S' -> host.suspend(step.charAt(1) - '0');
      case 'R' -> host.resume(step.charAt(1) - '0');
      case 'Q' -> Mlx5RawHost.queryText(first, second);
      case 'V' -> Mlx5RawHost.saveText(first, second, buffer.key(), buffer.length());
      case 'v' -> Mlx5RawHost.saveText(first, second, buffer.key(), 200);
      case 'K' -> Mlx5RawHost.saveText(false, false, 0x7777, buffer.length());
      case 'B' -> Mlx5RawHost.saveText(false, false, buffer.key(), buffer.length() + 1);
      case 'L' -> Mlx5RawHost.loadText(buffer.key(), 4096);
      case 'U' -> "01150000 00000000 00000006 00000000";
      default -> throw new AssertionError(step);
    };
  }

  @ParameterizedTest
  @CsvSource({"whole, 9", "partial, 0"})
  void aPreCopyImageMayComeInPartsOrNot(String position, int status) throws MigrationException {
    Mlx5RawHost host =
        Mlx5RawHost.started(VF + "&chunk-size=128KiB&assume.precopy-chunks=" + position);
    host.query(false, true);
    Mlx5RawHost.Buffer buffer = host.buffer(host.allocPd(), 128 << 10);

    Mlx5RawHost.Reply reply =
        host.send(Mlx5RawHost.saveText(false, true, buffer.key(), buffer.length()), 16);

    assertThat(reply.status()).isEqualTo(status);
    assertThat(host.bench.tracked(0)).isEqualTo(status == 0);
    if (status == 0) {
      assertThat(reply.dword(8)).as("image").isBetween(120 << 10, 128 << 10);
      assertThat(host.query(true, true).qword(0x18)).as("left").isPositive();
    }
  }

  @ParameterizedTest
  @CsvSource({"int-err, 1", "bad-res-state, 9"})
  void aSaveOfWhichTheFunctionIsResetFails(String position, int status) throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&assume.reset-meanwhile=" + position);
    host.bench.inject("SAVE_VHCA_STATE:reset-vf");
    host.freeze();

    assertThat(host.status(text(host, "V00", buffer(host)), 16)).isEqualTo(status);
    assertThat(host.bench.condition(0)).isEqualTo("running");
  }

  @ParameterizedTest
  @CsvSource({"on, 0", "off, 8"})
  void moreThan4GibFitsIntoChunksOnly(String chunks, int status) throws MigrationException {
    Mlx5RawHost host =
        Mlx5RawHost.started(VF.replace("state=1MiB", "state=5GiB") + "&chunks=" + chunks);
    host.freeze();

    Mlx5RawHost.Reply asked = host.query(false, chunks.equals("on"));

    assertThat(asked.dword(0x10)).isEqualTo(chunks.equals("on") ? 8 << 20 : -1);
    assertThat(asked.qword(0x18)).isGreaterThan(5L << 30);
    Mlx5RawHost.Buffer buffer = host.buffer(host.allocPd(), 8 << 20);
    Mlx5RawHost.Reply saved =
        host.send(
            Mlx5RawHost.saveText(
                false, false, buffer.key(), status == 0 ? buffer.length() : 0xfffff000),
            16);
    assertThat(saved.status()).isEqualTo(status);
    assertThat(saved.dword(0x0c)).as("next").isEqualTo(status == 0 ? 8 << 20 : 0);
  }

  @Test
  void chunksAreRefusedWithoutTheCapability() throws MigrationException {
    Mlx5RawHost strict = Mlx5RawHost.started(VF + "&chunks=off");
    assertThat(strict.query(false, true).status()).isEqualTo(0x03);
    Mlx5RawHost lenient =
        Mlx5RawHost.started(VF + "&chunks=off&assume.query-chunk-without-capability=ok");
    assertThat(lenient.query(false, true).status()).isZero();
  }

  @Test
  void aFunctionThatIsNotMigratableIsNotMoved() throws MigrationException {
    assertThat(
            Mlx5RawHost.started(VF + "&migratable=off")
                .status("01150000 00000000 00000005 00000000", 16))
        .isEqualTo(0x02);
    assertThat(
            Mlx5RawHost.started(VF + "&migratable=off&assume.not-migratable=bad-param")
                .status("01150000 00000000 00000005 00000000", 16))
        .isEqualTo(0x03);
  }
}
