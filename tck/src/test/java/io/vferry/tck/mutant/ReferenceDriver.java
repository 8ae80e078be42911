package io.vferry.tck.mutant;

import io.vferry.spi.driver.DriverInfo;
import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.driver.MigrationDriver;
import io.vferry.spi.driver.StreamInspector;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.HostDeviceInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The driver of {@link ReferenceChip}; keeps all promises unless a mutation breaks one. */
final class ReferenceDriver implements MigrationDriver {

  private final @Nullable Mutation mutation;
  private int calls;

  /** What SESSION_IN_THE_DRIVER shares among devices. */
  private final ReferenceDevice.Session shared = new ReferenceDevice.Session();

  ReferenceDriver(@Nullable Mutation mutation) {
    this.mutation = mutation;
  }

  boolean has(Mutation wanted) {
    return mutation == wanted;
  }

  @Override
  public DriverInfo info() {
    calls++;
    return new DriverInfo("reference", "vferry", has(Mutation.CARD_CHANGES) ? "1." + calls : "1.0");
  }

  @Override
  public DriverMatch match(HostDeviceInfo device) {
    if (has(Mutation.MATCHES_EVERYTHING) || device.vendorId() == 0xf5f6) {
      return new DriverMatch(DriverMatch.Rank.EXACT, "a reference accelerator");
    }
    return DriverMatch.none("no reference accelerator");
  }

  @Override
  public MigratableDevice attach(HostDevice device) throws MigrationException {
    boolean present =
        device.regions().stream().anyMatch(info -> info.index() == ReferenceChip.MIGRATION);
    if (has(Mutation.BARE_DEVICE_CRASHES)) {
      device.regions().get(1);
    } else if (!present) {
      throw new MigrationException(
          DeviceError.NOT_MIGRATABLE, "the device has no migration registers");
    }
    ReferenceDevice attached = new ReferenceDevice(this, device, shared);
    if (has(Mutation.ATTACH_RESETS)) {
      device.reset();
    }
    return attached;
  }

  @Override
  public Optional<StreamInspector> inspector() {
    return Optional.of(this::inspect);
  }

  private List<StreamInspector.Field> inspect(ByteBuffer stream) throws MigrationException {
    ByteBuffer in = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    List<StreamInspector.Field> fields = new ArrayList<>();
    while (in.hasRemaining()) {
      int at = in.position();
      int length =
          in.remaining() < ReferenceDevice.HEADER_BYTES ? -1 : in.getInt(at + Integer.BYTES);
      if (has(Mutation.INSPECTOR_BELIEVES_LENGTHS)) {
        in.position(at + ReferenceDevice.HEADER_BYTES + length);
      } else if (length < 0 || length > in.remaining() - ReferenceDevice.HEADER_BYTES) {
        throw new MigrationException(DeviceError.DATA_CORRUPT, "a chunk at " + at + " is damaged");
      }
      in.position(at + ReferenceDevice.HEADER_BYTES + length);
      int gap = has(Mutation.INSPECTOR_LEAVES_GAPS) ? ReferenceDevice.HEADER_BYTES : 0;
      fields.add(
          new StreamInspector.Field(
              at + gap, ReferenceDevice.HEADER_BYTES + length - gap, "chunk", ""));
    }
    return fields;
  }
}
