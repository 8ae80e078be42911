package io.vferry.vendor.mlx5;

import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.vendor.mlx5.command.General2Capabilities;
import io.vferry.vendor.mlx5.command.GeneralCapabilities;
import io.vferry.vendor.mlx5.command.QueryHcaCap;
import io.vferry.vendor.mlx5.command.TrackingCapabilities;
import io.vferry.vendor.mlx5.prm.CapabilityType;
import io.vferry.vendor.mlx5.queue.CommandException;
import io.vferry.vendor.mlx5.queue.CommandQueue;
import io.vferry.vendor.mlx5.queue.FunctionSession;
import java.util.Optional;

/**
 * Finds a virtual function and what it can do. Source of the conditions: Linux 6.12, {@code
 * drivers/vfio/pci/mlx5/cmd.c}, {@code mlx5vf_cmd_set_migratable}.
 */
final class VhcaLookup {

  private static final int ITSELF = 0;

  /** Property of the host's description: number of the virtual function, from 0. */
  private static final String INDEX = "vf-index";

  private static final int MOST_FUNCTIONS = 65_534;

  /**
   * What was found.
   *
   * @param tracking limits of page tracking, if there is any
   */
  record Found(int functionId, Vhca vhca, Optional<TrackingCapabilities> tracking) {}

  private VhcaLookup() {}

  /**
   * Returns the number under which the physical function knows a virtual one.
   *
   * @throws MigrationException {@code NOT_MIGRATABLE} if the host does not say
   */
  static int functionId(HostDevice host) throws MigrationException {
    String index = host.info().properties().getOrDefault(INDEX, "");
    if (!index.matches("[0-9]{1,5}") || Integer.parseInt(index) > MOST_FUNCTIONS) {
      throw notMigratable(
          host,
          "the host does not say which virtual function it is (property %s is '%s')"
              .formatted(INDEX, index));
    }
    return Integer.parseInt(index) + 1;
  }

  /** Turns the function on and asks for its numbers. */
  static Found find(HostDevice host, FunctionSession session, int functionId)
      throws CommandException, MigrationException {
    CommandQueue queue = session.queue();
    if (!session.general().migration()) {
      throw notMigratable(host, "the firmware of its physical function has no migration");
    }
    General2Capabilities own = general2(queue, true, ITSELF);
    if (!own.multiLoad() || !own.trackingState()) {
      throw notMigratable(host, "the firmware of its physical function cannot track its state");
    }
    session.enable(functionId);
    try {
      if (!general2(queue, true, functionId).migratable()) {
        throw notMigratable(
            host,
            "it was not made migratable; set it with 'devlink port function set ... migratable"
                + " enable' before the function is used");
      }
      GeneralCapabilities general =
          new GeneralCapabilities(
              queue.execute(new QueryHcaCap(CapabilityType.GENERAL, false, functionId)));
      Optional<TrackingCapabilities> tracking =
          session.general().advancedVirtualization()
              ? Optional.of(
                  TrackingCapabilities.read(
                      queue.execute(
                          new QueryHcaCap(CapabilityType.ADVANCED_VIRTUALIZATION, false, ITSELF))))
              : Optional.empty();
      Vhca vhca = new Vhca(session, general.vhcaId(), own.inChunks(), own.migrationState());
      return new Found(functionId, vhca, tracking);
    } catch (CommandException | MigrationException e) {
      session.disable(functionId);
      throw e;
    }
  }

  private static General2Capabilities general2(CommandQueue queue, boolean maximum, int function)
      throws CommandException {
    return new General2Capabilities(
        queue.execute(new QueryHcaCap(CapabilityType.GENERAL_2, maximum, function)));
  }

  private static MigrationException notMigratable(HostDevice host, String why) {
    return new MigrationException(
        DeviceError.NOT_MIGRATABLE,
        "the virtual function at %s cannot be migrated: %s".formatted(host.info().address(), why));
  }
}
