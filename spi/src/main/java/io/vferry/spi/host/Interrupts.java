package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import java.util.List;

/**
 * The interrupts of a device. On PCI devices the indices are those of {@code VFIO_PCI_*_IRQ_INDEX}:
 * INTx 0, MSI 1, MSI-X 2, error 3, request 4. Only one of INTx, MSI and MSI-X is on at a time.
 */
public interface Interrupts {

  /** Index of the pin interrupt. */
  int INTX = 0;

  /** Index of message-signalled interrupts. */
  int MSI = 1;

  /** Index of extended message-signalled interrupts. */
  int MSIX = 2;

  /**
   * Describes one kind of interrupt.
   *
   * @param index as above
   * @param count number of vectors; 0 if the device has none of this kind
   * @param maskable whether {@link #mask} works
   * @param automasked whether the host masks it at each signal, until {@link #unmask}
   */
  record Info(int index, int count, boolean maskable, boolean automasked) {}

  /** Is told of interrupts. */
  @FunctionalInterface
  interface Listener {
    /**
     * Called on a thread of the host, one call at a time; must not block. Signals that come in
     * quick succession may be told once.
     *
     * @param vector 0 to count - 1
     */
    void signalled(int vector);
  }

  /**
   * Returns those of a device that has none: it describes no kind and refuses all else.
   *
   * @since 1.1
   */
  static Interrupts none() {
    return NoInterrupts.INSTANCE;
  }

  /** Describes the kinds, ascending by index. */
  List<Info> info();

  /**
   * Turns one kind of interrupt on.
   *
   * @param vectors how many, from vector 0: 1 to {@link Info#count}
   * @throws MigrationException {@code BAD_REQUEST} if there are not so many or another kind is on
   */
  void enable(int index, int vectors, Listener listener) throws MigrationException;

  /**
   * Turns one kind off; does nothing if it is off. After it the listener is not called any more.
   *
   * @throws MigrationException {@code BAD_REQUEST} if there is no such kind, {@code IO_FAILED}
   */
  void disable(int index) throws MigrationException;

  /**
   * Keeps a vector from signalling; what comes meanwhile is told after {@link #unmask}.
   *
   * @throws MigrationException {@code BAD_REQUEST} if this kind cannot be masked
   */
  void mask(int index, int vector) throws MigrationException;

  /**
   * Lets a vector signal again.
   *
   * @throws MigrationException as {@link #mask}
   */
  void unmask(int index, int vector) throws MigrationException;

  /**
   * Signals a vector from software, as a test of the way to the listener.
   *
   * @throws MigrationException {@code BAD_REQUEST} if there is no such vector or its kind is off
   */
  void trigger(int index, int vector) throws MigrationException;

  /**
   * Waits until the listeners have been told of all that was raised before. Whoever has stopped the
   * device and takes the guest elsewhere calls this first, so that no signal is left on its way.
   * Not to be called by a listener.
   *
   * @implSpec does nothing, which is right for whoever tells the listener before a device's stop
   *     returns
   * @throws MigrationException {@code IO_FAILED} if that cannot be found out, {@code INTERRUPTED}
   * @since 1.1
   */
  default void settle() throws MigrationException {}
}
