package io.vferry.cli;

import io.vferry.cli.manifest.ManifestFile;
import io.vferry.cli.output.JsonText;
import io.vferry.runtime.Receiver;
import io.vferry.runtime.RunningMigration;
import io.vferry.runtime.Vferry;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.runtime.report.Phase;
import io.vferry.runtime.transport.Security;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes over a virtual machine. */
@Command(
    name = "receive",
    header = "takes over a virtual machine from another host",
    customSynopsis = "vferry receive MANIFEST --listen HOST:PORT (--tls DIR | --plain) [OPTION...]",
    description = {
      "Listens for one 'vferry migrate', opens the devices that the manifest names for the"
          + " destination, and takes the virtual machine over. Everything that arrives is checked"
          + " before a device runs on it; what is refused leaves the guest at the source.",
      "",
      "Says first where it listens, which matters with port 0, and at the end how it went. With"
          + " '--output json' these are two objects, one per line: {\"listening\": \"HOST:PORT\"}, and"
          + " the report as 'vferry migrate' prints it.",
      "",
      "Ends after one migration, and with it what this process holds: its devices, and a simulated"
          + " machine. With --hold it keeps them until Ctrl-C."
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  vferry receive vm.yaml --listen 0.0.0.0:4444 --tls /etc/vferry/tls --hold",
      "  vferry receive vm.yaml --listen 127.0.0.1:0 --plain --output json"
    })
final class ReceiveCommand extends MigrationCommand {

  @Mixin private ManifestOptions manifest = new ManifestOptions();

  @Option(
      names = "--listen",
      required = true,
      paramLabel = "HOST:PORT",
      converter = HostPort.Converter.class,
      description = "Where to listen; port 0 means any free one.")
  private HostPort listen = new HostPort("127.0.0.1", 0);

  @Mixin private SecurityOptions security = new SecurityOptions();

  @Option(
      names = "--hold",
      description = "Keep the devices open and the guest running after the migration.")
  private boolean hold;

  @Option(
      names = "--until-input-ends",
      hidden = true,
      description = "Cancel when standard input ends; Ctrl-C is left to who holds its other end.")
  private boolean untilInputEnds;

  @Mixin private RuntimeOptions runtime = new RuntimeOptions();

  @Mixin private CommonOptions common = new CommonOptions();

  ReceiveCommand(Interruption interruption) {
    super(interruption);
  }

  @Override
  public CommonOptions common() {
    return common;
  }

  @Override
  public Integer call() throws Exception {
    common.startLogging();
    ManifestFile file = manifest.read();
    Security protection = security.security(Optional.empty(), "--listen");
    Vferry vferry = runtime.runtime();
    ManifestNames.check(file, vferry.catalogue());
    MigrationReport received;
    try (Receiver receiver =
        vferry.listen(listen.resolve("--listen"), protection, file.manifest().settings())) {
      received = receive(receiver, file);
      if (hold && received.status() == Phase.COMPLETED) {
        CountDownLatch told = new CountDownLatch(1);
        interruption().means(told::countDown);
        if (!common.json()) {
          common.out().println("The guest runs here until Ctrl-C.");
        }
        told.await();
      }
    }
    return exitCode(received).number();
  }

  private MigrationReport receive(Receiver receiver, ManifestFile file)
      throws InterruptedException {
    MigrationReport received =
        watch(
            file.manifest(),
            progress -> receiver.receive(file.manifest(), progress),
            migration -> {
              interruption().means(untilInputEnds ? () -> {} : migration::cancel);
              if (untilInputEnds) {
                watchInput(migration);
              }
              // Said only now, so that whoever connects at once finds everything in place.
              sayListening(HostPort.print(receiver.address()));
            });
    print(received, Optional.empty());
    common.out().flush();
    return received;
  }

  private void sayListening(String address) {
    if (common.json()) {
      common
          .out()
          .println(
              JsonText.of(
                  json -> {
                    json.writeStartObject();
                    json.writeStringField("listening", address);
                    json.writeEndObject();
                  }));
    } else {
      common.out().println("Listening on " + address + ".");
    }
    common.out().flush();
  }

  private static void watchInput(RunningMigration migration) {
    Thread watch =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // What is said does not matter, only that somebody is there.
                }
              } catch (IOException e) {
                // As good as an end.
              }
              migration.cancel();
            },
            "vferry-watch-input");
    watch.setDaemon(true);
    watch.start();
  }
}
