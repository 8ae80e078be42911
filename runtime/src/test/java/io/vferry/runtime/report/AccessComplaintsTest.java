package io.vferry.runtime.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.vferry.spi.access.Access;
import io.vferry.spi.state.DeviceState;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Accesses that are not legal are told, not recited. */
class AccessComplaintsTest {

  @Test
  void eachKindIsToldFirstAndThenMoreAndMoreSeldom() {
    List<String> told = new ArrayList<>();
    AccessComplaints complaints = new AccessComplaints(told::add);
    for (int i = 0; i < 250; i++) {
      complaints.forbidden("vf0", Access.REGION_READ, DeviceState.STOP);
    }
    complaints.forbidden("vf1", Access.REGION_READ, DeviceState.STOP);

    String first = Access.REGION_READ.title() + " of device vf0 is not legal in STOP";
    assertThat(told)
        .containsExactly(
            first,
            first + "; it happened 10 times",
            first + "; it happened 100 times",
            first.replace("vf0", "vf1"));
  }
}
