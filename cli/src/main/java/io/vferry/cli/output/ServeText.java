package io.vferry.cli.output;

import io.vferry.host.linux.user.server.ClientInfo;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.SessionCounters;
import io.vferry.spi.state.DeviceState;
import java.io.PrintWriter;

/** Tells people what happens to a served device, a line for each event. */
public final class ServeText implements ServerListener {

  /** A client that does nothing right must not fill a terminal. */
  private static final int SHOWN_REFUSALS = 5;

  private final String socket;
  private final PrintWriter out;
  private int refusals;

  /** Creates a teller; {@code socket} begins each line. */
  public ServeText(String socket, PrintWriter out) {
    this.socket = socket;
    this.out = out;
  }

  private void say(String text) {
    out.println(socket + ": " + text);
    out.flush();
  }

  @Override
  public void connected(ClientInfo client) {
    refusals = 0;
    say(
        "a client connected: version %d.%d, takes %d bytes and %d files per message%s"
            .formatted(
                client.major(),
                client.minor(),
                client.maxDataXferSize(),
                client.maxMsgFds(),
                client.twinSocket() ? ", answers for its memory on a second socket" : ""));
  }

  @Override
  public void moved(DeviceState from, DeviceState to) {
    say(from + " -> " + to);
  }

  @Override
  public void refused(String command, int errno, String reason) {
    refusals++;
    if (refusals <= SHOWN_REFUSALS) {
      say("refused %s (errno %d): %s".formatted(command, errno, reason));
    } else if (refusals == SHOWN_REFUSALS + 1) {
      say("more refusals are counted, and told no more");
    }
  }

  @Override
  public void disconnected(String reason, SessionCounters counters) {
    say(
        "the client left: %s; %d commands, %d refused, %d bytes saved, %d bytes loaded"
            .formatted(
                reason,
                counters.commands(),
                counters.refusals(),
                counters.savedBytes(),
                counters.loadedBytes()));
    refusals = 0;
  }

  @Override
  public void unclean(String reason) {
    say("attention: " + reason);
  }
}
