package io.vferry.host.linux;

import io.vferry.host.linux.IommufdUapi.Destroy;
import io.vferry.host.linux.IommufdUapi.IoasAlloc;
import io.vferry.host.linux.IommufdUapi.IoasIovaRanges;
import io.vferry.host.linux.IommufdUapi.IoasMap;
import io.vferry.host.linux.IommufdUapi.IoasUnmap;
import io.vferry.host.linux.IommufdUapi.IovaRange;
import io.vferry.host.linux.syscall.Argument;
import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.syscall.KernelError;
import io.vferry.host.linux.syscall.Libc;
import java.util.ArrayList;
import java.util.List;

/** An open {@code /dev/iommu}: address spaces (IOAS) that devices attach to. */
final class IommuFd implements AutoCloseable {

  static final String PATH = "/dev/iommu";

  /** How many ranges are asked for at most; an IOMMU has a handful. */
  private static final int LARGEST_RANGES = 4096;

  private final Fd fd;

  private IommuFd(Fd fd) {
    this.fd = fd;
  }

  static IommuFd open() throws KernelError {
    return new IommuFd(new Fd(KernelError.check("open " + PATH, Fd.open(PATH, Libc.O_RDWR))));
  }

  Fd fd() {
    return fd;
  }

  /** Creates an address space and returns its id. */
  int allocate() throws KernelError {
    Argument alloc = Argument.sized(IoasAlloc.SIZEOF);
    call("IOMMU_IOAS_ALLOC", IommufdUapi.IOMMU_IOAS_ALLOC, alloc);
    return alloc.getInt(IoasAlloc.OUT_IOAS_ID);
  }

  void destroy(int id) throws KernelError {
    call(
        "IOMMU_DESTROY",
        IommufdUapi.IOMMU_DESTROY,
        Argument.sized(Destroy.SIZEOF).putInt(Destroy.ID, id));
  }

  /** Asks what can be mapped; narrows when a device is attached. */
  IovaSpace space(int ioas) throws KernelError {
    int room = 16;
    for (; ; ) {
      Argument array = new Argument(room * IovaRange.SIZEOF);
      Argument ask =
          Argument.sized(IoasIovaRanges.SIZEOF)
              .putInt(IoasIovaRanges.IOAS_ID, ioas)
              .putInt(IoasIovaRanges.NUM_IOVAS, room)
              .putLong(IoasIovaRanges.ALLOWED_IOVAS, array.address());
      int result = fd.ioctl(IommufdUapi.IOMMU_IOAS_IOVA_RANGES, ask);
      array.keep();
      int count = ask.getInt(IoasIovaRanges.NUM_IOVAS);
      // Too little room is EMSGSIZE; the count is what would be needed.
      if (result < 0 && count > room && count <= LARGEST_RANGES) {
        room = count;
        continue;
      }
      KernelError.check("IOMMU_IOAS_IOVA_RANGES", result);
      List<IovaSpace.Bounds> bounds = new ArrayList<>();
      for (int i = 0; i < Math.min(count, room); i++) {
        bounds.add(
            new IovaSpace.Bounds(
                array.getLong(i * IovaRange.SIZEOF + IovaRange.START),
                array.getLong(i * IovaRange.SIZEOF + IovaRange.LAST)));
      }
      return IovaSpace.of(bounds, ask.getLong(IoasIovaRanges.OUT_IOVA_ALIGNMENT));
    }
  }

  void map(
      int ioas,
      long iova,
      long address,
      long lengthBytes,
      boolean deviceReads,
      boolean deviceWrites)
      throws KernelError {
    Argument map =
        Argument.sized(IoasMap.SIZEOF)
            .putInt(
                IoasMap.FLAGS,
                IommufdUapi.IOMMU_IOAS_MAP_FIXED_IOVA
                    | (deviceReads ? IommufdUapi.IOMMU_IOAS_MAP_READABLE : 0)
                    | (deviceWrites ? IommufdUapi.IOMMU_IOAS_MAP_WRITEABLE : 0))
            .putInt(IoasMap.IOAS_ID, ioas)
            .putLong(IoasMap.USER_VA, address)
            .putLong(IoasMap.LENGTH, lengthBytes)
            .putLong(IoasMap.IOVA, iova);
    call("IOMMU_IOAS_MAP", IommufdUapi.IOMMU_IOAS_MAP, map);
  }

  void unmap(int ioas, long iova, long lengthBytes) throws KernelError {
    Argument unmap =
        Argument.sized(IoasUnmap.SIZEOF)
            .putInt(IoasUnmap.IOAS_ID, ioas)
            .putLong(IoasUnmap.IOVA, iova)
            .putLong(IoasUnmap.LENGTH, lengthBytes);
    call("IOMMU_IOAS_UNMAP", IommufdUapi.IOMMU_IOAS_UNMAP, unmap);
  }

  private void call(String name, int request, Argument argument) throws KernelError {
    KernelError.check(name, fd.ioctl(request, argument));
  }

  @Override
  public void close() {
    fd.close();
  }
}
