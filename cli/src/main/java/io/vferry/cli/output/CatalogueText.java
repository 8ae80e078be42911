package io.vferry.cli.output;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Found;
import io.vferry.runtime.discovery.Rejected;
import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.host.Availability;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.model.DeviceModel;
import io.vferry.spi.vm.VmAdaptor;
import java.util.ArrayList;
import java.util.List;

/** Prints what was found, for people. */
public final class CatalogueText {

  private final List<String> lines = new ArrayList<>();

  private CatalogueText() {}

  /**
   * Returns the lines.
   *
   * @param verbose whether to say where each thing is and how it is kept apart
   */
  public static List<String> lines(Catalogue catalogue, boolean verbose) {
    CatalogueText text = new CatalogueText();
    TextTable drivers = new TextTable();
    for (Found<MigrationDriver> driver : catalogue.drivers()) {
      DriverInfo info = driver.instance().info();
      drivers.add(
          info.id(), info.vendor(), info.version(), "SPI " + driver.spi(), where(driver, verbose));
    }
    text.section("Drivers", drivers);
    TextTable backends = new TextTable();
    for (Found<HostBackend> backend : catalogue.backends()) {
      Availability availability = backend.instance().availability();
      backends.add(
          backend.name() + ":",
          availability.available() ? "available" : "not available: " + availability.reason());
      if (verbose) {
        backends.add("", where(backend, true));
      }
    }
    text.section("Host backends", backends);
    TextTable models = new TextTable();
    for (Found<DeviceModel> model : catalogue.models()) {
      for (String name : model.names()) {
        models.add(Catalogue.MODEL_SCHEME + ":" + name, model.instance().description(name));
        if (verbose) {
          models.add("", where(model, true));
        }
      }
    }
    text.section("Device models", models);
    TextTable adaptors = new TextTable();
    for (Found<VmAdaptor> adaptor : catalogue.adaptors()) {
      adaptors.add(adaptor.name(), where(adaptor, verbose));
    }
    text.section("VM adaptors", adaptors);
    TextTable rejected = new TextTable();
    for (Rejected one : catalogue.rejected()) {
      rejected.add(one.toString());
    }
    if (!rejected.isEmpty()) {
      text.section("Cannot be used", rejected);
    }
    return text.lines;
  }

  private void section(String title, TextTable table) {
    if (!lines.isEmpty()) {
      lines.add("");
    }
    lines.add(title);
    lines.addAll(table.isEmpty() ? List.of("  none") : table.lines("  "));
  }

  private static String where(Found<?> found, boolean verbose) {
    return verbose
        ? found.origin().title()
            + " "
            + found.location()
            + " ("
            + found.isolation().kind().title()
            + ")"
        : found.origin().title();
  }
}
