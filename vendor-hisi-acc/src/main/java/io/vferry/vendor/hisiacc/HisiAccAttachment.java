package io.vferry.vendor.hisiacc;

import io.vferry.spi.driver.MigratableDevice;
import io.vferry.spi.error.DeviceError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostDevice;
import io.vferry.spi.host.Region;
import io.vferry.spi.host.RegionInfo;
import io.vferry.spi.host.ResetCount;
import io.vferry.vendor.hisiacc.registers.HisiAccKind;
import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;

/** Finds all that is needed to move a function, and refuses it if something lacks. */
final class HisiAccAttachment {

  private static final int REVISION = 8;
  private static final int PF_BAR_BYTES = 0x302000;

  private HisiAccAttachment() {}

  static MigratableDevice attach(HostDevice vf) throws MigrationException {
    String name = vf.info().address().toString();
    HisiAccKind kind =
        HisiAccKind.ofVfDeviceId(vf.info().deviceId())
            .filter(known -> vf.info().vendorId() == HisiAccKind.VENDOR_ID)
            .orElseThrow(() -> refused(name, "is no virtual function of a HiSilicon accelerator"));
    HostDevice pf =
        vf.companion("pf")
            .orElseThrow(
                () ->
                    refused(
                        name,
                        "comes without its physical function; name it in the address with pf=…"));
    if (pf.info().vendorId() != HisiAccKind.VENDOR_ID
        || pf.info().deviceId() != kind.pfDeviceId()) {
      throw refused(
          name,
          "has the companion pf %04x:%04x; its physical function is %04x:%04x"
              .formatted(
                  pf.info().vendorId(),
                  pf.info().deviceId(),
                  HisiAccKind.VENDOR_ID,
                  kind.pfDeviceId()));
    }
    int version = revision(pf);
    if (version < HisiAccNumbers.QM_V3) {
      throw refused(
          name,
          "has queue manager version 0x%x; the first that can be migrated is 0x%x"
              .formatted(version, HisiAccNumbers.QM_V3));
    }
    int number = HisiAccFunctionNumber.of(vf, pf);
    Region pfBar = bar(pf, PF_BAR_BYTES, "the physical function of " + name);
    HisiAccFence fence = new HisiAccFence(vf.capability(ResetCount.class).orElse(() -> 0));
    HisiAccLeases leases = HisiAccLeases.of(pf, number, fence.resets());
    try {
      return attach(vf, pfBar, kind, number, version, fence, leases);
    } catch (MigrationException | RuntimeException e) {
      leases.close();
      throw e;
    }
  }

  private static MigratableDevice attach(
      HostDevice vf,
      Region pfBar,
      HisiAccKind kind,
      int number,
      int version,
      HisiAccFence fence,
      HisiAccLeases leases)
      throws MigrationException {
    String name = vf.info().address().toString();
    HisiAccWait wait = new HisiAccWait(vf.clock());
    HisiAccRegion pfRegisters = new HisiAccRegion(pfBar);
    HisiAccPf pf = new HisiAccPf(pfRegisters, wait, version, leases.share());
    boolean inPf = pf.windows();
    Region vfBar = bar(vf, HisiAccNumbers.VF_BAR_BYTES, name);
    HisiAccRegion own = new HisiAccRegion(vfBar);
    HisiAccVf registers =
        inPf
            ? new HisiAccVf(own, pfRegisters, HisiAccPlacement.inPf(number), fence)
            : new HisiAccVf(own, own, HisiAccPlacement.inVf(), fence);
    HisiAccFunction function =
        new HisiAccFunction(
            name,
            kind,
            number,
            inPf,
            registers,
            pf,
            new HisiAccMailbox(registers, wait, name),
            wait,
            vf.interrupts());
    function.requireReachable();
    return new HisiAccDevice(vf, function, fence, vfBar.info().sizeBytes(), leases);
  }

  private static int revision(HostDevice pf) throws MigrationException {
    ByteBuffer revision = ByteBuffer.allocate(1);
    pf.region(RegionInfo.PCI_CONFIG).read(REVISION, revision);
    return revision.get(0) & 0xff;
  }

  private static Region bar(HostDevice device, long bytes, String name) throws MigrationException {
    Region bar = device.region(HisiAccNumbers.QM_BAR);
    if (bar.info().sizeBytes() < bytes) {
      throw refused(
          name,
          "shows 0x%x bytes of BAR 2 where 0x%x are needed; bind it to vfio-pci, which hides nothing"
              .formatted(bar.info().sizeBytes(), bytes));
    }
    return bar;
  }

  private static MigrationException refused(String name, String why) {
    return new MigrationException(DeviceError.NOT_MIGRATABLE, name + " " + why);
  }
}
