package io.vferry.host.linux;

import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.DeviceAddress;
import io.vferry.spi.host.DeviceParameters;
import io.vferry.spi.host.HostBackend;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.OpenContext;
import io.vferry.spi.host.SharedParts;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The other functions of its hardware that a device works through. Who opens several devices
 * together gets each function once: a host opens it once, and its virtual functions use it
 * together.
 */
public final class Companions {

  /** What a device that works alone has. */
  public static final Companions NONE = new Companions(Map.of());

  private static final String PHYSICAL_FUNCTION = "pf";

  /** PCI counts virtual functions with 16 bits. */
  private static final int MOST_VIRTUAL_FUNCTIONS = 0xffff;

  /** Opens the device that works through them. */
  @FunctionalInterface
  public interface Opening {
    /**
     * Opens it.
     *
     * @param companions to be closed with the device
     */
    HostDevice open(Companions companions) throws MigrationException;
  }

  /** By role. */
  private final Map<String, SharedParts.Lease<HostDevice>> leases;

  private Companions(Map<String, SharedParts.Lease<HostDevice>> leases) {
    this.leases = leases;
  }

  /**
   * Reads which virtual function of the physical one a device is, from 0, if its address says so.
   */
  public static OptionalInt virtualFunction(DeviceParameters in) throws MigrationException {
    return in.has("vf-index")
        ? OptionalInt.of((int) in.number("vf-index", 0, 0, MOST_VIRTUAL_FUNCTIONS))
        : OptionalInt.empty();
  }

  /**
   * Opens a device after its companions, which are given back if it cannot be opened.
   *
   * @param backend opens the companions too
   * @param physicalFunction the path in the address of the physical function, of a virtual one
   */
  public static HostDevice openWith(
      HostBackend backend, Optional<String> physicalFunction, OpenContext context, Opening opening)
      throws MigrationException {
    Companions companions =
        physicalFunction.isPresent()
            ? new Companions(
                Map.of(PHYSICAL_FUNCTION, lease(backend, physicalFunction.get(), context)))
            : NONE;
    try {
      return opening.open(companions);
    } catch (MigrationException | RuntimeException | Error e) {
      companions.closeAfter(e);
      throw e;
    }
  }

  private static SharedParts.Lease<HostDevice> lease(
      HostBackend backend, String path, OpenContext context) throws MigrationException {
    DeviceAddress address = new DeviceAddress(backend.scheme(), path, Map.of());
    return context
        .shared()
        .lease(
            HostDevice.class,
            address.toString(),
            () -> backend.open(address, context),
            HostDevice::close);
  }

  /** Returns the one in a role; empty if nobody named one. */
  public Optional<HostDevice> in(String role) {
    return Optional.ofNullable(leases.get(role)).map(SharedParts.Lease::part);
  }

  /** Gives them back after a failure, which stays the failure that is told. */
  public void closeAfter(Throwable failure) {
    for (SharedParts.Lease<HostDevice> lease : leases.values()) {
      try {
        lease.close();
      } catch (MigrationException e) {
        failure.addSuppressed(e);
      }
    }
  }

  /**
   * Gives them back; the last device that does closes them. All are, whatever happens with one.
   *
   * @throws MigrationException if one was not closed cleanly
   */
  public void close() throws MigrationException {
    MigrationException first = null;
    for (SharedParts.Lease<HostDevice> lease : leases.values()) {
      try {
        lease.close();
      } catch (MigrationException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
