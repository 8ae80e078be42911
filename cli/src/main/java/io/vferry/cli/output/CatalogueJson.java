package io.vferry.cli.output;

import com.fasterxml.jackson.core.JsonGenerator;
import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Found;
import io.vferry.runtime.discovery.Rejected;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.VmAdaptor;
import java.io.IOException;

/** Prints what was found, for programs. */
public final class CatalogueJson {

  private CatalogueJson() {}

  /** Returns one object on one line. */
  public static String of(Catalogue catalogue) {
    return JsonText.of(json -> write(json, catalogue));
  }

  private static void write(JsonGenerator json, Catalogue catalogue) throws IOException {
    json.writeStartObject();
    json.writeArrayFieldStart("drivers");
    for (Found<MigrationDriver> driver : catalogue.drivers()) {
      DriverInfo info = driver.instance().info();
      json.writeStartObject();
      json.writeStringField("id", info.id());
      json.writeStringField("vendor", info.vendor());
      json.writeStringField("version", info.version());
      end(json, driver);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("backends");
    for (Found<HostBackend> backend : catalogue.backends()) {
      Availability availability = backend.instance().availability();
      json.writeStartObject();
      json.writeStringField("scheme", backend.name());
      json.writeBooleanField("available", availability.available());
      json.writeStringField("reason", availability.reason());
      end(json, backend);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("models");
    for (Found<DeviceModel> model : catalogue.models()) {
      for (String name : model.names()) {
        json.writeStartObject();
        json.writeStringField("name", name);
        json.writeStringField("description", model.instance().description(name));
        end(json, model);
      }
    }
    json.writeEndArray();
    json.writeArrayFieldStart("adaptors");
    for (Found<VmAdaptor> adaptor : catalogue.adaptors()) {
      json.writeStartObject();
      json.writeStringField("id", adaptor.name());
      end(json, adaptor);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("rejected");
    for (Rejected rejected : catalogue.rejected()) {
      json.writeStartObject();
      json.writeStringField("name", rejected.name());
      json.writeStringField("location", rejected.location());
      json.writeStringField("reason", rejected.reason());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void end(JsonGenerator json, Found<?> found) throws IOException {
    json.writeStringField("class", found.implementation());
    json.writeStringField("origin", found.origin().title());
    json.writeStringField("location", found.location());
    json.writeStringField("isolation", found.isolation().kind().title());
    json.writeStringField("spi", found.spi().toString());
    json.writeEndObject();
  }
}
