package io.vferry.cli;

import java.nio.file.Path;
import java.util.Map;

/** Where vferry keeps what must outlive it, after the XDG base directory specification. */
final class StateDirectory {

  private StateDirectory() {}

  /** Returns {@code $XDG_STATE_HOME/vferry}, or {@code ~/.local/state/vferry}. */
  static Path of(Map<String, String> environment) {
    String state = environment.getOrDefault("XDG_STATE_HOME", "");
    if (state.startsWith("/")) {
      return Path.of(state, "vferry");
    }
    String home = environment.getOrDefault("HOME", System.getProperty("user.home", "/tmp"));
    return Path.of(home, ".local", "state", "vferry");
  }
}
