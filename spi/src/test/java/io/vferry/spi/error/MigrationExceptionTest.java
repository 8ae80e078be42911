package io.vferry.spi.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.Test;

class MigrationExceptionTest {

  private final MigrationException bare =
      new MigrationException(DeviceError.ARC_FAILED, "device nic0 refused to stop");

  @Test
  void saysWhatHappenedAndWhatToDo() {
    assertThat(bare)
        .hasMessage(
            "VF-1001: device nic0 refused to stop."
                + " Reset the device if it is not usable, then try again.");
  }

  @Test
  void saysEverythingItKnows() {
    assertThat(
            bare.withArc(Arc.RUNNING_P2P_TO_STOP)
                .withErrno(5)
                .withState(DeviceState.RUNNING_P2P)
                .withCondition(DeviceCondition.USABLE))
        .hasMessage(
            "VF-1001: device nic0 refused to stop, on the way RUNNING_P2P -> STOP (errno 5);"
                + " the device is in RUNNING_P2P and is usable."
                + " Reset the device if it is not usable, then try again.");
    assertThat(bare.withState(DeviceState.ERROR).withCondition(DeviceCondition.NEEDS_RESET))
        .hasMessageContaining("; the device is in ERROR and needs a reset. ");
    assertThat(bare.withCondition(DeviceCondition.LOST))
        .hasMessageContaining("; the device is lost. ");
    assertThat(bare.withState(DeviceState.STOP)).hasMessageContaining("; the device is in STOP. ");
  }

  @Test
  void copiesKeepAllElse() {
    IOException cause = new IOException("cause");
    MigrationException original =
        new MigrationException(DeviceError.IO_FAILED, "detail", cause)
            .withArc(Arc.STOP_TO_RUNNING)
            .withErrno(19)
            .withState(DeviceState.STOP)
            .withCondition(DeviceCondition.LOST);
    original.addSuppressed(new IOException("suppressed"));
    for (MigrationException copy :
        new MigrationException[] {
          original.withArc(Arc.STOP_TO_RUNNING),
          original.withErrno(19),
          original.withState(DeviceState.STOP),
          original.withCondition(DeviceCondition.LOST)
        }) {
      assertThat(copy).hasMessage(original.getMessage()).hasCause(cause);
      assertThat(copy.code()).isEqualTo(DeviceError.IO_FAILED);
      assertThat(copy.detail()).isEqualTo("detail");
      assertThat(copy.arc()).contains(Arc.STOP_TO_RUNNING);
      assertThat(copy.errno()).hasValue(19);
      assertThat(copy.state()).contains(DeviceState.STOP);
      assertThat(copy.condition()).isEqualTo(DeviceCondition.LOST);
      assertThat(copy.getStackTrace()).isEqualTo(original.getStackTrace());
      assertThat(copy.getSuppressed()).hasSize(1);
    }
  }

  @Test
  void whatIsNotKnownIsEmpty() {
    assertThat(bare.arc()).isEmpty();
    assertThat(bare.errno()).isEmpty();
    assertThat(bare.state()).isEmpty();
    assertThat(bare.condition()).isEqualTo(DeviceCondition.UNKNOWN);
    assertThat(bare).hasNoCause();
  }

  @Test
  void textFromElsewhereCannotBreakTheLine() {
    assertThat(new MigrationException(DeviceError.BAD_REQUEST, "no 'a\nb\u001b[2J\u0085' ü😀"))
        .hasMessageStartingWith("VF-1015: no 'a b [2J ' ü😀. ");
  }

  @Test
  void isNotSerialized() {
    assertThatThrownBy(() -> new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(bare))
        .isInstanceOf(NotSerializableException.class);
  }
}
