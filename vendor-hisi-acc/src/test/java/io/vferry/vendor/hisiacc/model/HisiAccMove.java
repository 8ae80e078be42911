package io.vferry.vendor.hisiacc.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.driver.LoadStream;
import io.vferry.spi.driver.SaveStream;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;

/** Moves a function as the runtime does, with pre-copy or without. */
final class HisiAccMove {

  private HisiAccMove() {}

  /** Moves with pre-copy; the destination does not run yet. Returns the length of the stream. */
  static int move(HisiAccSide source, HisiAccSide target, int pieceBytes)
      throws MigrationException {
    SaveStream out = source.save(Arc.RUNNING_TO_PRE_COPY);
    byte[] first = HisiAccSide.drain(out, pieceBytes);
    target.perform(Arc.RUNNING_TO_STOP);
    LoadStream in = target.load();
    HisiAccSide.feed(in, first, pieceBytes);
    source.perform(Arc.PRE_COPY_TO_STOP_COPY);
    byte[] rest = HisiAccSide.drain(out, pieceBytes);
    HisiAccSide.feed(in, rest, pieceBytes);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    assertThat(target.guest.audit().violations()).isEmpty();
    return first.length + rest.length;
  }

  /** Moves without pre-copy. */
  static int moveStopped(HisiAccSide source, HisiAccSide target) throws MigrationException {
    source.perform(Arc.RUNNING_TO_STOP);
    SaveStream out = source.save(Arc.STOP_TO_STOP_COPY);
    byte[] all = HisiAccSide.drain(out, 176);
    target.perform(Arc.RUNNING_TO_STOP);
    HisiAccSide.feed(target.load(), all, 176);
    target.perform(Arc.RESUMING_TO_STOP);
    target.takeGuest(source);
    assertThat(target.guest.audit().violations()).isEmpty();
    return all.length;
  }

  /** Starts the destination and lets it finish all tasks. */
  static void finish(HisiAccSide target) throws MigrationException {
    target.perform(Arc.STOP_TO_RUNNING);
    target.finish();
  }
}
