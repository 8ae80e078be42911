package io.vferry.simulation;

import io.vferry.runtime.discovery.Catalogue;
import io.vferry.runtime.discovery.Discovery;
import io.vferry.runtime.engine.DestinationEngine;
import io.vferry.runtime.engine.OpenDevice;
import io.vferry.runtime.engine.OpenMachine;
import io.vferry.runtime.engine.SourceEngine;
import io.vferry.runtime.journal.Journal;
import io.vferry.runtime.migration.Problem;
import io.vferry.runtime.plan.AttachedDevices;
import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.plan.Side;
import io.vferry.runtime.report.MigrationReport;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.state.Arc;
import io.vferry.spi.vm.GuestAudit;
import io.vferry.spi.vm.VmAdaptor;
import io.vferry.vendor.hisiacc.HisiAccMigrationDriver;
import io.vferry.vendor.hisiacc.model.HisiAccDeviceModel;
import io.vferry.vendor.mlx5.Mlx5MigrationDriver;
import io.vferry.vendor.mlx5.model.Mlx5DeviceModel;
import io.vferry.vendor.sim.SimClock;
import io.vferry.vendor.sim.SimDeviceModel;
import io.vferry.vendor.sim.SimMigrationDriver;
import io.vferry.vendor.sim.SimVmAdaptor;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;

/**
 * A migration with both sides, the network, the devices and the time in one thread. The same seed
 * gives the same run.
 */
final class Simulation implements AutoCloseable {

  /** No sane run needs more; one that goes on is stuck. */
  private static final int MAX_STEPS = 5_000_000;

  private static final long SLICE_NANOS = 20_000;

  private final long seed;
  private final SplittableRandom random;
  private final SimClock clock;
  private final SimulatedNetwork network;
  private final SteppedAgents sourceAgents;
  private final SteppedAgents destinationAgents;
  private final List<Journal.Entry> sourceJournal = new ArrayList<>();
  private final List<Journal.Entry> destinationJournal = new ArrayList<>();
  private final AttachedDevices sourceDevices;
  private final AttachedDevices destinationDevices;
  private final OpenMachine source;
  private final OpenMachine destination;
  private final SourceEngine sourceEngine;
  private final DestinationEngine destinationEngine;
  private BooleanSupplier eachStep = () -> false;

  /** Puts a simulation together with the drivers and machines of the simulator. */
  static Simulation of(long seed, Manifest manifest) throws MigrationException {
    return of(
        seed, manifest, new SimMigrationDriver(), new SimVmAdaptor(), new SimMigrationDriver());
  }

  /** Puts a simulation together with, perhaps, broken drivers or a broken machine. */
  static Simulation of(
      long seed,
      Manifest manifest,
      MigrationDriver sourceDriver,
      VmAdaptor sourceAdaptor,
      MigrationDriver destinationDriver)
      throws MigrationException {
    return new Simulation(
        seed,
        manifest,
        catalogue(sourceDriver, sourceAdaptor),
        catalogue(destinationDriver, new SimVmAdaptor()));
  }

  /** Puts a simulation together with what each side finds. */
  static Simulation of(long seed, Manifest manifest, Catalogue source, Catalogue destination)
      throws MigrationException {
    return new Simulation(seed, manifest, source, destination);
  }

  static Catalogue catalogue(MigrationDriver driver, VmAdaptor adaptor) {
    return Discovery.embedded(
        List.of(driver, new HisiAccMigrationDriver(), new Mlx5MigrationDriver()),
        List.of(),
        List.of(new SimDeviceModel(), new HisiAccDeviceModel(), new Mlx5DeviceModel()),
        List.of(adaptor));
  }

  private Simulation(
      long seed, Manifest manifest, Catalogue sourceCatalogue, Catalogue destinationCatalogue)
      throws MigrationException {
    this.seed = seed;
    this.random = new SplittableRandom(seed);
    this.clock = new SimClock(random.nextLong());
    this.network = new SimulatedNetwork(random.split());
    this.sourceAgents = new SteppedAgents(random.split());
    this.destinationAgents = new SteppedAgents(random.split());
    sourceDevices = AttachedDevices.open(manifest, Side.SOURCE, sourceCatalogue, clock);
    source =
        OpenMachine.open(
            manifest, Side.SOURCE, sourceCatalogue, sourceDevices, true, clock, (d, a, s) -> {});
    destinationDevices =
        AttachedDevices.open(manifest, Side.DESTINATION, destinationCatalogue, clock);
    destination =
        OpenMachine.open(
            manifest,
            Side.DESTINATION,
            destinationCatalogue,
            destinationDevices,
            true,
            clock,
            (d, a, s) -> {});
    sourceEngine =
        new SourceEngine(
            source,
            manifest.settings(),
            network,
            network.sourceLink(),
            journal(sourceJournal),
            clock,
            sourceAgents,
            status -> {});
    destinationEngine =
        new DestinationEngine(
            destination,
            manifest.settings(),
            network.destinationLink(),
            journal(destinationJournal),
            clock,
            destinationAgents,
            status -> {});
    network.connect(
        sourceEngine::received,
        destinationEngine::received,
        destinationEngine,
        problem -> {
          sourceEngine.linkLost(problem);
          destinationEngine.linkLost(problem);
        });
    network.whileWaiting(
        () -> {
          try {
            if (!destinationAgents.stepOne()) {
              clock.advance(SLICE_NANOS);
            }
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private static Journal journal(List<Journal.Entry> entries) {
    return new Journal() {
      @Override
      public void record(Entry entry, String note) {
        entries.add(entry);
      }

      @Override
      public void close() {}
    };
  }

  SimulatedNetwork network() {
    return network;
  }

  SourceEngine sourceEngine() {
    return sourceEngine;
  }

  OpenMachine source() {
    return source;
  }

  OpenMachine destination() {
    return destination;
  }

  List<Journal.Entry> sourceJournal() {
    return sourceJournal;
  }

  List<Journal.Entry> destinationJournal() {
    return destinationJournal;
  }

  /** Has something done after each step until it says that it is done. */
  void afterEachStep(BooleanSupplier task) {
    eachStep = task;
  }

  /** Lets the guest run for a while, then migrates, and returns the source's report. */
  MigrationReport run() throws MigrationException, InterruptedException {
    source.vm().resume();
    clock.advance(20_000_000);
    sourceEngine.start();
    destinationEngine.start();
    for (int step = 0; step < MAX_STEPS; step++) {
      if (sourceEngine.result().isDone() && destinationEngine.result().isDone()) {
        return sourceEngine.result().join();
      }
      if (eachStep.getAsBoolean()) {
        eachStep = () -> false;
      }
      step();
    }
    throw new AssertionError(
        "seed %d: nobody ends; source %s, destination %s"
            .formatted(seed, sourceEngine.result().isDone(), destinationEngine.result().isDone()));
  }

  private void step() throws InterruptedException {
    boolean worked =
        switch (random.nextInt(4)) {
          case 0 -> sourceAgents.stepOne();
          case 1 -> destinationAgents.stepOne();
          case 2 -> deliver();
          default -> {
            clock.advance(random.nextLong(SLICE_NANOS));
            yield true;
          }
        };
    if (!worked && !sourceAgents.stepOne() && !destinationAgents.stepOne() && !deliver()) {
      clock.advance(SLICE_NANOS);
    }
  }

  private boolean deliver() {
    try {
      return network.deliverOne();
    } catch (MigrationException e) {
      // As the transport does it: a chunk that cannot be accepted ends the session.
      network.cut();
      destinationEngine.linkLost(Problem.of(e));
      return true;
    }
  }

  MigrationReport destinationReport() {
    return destinationEngine.result().join();
  }

  /** Lets time pass. */
  void pass(long nanos) throws InterruptedException {
    clock.advance(nanos);
  }

  /** Lets the guest run on one side, stops everything there, and asks its oracle. */
  GuestAudit.Verdict auditAfterRunning(OpenMachine side)
      throws MigrationException, InterruptedException {
    clock.advance(30_000_000);
    side.vm().pause();
    for (OpenDevice device : side.devices()) {
      if (device.device().features().p2p()) {
        device.device().perform(Arc.RUNNING_TO_RUNNING_P2P);
      }
    }
    for (OpenDevice device : side.devices()) {
      boolean quiet = device.device().features().p2p();
      device.device().perform(quiet ? Arc.RUNNING_P2P_TO_STOP : Arc.RUNNING_TO_STOP);
    }
    return side.vm().audit().orElseThrow().audit();
  }

  @Override
  public void close() throws MigrationException {
    source.close();
    destination.close();
    sourceDevices.close();
    destinationDevices.close();
  }
}
