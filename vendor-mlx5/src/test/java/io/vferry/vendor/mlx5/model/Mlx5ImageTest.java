package io.vferry.vendor.mlx5.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What LOAD notices about the images it gets. */
class Mlx5ImageTest {

  private static final String VF = "sim:mlx5-vf?state=256KiB";
  private static final int BAD_PARAM = 0x03;
  private static final int BAD_RES_STATE = 0x09;

  private final List<byte[]> images = new ArrayList<>();
  private long saved;

  @BeforeEach
  void save() throws MigrationException {
    Mlx5RawHost source = Mlx5RawHost.started(VF);
    Mlx5RawHost.Buffer buffer = source.buffer(source.allocPd(), 1 << 20);
    images.add(source.save(false, true, buffer));
    for (int round = 0; round < 2; round++) {
      source.bench.change(0, 4);
      images.add(source.save(true, true, buffer));
    }
    source.bench.change(0, 4);
    source.freeze();
    images.add(source.save(true, false, buffer));
    saved = source.bench.fingerprint(0);
  }

  private static Mlx5RawHost destination(String more) throws MigrationException {
    Mlx5RawHost host = Mlx5RawHost.started(VF + "&seed=2" + more);
    host.freeze();
    return host;
  }

  /** Loads images until one is refused; returns the status of that one, or that of RESUME. */
  private int load(Mlx5RawHost host, List<byte[]> chosen) throws MigrationException {
    Mlx5RawHost.Buffer into = host.buffer(host.allocPd(), 1 << 20);
    for (byte[] image : chosen) {
      int status = host.load(image, into);
      if (status != 0) {
        return status;
      }
    }
    return host.status(host.resume(0), 16);
  }

  @ParameterizedTest
  @CsvSource({
    "all, 0 1 2 3, 0",
    "the base is lost, 1 2 3, 3",
    "an increment is lost, 0 1 3, 3",
    "the last is lost, 0 1 2, 9",
    "the base comes twice, 0 0 1 2 3, 3",
    "an increment comes twice, 0 1 1 2 3, 3",
    "the last comes twice, 0 1 2 3 3, 3",
    "two are exchanged, 0 2 1 3, 3",
    "the last comes first, 3 0 1 2, 3",
  })
  void aLossARepetitionAndAnExchangeAreNoticed(String what, String order, int status)
      throws MigrationException {
    List<byte[]> chosen = new ArrayList<>();
    for (String number : order.split(" ", -1)) {
      chosen.add(images.get(Integer.parseInt(number)));
    }
    Mlx5RawHost host = destination("");
    assertThat(load(host, chosen)).as(what).isEqualTo(status);
    boolean whole = order.startsWith("0 1 2 3");
    assertThat(host.bench.fingerprint(0) == saved).as(what).isEqualTo(whole);
  }

  @Test
  void everyTruncationIsNoticed() throws MigrationException {
    Mlx5RawHost host = destination("");
    Mlx5RawHost.Buffer into = host.buffer(host.allocPd(), 1 << 20);
    byte[] image = images.get(3);
    for (int length = 1; length < image.length; length += length < 200 ? 1 : 997) {
      assertThat(host.load(Arrays.copyOf(image, length), into))
          .as("%d bytes", length)
          .isEqualTo(BAD_PARAM);
    }
    assertThat(host.load(Arrays.copyOf(image, image.length + 1), into)).isEqualTo(BAD_PARAM);
  }

  @Test
  void everyDamageIsNoticed() throws MigrationException {
    long seed = 20221206;
    SplittableRandom random = new SplittableRandom(seed);
    Mlx5RawHost host = destination("");
    Mlx5RawHost.Buffer into = host.buffer(host.allocPd(), 1 << 20);
    byte[] base = images.get(0);
    for (int round = 0; round < 300; round++) {
      byte[] damaged = base.clone();
      int at = round < 96 ? round : random.nextInt(damaged.length);
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      assertThat(host.load(damaged, into)).as("byte %d, seed %d", at, seed).isEqualTo(BAD_PARAM);
    }
    assertThat(host.load(base, into)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"psid=MT_0000000999", "firmware=28.42.1000"})
  void anImageOfAnotherProductIsRefused(String other) throws MigrationException {
    assertThat(load(destination("&" + other), images)).isEqualTo(BAD_PARAM);
  }

  @Test
  void aSmallerFunctionTakesNothing() throws MigrationException {
    Mlx5RawHost small = Mlx5RawHost.started("sim:mlx5-vf?state=128KiB");
    small.freeze();
    assertThat(load(small, images)).isEqualTo(BAD_PARAM);
  }

  @Test
  void imagesOfTwoSessionsDoNotMix() throws MigrationException {
    List<byte[]> first = List.copyOf(images);
    Mlx5RawHost source = Mlx5RawHost.started(VF);
    Mlx5RawHost.Buffer buffer = source.buffer(source.allocPd(), 1 << 20);
    source.save(false, true, buffer);
    source.ok(Mlx5RawHost.saveText(false, false, 0, 0), 16);
    byte[] base = source.save(false, true, buffer);
    assertThat(load(destination(""), List.of(base, first.get(1)))).isEqualTo(BAD_PARAM);
  }

  @Test
  void whatIsHalfLoadedDoesNotRunUntilAReset() throws MigrationException {
    Mlx5RawHost host = destination("");
    assertThat(load(host, images.subList(0, 2))).isEqualTo(BAD_RES_STATE);
    host.functions.get(0).reset();
    assertThat(host.bench.condition(0)).isEqualTo("running");
    host.freeze();
    assertThat(load(host, images)).isZero();
    assertThat(host.bench.fingerprint(0)).isEqualTo(saved);
  }
}
