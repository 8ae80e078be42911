package io.vferry.cli.output;

import io.vferry.host.linux.user.server.ClientInfo;
import io.vferry.host.linux.user.server.ServerListener;
import io.vferry.host.linux.user.server.SessionCounters;
import io.vferry.spi.state.DeviceState;
import java.io.PrintWriter;

/** Tells programs what happens to a served device, an object on a line for each event. */
public final class ServeJson implements ServerListener {

  private final String socket;
  private final PrintWriter out;

  /** Creates a teller; {@code socket} stands in each object. */
  public ServeJson(String socket, PrintWriter out) {
    this.socket = socket;
    this.out = out;
  }

  private void say(String event, JsonText.Content content) {
    out.println(
        JsonText.of(
            json -> {
              json.writeStartObject();
              json.writeStringField("event", event);
              json.writeStringField("socket", socket);
              content.writeTo(json);
              json.writeEndObject();
            }));
    out.flush();
  }

  /**
   * Says that clients can connect.
   *
   * @param device address of the device
   * @param driver id and version of its driver, or empty
   */
  public void serving(String device, String driver) {
    say(
        "serving",
        json -> {
          json.writeStringField("device", device);
          json.writeStringField("driver", driver);
        });
  }

  @Override
  public void connected(ClientInfo client) {
    say(
        "connected",
        json -> {
          json.writeStringField("version", client.major() + "." + client.minor());
          json.writeNumberField("max-msg-fds", client.maxMsgFds());
          json.writeNumberField("max-data-xfer-size", client.maxDataXferSize());
          json.writeBooleanField("twin-socket", client.twinSocket());
        });
  }

  @Override
  public void moved(DeviceState from, DeviceState to) {
    say(
        "moved",
        json -> {
          json.writeStringField("from", from.name());
          json.writeStringField("to", to.name());
        });
  }

  @Override
  public void refused(String command, int errno, String reason) {
    say(
        "refused",
        json -> {
          json.writeStringField("command", command);
          json.writeNumberField("errno", errno);
          json.writeStringField("reason", reason);
        });
  }

  @Override
  public void disconnected(String reason, SessionCounters counters) {
    say(
        "disconnected",
        json -> {
          json.writeStringField("reason", reason);
          json.writeNumberField("commands", counters.commands());
          json.writeNumberField("refusals", counters.refusals());
          json.writeNumberField("saved-bytes", counters.savedBytes());
          json.writeNumberField("loaded-bytes", counters.loadedBytes());
        });
  }

  @Override
  public void unclean(String reason) {
    say("unclean", json -> json.writeStringField("reason", reason));
  }
}
