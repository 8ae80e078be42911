package io.vferry.spi.access;

import io.vferry.spi.state.DeviceState;
import java.util.List;

/** Prints the access table as the manual shows it. */
final class AccessTable {

  /** From operating to not operating, as a reader expects them. */
  static final List<DeviceState> STATES =
      List.of(
          DeviceState.RUNNING,
          DeviceState.PRE_COPY,
          DeviceState.RUNNING_P2P,
          DeviceState.PRE_COPY_P2P,
          DeviceState.STOP,
          DeviceState.STOP_COPY,
          DeviceState.RESUMING,
          DeviceState.ERROR);

  private AccessTable() {}

  static String word(Permission permission) {
    return switch (permission) {
      case YES -> "yes";
      case AVOID -> "avoid";
      case NO -> "no";
      case UNSPECIFIED -> "?";
    };
  }

  static String markdown() {
    StringBuilder page =
        new StringBuilder(
            """
            # Which access is legal in which device state

            *yes*: legal, with its normal effect. *avoid*: legal and harmless to the host, but it may \
            spoil the migration data or have no useful effect. *no*: it never happens, or who does it \
            gets `VF-1009`. *?*: nobody promises anything. While a device is on its way between two \
            states, only what is legal in both is legal.

            """);
    page.append("| access |");
    STATES.forEach(state -> page.append(' ').append(state).append(" |"));
    page.append("\n|---|").append("---|".repeat(STATES.size())).append('\n');
    for (Access access : Access.values()) {
      page.append("| ").append(access.title()).append(" |");
      for (DeviceState state : STATES) {
        page.append(' ').append(word(AccessPolicy.permission(access, state))).append(" |");
      }
      page.append('\n');
    }
    return page.toString();
  }
}
