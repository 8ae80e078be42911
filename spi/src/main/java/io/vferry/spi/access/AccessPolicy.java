package io.vferry.spi.access;

import static io.vferry.spi.access.Permission.AVOID;
import static io.vferry.spi.access.Permission.NO;
import static io.vferry.spi.access.Permission.UNSPECIFIED;
import static io.vferry.spi.access.Permission.YES;

import io.vferry.spi.state.DeviceState;

/**
 * The table of legal accesses: which one, in which state.
 *
 * <p>Sources: the text of Linux 6.12, {@code include/uapi/linux/vfio.h}, on the states; where it is
 * silent (interrupt set-up, config space, DMA mappings, the ERROR column), what {@code vfio-pci}
 * does and QEMU 10.2 ({@code hw/vfio/migration.c}) relies on: QEMU writes config space and sets up
 * MSI-X while the device is RESUMING.
 */
public final class AccessPolicy {

  /** What is done about an access that the table forbids. */
  public enum Mode {
    /** Refuse it with {@code ACCESS_DENIED}. */
    ENFORCE,
    /** Let it through and say so. */
    WARN,
    /** Let it through. */
    OFF
  }

  private AccessPolicy() {}

  /** Returns whether an access is legal in a state. */
  public static Permission permission(Access access, DeviceState state) {
    return switch (state) {
      case RUNNING -> running(access, false, false);
      case RUNNING_P2P -> running(access, true, false);
      case PRE_COPY -> running(access, false, true);
      case PRE_COPY_P2P -> running(access, true, true);
      case STOP -> stopped(access, NO, NO, YES);
      case STOP_COPY -> stopped(access, YES, NO, AVOID);
      case RESUMING -> stopped(access, NO, YES, YES);
      case ERROR -> failed(access);
    };
  }

  private static Permission running(Access access, boolean quiescent, boolean saving) {
    return switch (access) {
      // The header asks the user not to touch a quiescent device: it could leave that condition.
      case P2P_OUT, REGION_READ, REGION_WRITE, REGION_MAP -> quiescent ? NO : YES;
      case SAVE_DATA, PRECOPY_INFO -> saving ? YES : NO;
      case LOAD_DATA -> NO;
      case DMA_OUT,
          P2P_IN,
          INTERRUPT,
          CONFIG_READ,
          CONFIG_WRITE,
          SET_IRQS,
          DMA_MAP,
          DMA_LOG,
          STOP_COPY_SIZE,
          RESET ->
          YES;
    };
  }

  private static Permission stopped(
      Access access, Permission save, Permission load, Permission configWrite) {
    return switch (access) {
      case DMA_OUT, P2P_OUT, INTERRUPT, REGION_READ, REGION_WRITE, REGION_MAP, PRECOPY_INFO -> NO;
      // Must not break anything, but may be dropped.
      case P2P_IN -> AVOID;
      case SAVE_DATA -> save;
      case LOAD_DATA -> load;
      case CONFIG_WRITE -> configWrite;
      case CONFIG_READ, SET_IRQS, DMA_MAP, DMA_LOG, STOP_COPY_SIZE, RESET -> YES;
    };
  }

  private static Permission failed(Access access) {
    return switch (access) {
      case DMA_OUT, P2P_OUT, P2P_IN, INTERRUPT, DMA_LOG, STOP_COPY_SIZE -> UNSPECIFIED;
      case REGION_READ, REGION_WRITE, REGION_MAP, PRECOPY_INFO, SAVE_DATA, LOAD_DATA -> NO;
      case CONFIG_READ, CONFIG_WRITE, SET_IRQS, DMA_MAP, RESET -> YES;
    };
  }
}
