package io.vferry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.Side;
import io.vferry.spi.error.MigrationException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunTest {

  /** Reasons, advice and the advice of the code are sentences of one text. */
  @Test
  void aBlockedPlanReadsAsSentences() {
    List<Blocker> blockers =
        List.of(
            blocker("nobody listens on socket /run/a.sock", "Start the server."),
            blocker("no driver serves nic1", "Add one"));
    assertThat(new MigrationException(RuntimeError.PLAN_BLOCKED, Run.sentences(blockers)))
        .hasMessage(
            "VF-2014: nobody listens on socket /run/a.sock. Start the server. no driver serves nic1."
                + " Add one. Remove what is in the way; 'vferry plan' shows all of it.");
    assertThat(
            new MigrationException(
                RuntimeError.PLAN_BLOCKED, Run.sentences(blockers.subList(0, 1))))
        .hasMessageContaining("Start the server. Remove what is in the way");
  }

  private static Blocker blocker(String reason, String advice) {
    return new Blocker(Blocker.Code.OPEN_FAILED, Side.SOURCE, Optional.of("nic"), reason, advice);
  }
}
