package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.AttachIommufdPt;
import io.vferry.host.linux.VfioUapi.BindIommufd;
import io.vferry.host.linux.VfioUapi.DeviceInfo;
import io.vferry.host.linux.VfioUapi.Feature;
import io.vferry.host.linux.VfioUapi.IrqInfo;
import io.vferry.host.linux.VfioUapi.IrqSet;
import io.vferry.host.linux.VfioUapi.RegionInfo;
import io.vferry.host.linux.VfioUapi.SparseMmap;
import io.vferry.host.linux.VfioUapi.SparseMmapArea;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.EventFd;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import java.util.ArrayList;
import java.util.List;

/** An open VFIO device, whichever way it was opened. */
final class DeviceFd implements IrqControl, AutoCloseable {

  /** More than any information structure with its capabilities takes. */
  static final int LARGEST_INFO_BYTES = 1 << 20;

  /** What {@code VFIO_DEVICE_GET_INFO} says. */
  record Info(boolean pci, int regionCount, int irqCount) {}

  /** What {@code VFIO_DEVICE_GET_REGION_INFO} says; {@code mappable} by offset in the region. */
  record RegionLayout(
      int index,
      long sizeBytes,
      long fileOffset,
      boolean readable,
      boolean writable,
      List<Area> mappable) {}

  /** A part of a region. */
  record Area(long offset, long lengthBytes) {}

  private final Fd fd;

  DeviceFd(Fd fd) {
    this.fd = fd;
  }

  /** Opens a device's own node. Nothing else works before {@link #bind}. */
  static DeviceFd open(String path) throws KernelError {
    return new DeviceFd(new Fd(KernelError.check("open " + path, Fd.open(path, Libc.O_RDWR))));
  }

  Fd fd() {
    return fd;
  }

  void bind(IommuFd iommu) throws KernelError {
    int number = iommu.fd().claim();
    KernelError.check("VFIO_DEVICE_BIND_IOMMUFD", number);
    try {
      call(
          "VFIO_DEVICE_BIND_IOMMUFD",
          VfioUapi.VFIO_DEVICE_BIND_IOMMUFD,
          Argument.sized(BindIommufd.SIZEOF).putInt(BindIommufd.IOMMUFD, number));
    } finally {
      iommu.fd().release();
    }
  }

  void attach(int ioas) throws KernelError {
    call(
        "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
        VfioUapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT,
        Argument.sized(AttachIommufdPt.SIZEOF).putInt(AttachIommufdPt.PT_ID, ioas));
  }

  Info info() throws KernelError {
    Argument info = Argument.sized(DeviceInfo.SIZEOF);
    call("VFIO_DEVICE_GET_INFO", VfioUapi.VFIO_DEVICE_GET_INFO, info);
    return new Info(
        (info.getInt(DeviceInfo.FLAGS) & VfioUapi.VFIO_DEVICE_FLAGS_PCI) != 0,
        info.getInt(DeviceInfo.NUM_REGIONS),
        info.getInt(DeviceInfo.NUM_IRQS));
  }

  RegionLayout region(int index) throws KernelError {
    Argument info = regionInfo(index, RegionInfo.SIZEOF);
    int whole = info.getInt(RegionInfo.ARGSZ);
    if (whole > RegionInfo.SIZEOF) {
      info = regionInfo(index, Math.min(whole, LARGEST_INFO_BYTES));
    }
    int flags = info.getInt(RegionInfo.FLAGS);
    long sizeBytes = info.getLong(RegionInfo.SIZE);
    return new RegionLayout(
        index,
        sizeBytes,
        info.getLong(RegionInfo.OFFSET),
        (flags & VfioUapi.VFIO_REGION_INFO_FLAG_READ) != 0,
        (flags & VfioUapi.VFIO_REGION_INFO_FLAG_WRITE) != 0,
        (flags & VfioUapi.VFIO_REGION_INFO_FLAG_MMAP) != 0
            ? mappable(info, flags, sizeBytes)
            : List.of());
  }

  private Argument regionInfo(int index, int sizeBytes) throws KernelError {
    Argument info = Argument.sized(sizeBytes).putInt(RegionInfo.INDEX, index);
    call("VFIO_DEVICE_GET_REGION_INFO", VfioUapi.VFIO_DEVICE_GET_REGION_INFO, info);
    return info;
  }

  /** Without a list of areas the whole region can be mapped. */
  private static List<Area> mappable(Argument info, int flags, long sizeBytes) {
    int first =
        (flags & VfioUapi.VFIO_REGION_INFO_FLAG_CAPS) != 0 ? info.getInt(RegionInfo.CAP_OFFSET) : 0;
    int cap =
        CapChain.find(info, first, VfioUapi.VFIO_REGION_INFO_CAP_SPARSE_MMAP, SparseMmap.SIZEOF);
    if (cap == 0) {
      return List.of(new Area(0, sizeBytes));
    }
    int room = (info.sizeBytes() - cap - SparseMmap.SIZEOF) / SparseMmapArea.SIZEOF;
    int count = Math.min(info.getInt(cap + SparseMmap.NR_AREAS), room);
    List<Area> areas = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = cap + SparseMmap.AREAS + i * SparseMmapArea.SIZEOF;
      Area area =
          new Area(
              info.getLong(at + SparseMmapArea.OFFSET), info.getLong(at + SparseMmapArea.SIZE));
      if (area.offset >= 0 && area.lengthBytes > 0 && area.offset <= sizeBytes - area.lengthBytes) {
        areas.add(area);
      }
    }
    return areas;
  }

  /** Describes an interrupt; some devices answer only after {@link #info}. */
  IrqLayout irq(int index) throws KernelError {
    Argument info = Argument.sized(IrqInfo.SIZEOF).putInt(IrqInfo.INDEX, index);
    call("VFIO_DEVICE_GET_IRQ_INFO", VfioUapi.VFIO_DEVICE_GET_IRQ_INFO, info);
    return new IrqLayout(index, info.getInt(IrqInfo.COUNT), info.getInt(IrqInfo.FLAGS));
  }

  @Override
  public void setIrqs(int action, int index, int start, int count) throws KernelError {
    call(
        "VFIO_DEVICE_SET_IRQS",
        VfioUapi.VFIO_DEVICE_SET_IRQS,
        irqSet(IrqSet.SIZEOF, VfioUapi.VFIO_IRQ_SET_DATA_NONE | action, index, start, count));
  }

  @Override
  public void setIrqs(int index, List<EventFd> signals) throws KernelError {
    Argument set =
        irqSet(
            IrqSet.SIZEOF + signals.size() * Integer.BYTES,
            VfioUapi.VFIO_IRQ_SET_DATA_EVENTFD | VfioUapi.VFIO_IRQ_SET_ACTION_TRIGGER,
            index,
            0,
            signals.size());
    int claimed = 0;
    try {
      for (EventFd signal : signals) {
        int number = KernelError.check("VFIO_DEVICE_SET_IRQS", signal.fd().claim());
        set.putInt(IrqSet.DATA + claimed * Integer.BYTES, number);
        claimed++;
      }
      call("VFIO_DEVICE_SET_IRQS", VfioUapi.VFIO_DEVICE_SET_IRQS, set);
    } finally {
      for (EventFd signal : signals.subList(0, claimed)) {
        signal.fd().release();
      }
    }
  }

  private static Argument irqSet(int sizeBytes, int flags, int index, int start, int count) {
    return Argument.sized(sizeBytes)
        .putInt(IrqSet.FLAGS, flags)
        .putInt(IrqSet.INDEX, index)
        .putInt(IrqSet.START, start)
        .putInt(IrqSet.COUNT, count);
  }

  void reset() throws KernelError {
    KernelError.check("VFIO_DEVICE_RESET", fd.ioctl(VfioUapi.VFIO_DEVICE_RESET, 0));
  }

  /** Whether the kernel offers a feature in this direction; executes nothing. */
  boolean probe(int feature, int direction) {
    return fd.ioctl(
            VfioUapi.VFIO_DEVICE_FEATURE,
            feature(feature, direction | VfioUapi.VFIO_DEVICE_FEATURE_PROBE, 0))
        >= 0;
  }

  /**
   * Returns the argument of a feature call, zero behind its head.
   *
   * @param payloadBytes size of the feature's own structure, at {@link Feature#DATA}
   */
  static Argument feature(int feature, int direction, int payloadBytes) {
    return Argument.sized(Feature.SIZEOF + payloadBytes).putInt(Feature.FLAGS, feature | direction);
  }

  /** Executes a feature call; returns 0 or more, or the error number negated. */
  int execute(Argument feature) {
    return fd.ioctl(VfioUapi.VFIO_DEVICE_FEATURE, feature);
  }

  /** As {@link #execute}, but a signal ends it with {@code -EINTR}. */
  int executeOnce(Argument feature) {
    return fd.ioctlOnce(VfioUapi.VFIO_DEVICE_FEATURE, feature);
  }

  private void call(String name, int request, Argument argument) throws KernelError {
    KernelError.check(name, fd.ioctl(request, argument));
  }

  @Override
  public void close() {
    fd.close();
  }
}
