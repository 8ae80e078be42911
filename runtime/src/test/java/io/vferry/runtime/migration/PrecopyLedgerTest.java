package io.vferry.runtime.migration;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.PrecopyProgress.Remaining;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PrecopyLedgerTest {

  private final PrecopyLedger ledger = new PrecopyLedger(1);

  private static Remaining left(long initial, long dirty) {
    return new Remaining(initial, dirty, false);
  }

  @Test
  void deviceWithoutPrecopyHasToSendWhatItEstimates() {
    ledger.estimated(0, OptionalLong.of(1000));
    assertThat(ledger.stopCopyBytes()).isEqualTo(new DowntimePredictor.Bytes(1000, 1000, 1000));
  }

  @Test
  void whatWasSentInPrecopyIsNotExpectedAgainButPossible() {
    ledger.saving(0);
    ledger.estimated(0, OptionalLong.of(1000));
    ledger.progress(0, 900, left(0, 30));
    assertThat(ledger.stopCopyBytes()).isEqualTo(new DowntimePredictor.Bytes(100, 30, 1000));
  }

  @Test
  void whatWasSentOfAnImageThatBeganAnewDoesNotCount() {
    ledger.saving(0);
    ledger.estimated(0, OptionalLong.of(1000));
    ledger.progress(0, 900, left(0, 0));
    ledger.restarted(0, 1);
    ledger.progress(0, 950, left(0, 0));
    assertThat(ledger.stopCopyBytes().expected()).isEqualTo(950);
  }

  @Test
  void sillyNumbersAreBounded() {
    ledger.saving(0);
    ledger.estimated(0, OptionalLong.of(Long.MAX_VALUE));
    ledger.progress(0, 0, left(Long.MAX_VALUE, -5));
    DowntimePredictor.Bytes bytes = ledger.stopCopyBytes();
    assertThat(bytes.least()).isEqualTo(1L << 40);
    assertThat(bytes.most()).isEqualTo(1L << 40);
  }

  @Test
  void anAcknowledgementOfAnEarlierImageDoesNotCount() {
    ledger.saving(0);
    assertThat(ledger.unacknowledged()).contains(0);
    ledger.restarted(0, 1);
    ledger.acknowledged(0, 0);
    assertThat(ledger.unacknowledged()).contains(0);
    ledger.acknowledged(0, 1);
    assertThat(ledger.unacknowledged()).isEmpty();
  }
}
