package io.vferry.spi.host;

import io.vferry.spi.error.MigrationException;
import java.util.HashMap;
import java.util.Map;

/**
 * What devices that are open at the same time have in common, such as the physical function of
 * several virtual ones, or a driver's session with it. A part exists from its first lease to the
 * end of its last.
 *
 * <p>Each {@link OpenContext} carries one for the devices that are opened together. A device that
 * serves as {@link HostDevice#companion} of several others may offer one of its own as a {@link
 * HostDevice#capability}, so that the drivers of the others share what they set up on it.
 *
 * <p>Safe for use by any number of threads.
 */
public final class SharedParts {

  /**
   * Makes a part that does not exist yet.
   *
   * @param <T> kind of part
   */
  @FunctionalInterface
  public interface Maker<T> {
    /**
     * Makes the part. Others who want a part wait meanwhile.
     *
     * @throws MigrationException if it cannot be made; nobody has it then
     */
    T make() throws MigrationException;
  }

  /**
   * Ends a part that nobody uses any more.
   *
   * @param <T> kind of part
   */
  @FunctionalInterface
  public interface Ender<T> {
    /**
     * Ends the part. Others who want a part wait meanwhile.
     *
     * @throws MigrationException if it did not end well; it is forgotten all the same
     */
    void end(T part) throws MigrationException;
  }

  /**
   * The right to use a part.
   *
   * @param <T> kind of part
   */
  public static final class Lease<T> implements AutoCloseable {

    private final SharedParts owner;
    private final Shared<T> shared;
    private boolean closed;

    private Lease(SharedParts owner, Shared<T> shared) {
      this.owner = owner;
      this.shared = shared;
    }

    /** Returns the part; the same for all who lease it at the same time. */
    public T part() {
      return shared.part;
    }

    /**
     * Gives the part back; the last one ends it. Closing again does nothing.
     *
     * @throws MigrationException if the part did not end well; it is forgotten all the same
     */
    @Override
    public void close() throws MigrationException {
      synchronized (owner) {
        if (!closed) {
          closed = true;
          owner.giveBack(shared);
        }
      }
    }
  }

  private record Key(Class<?> kind, String name) {}

  private static final class Shared<T> {
    final Key key;
    final T part;
    final Ender<? super T> ender;
    int leases;

    Shared(Key key, T part, Ender<? super T> ender) {
      this.key = key;
      this.part = part;
      this.ender = ender;
    }
  }

  private final Map<Key, Shared<?>> parts = new HashMap<>();

  /** Creates an empty one. */
  public SharedParts() {}

  /**
   * Leases a part, which is made if nobody has it.
   *
   * @param kind what it is
   * @param name which one of its kind
   * @param maker makes it; may lease other parts
   * @param ender ends it after the last lease; may give back other leases
   * @throws MigrationException if it could not be made
   */
  public synchronized <T> Lease<T> lease(
      Class<T> kind, String name, Maker<? extends T> maker, Ender<? super T> ender)
      throws MigrationException {
    Key key = new Key(kind, name);
    Shared<?> known = parts.get(key);
    Shared<T> shared;
    if (known == null) {
      shared = new Shared<>(key, maker.make(), ender);
      parts.put(key, shared);
    } else {
      shared = same(known);
    }
    shared.leases++;
    return new Lease<>(this, shared);
  }

  @SuppressWarnings("unchecked") // The key of a part holds the class that the part has.
  private static <T> Shared<T> same(Shared<?> known) {
    return (Shared<T>) known;
  }

  private <T> void giveBack(Shared<T> shared) throws MigrationException {
    shared.leases--;
    if (shared.leases == 0) {
      parts.remove(shared.key);
      shared.ender.end(shared.part);
    }
  }
}
