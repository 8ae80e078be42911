package io.vferry.host.linux;

import io.vferry.host.linux.VfioUapi.IovaRange;
import io.vferry.host.linux.VfioUapi.Type1Info;
import io.vferry.host.linux.VfioUapi.Type1IovaRanges;
import io.vferry.host.linux.VfioUapi.Type1Map;
import io.vferry.host.linux.VfioUapi.Type1Unmap;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import java.util.ArrayList;
import java.util.List;

/** An open VFIO container: the address space of one or more groups, of IOMMU type 1 version 2. */
final class ContainerFd implements AutoCloseable {

  static final String PATH = "/dev/vfio/vfio";

  private final Fd fd;

  private ContainerFd(Fd fd) {
    this.fd = fd;
  }

  static ContainerFd open() throws KernelError {
    return new ContainerFd(new Fd(KernelError.check("open " + PATH, Fd.open(PATH, Libc.O_RDWR))));
  }

  Fd fd() {
    return fd;
  }

  /** Whether this kernel speaks the version of the interface, and the type of IOMMU, used here. */
  boolean usable() throws KernelError {
    return KernelError.check("VFIO_GET_API_VERSION", fd.ioctl(VfioUapi.VFIO_GET_API_VERSION, 0))
            == VfioUapi.VFIO_API_VERSION
        && KernelError.check(
                "VFIO_CHECK_EXTENSION",
                fd.ioctl(VfioUapi.VFIO_CHECK_EXTENSION, VfioUapi.VFIO_TYPE1v2_IOMMU))
            > 0;
  }

  /** Chooses the type of IOMMU; at least one group must be attached. */
  void setIommu() throws KernelError {
    KernelError.check(
        "VFIO_SET_IOMMU", fd.ioctl(VfioUapi.VFIO_SET_IOMMU, VfioUapi.VFIO_TYPE1v2_IOMMU));
  }

  /** Asks what can be mapped. */
  IovaSpace space() throws KernelError {
    Argument info = Argument.sized(Type1Info.SIZEOF);
    call("VFIO_IOMMU_GET_INFO", VfioUapi.VFIO_IOMMU_GET_INFO, info);
    int whole = info.getInt(Type1Info.ARGSZ);
    if ((info.getInt(Type1Info.FLAGS) & VfioUapi.VFIO_IOMMU_INFO_CAPS) != 0
        && whole > Type1Info.SIZEOF) {
      info = Argument.sized(Math.min(whole, DeviceFd.LARGEST_INFO_BYTES));
      call("VFIO_IOMMU_GET_INFO", VfioUapi.VFIO_IOMMU_GET_INFO, info);
    }
    int flags = info.getInt(Type1Info.FLAGS);
    long pageSizes =
        (flags & VfioUapi.VFIO_IOMMU_INFO_PGSIZES) != 0
            ? info.getLong(Type1Info.IOVA_PGSIZES)
            : IovaSpace.SMALLEST_PAGE_BYTES;
    List<IovaSpace.Bounds> bounds = new ArrayList<>();
    int first =
        (flags & VfioUapi.VFIO_IOMMU_INFO_CAPS) != 0 && info.sizeBytes() > Type1Info.SIZEOF
            ? info.getInt(Type1Info.CAP_OFFSET)
            : 0;
    int cap =
        CapChain.find(
            info, first, VfioUapi.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, Type1IovaRanges.SIZEOF);
    if (cap == 0) {
      bounds.add(new IovaSpace.Bounds(0, -1));
    } else {
      int room = (info.sizeBytes() - cap - Type1IovaRanges.SIZEOF) / IovaRange.SIZEOF;
      int count = Math.min(info.getInt(cap + Type1IovaRanges.NR_IOVAS), room);
      for (int i = 0; i < count; i++) {
        int at = cap + Type1IovaRanges.IOVA_RANGES + i * IovaRange.SIZEOF;
        bounds.add(
            new IovaSpace.Bounds(
                info.getLong(at + IovaRange.START), info.getLong(at + IovaRange.END)));
      }
    }
    return IovaSpace.of(bounds, Long.lowestOneBit(pageSizes));
  }

  void map(long iova, long address, long lengthBytes, boolean deviceReads, boolean deviceWrites)
      throws KernelError {
    Argument map =
        Argument.sized(Type1Map.SIZEOF)
            .putInt(
                Type1Map.FLAGS,
                (deviceReads ? VfioUapi.VFIO_DMA_MAP_FLAG_READ : 0)
                    | (deviceWrites ? VfioUapi.VFIO_DMA_MAP_FLAG_WRITE : 0))
            .putLong(Type1Map.VADDR, address)
            .putLong(Type1Map.IOVA, iova)
            .putLong(Type1Map.SIZE, lengthBytes);
    call("VFIO_IOMMU_MAP_DMA", VfioUapi.VFIO_IOMMU_MAP_DMA, map);
  }

  void unmap(long iova, long lengthBytes) throws KernelError {
    Argument unmap =
        Argument.sized(Type1Unmap.SIZEOF)
            .putLong(Type1Unmap.IOVA, iova)
            .putLong(Type1Unmap.SIZE, lengthBytes);
    call("VFIO_IOMMU_UNMAP_DMA", VfioUapi.VFIO_IOMMU_UNMAP_DMA, unmap);
  }

  private void call(String name, int request, Argument argument) throws KernelError {
    KernelError.check(name, fd.ioctl(request, argument));
  }

  @Override
  public void close() {
    fd.close();
  }
}
