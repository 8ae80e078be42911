package io.vferry.cli.output;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.runtime.plan.Blocker;
import io.vferry.runtime.plan.DevicePath;
import io.vferry.runtime.plan.P2pPlan;
import io.vferry.runtime.plan.Plan;
import io.vferry.runtime.plan.PlannedDevice;
import io.vferry.spi.state.DeviceState;
import java.io.IOException;

/** Prints a plan for programs. */
public final class PlanJson {

  private PlanJson() {}

  /** Returns one object on one line. */
  public static String of(Plan plan) {
    return JsonText.of(json -> write(json, plan));
  }

  private static void write(JsonGenerator json, Plan plan) throws IOException {
    json.writeStartObject();
    json.writeStringField("vm", plan.vm());
    json.writeBooleanField("possible", plan.possible());
    json.writeBooleanField("destination-known", plan.destinationKnown());
    json.writeArrayFieldStart("blocked-reasons");
    for (Blocker blocker : plan.blockers()) {
      json.writeStartObject();
      json.writeStringField("code", blocker.code().label());
      json.writeStringField("side", blocker.side().label());
      if (blocker.device().isPresent()) {
        json.writeStringField("device", blocker.device().get());
      }
      json.writeStringField("reason", blocker.reason());
      json.writeStringField("advice", blocker.advice());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("devices");
    for (PlannedDevice device : plan.devices()) {
      device(json, device);
    }
    json.writeEndArray();
    p2p(json, plan.p2p());
    json.writeEndObject();
  }

  private static void device(JsonGenerator json, PlannedDevice device) throws IOException {
    json.writeStartObject();
    json.writeStringField("id", device.id());
    json.writeStringField("host", device.source().toString());
    json.writeStringField("destination", device.destination().toString());
    if (device.driver().isPresent()) {
      json.writeStringField("driver", device.driver().get().id());
      json.writeStringField("driver-version", device.driver().get().version());
      json.writeStringField("driver-reason", device.driver().get().reason());
    } else {
      json.writeNullField("driver");
    }
    strings(json, "peers", device.peers());
    if (device.ability().isPresent()) {
      PlannedDevice.Ability ability = device.ability().get();
      json.writeBooleanField("p2p", ability.features().p2p());
      json.writeBooleanField("pre-copy", ability.features().preCopy());
      path(json, "path", ability.sourcePath());
      path(json, "destination-path", ability.destinationPath());
      if (ability.stopCopyBytes().isPresent()) {
        json.writeNumberField("stop-copy-bytes", ability.stopCopyBytes().getAsLong());
      } else {
        json.writeNullField("stop-copy-bytes");
      }
      json.writeStringField("dirty-tracking", ability.dirtyTracking().label());
    }
    strings(json, "notes", device.notes());
    json.writeEndObject();
  }

  private static void path(JsonGenerator json, String name, DevicePath path) throws IOException {
    strings(json, name, path.states().stream().map(DeviceState::name).toList());
  }

  private static void p2p(JsonGenerator json, P2pPlan p2p) throws IOException {
    json.writeObjectFieldStart("p2p");
    json.writeStringField("mode", p2p.mode().label());
    json.writeStringField("reason", p2p.reason());
    strings(json, "lacking", p2p.lacking());
    json.writeEndObject();
  }

  private static void strings(JsonGenerator json, String name, Iterable<String> values)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (String value : values) {
      json.writeString(value);
    }
    json.writeEndArray();
  }
}
