package io.vferry.runtime.report;

import io.vferry.spi.access.Access;
import io.vferry.spi.access.AccessGuard;
import io.vferry.spi.state.DeviceState;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Tells of accesses that are not legal: each kind when it comes first, then the tenth, hundredth
 * and so on. A guest whose device failed under it goes on touching it thousands of times in a
 * second. Any thread.
 */
public final class AccessComplaints implements AccessGuard.Listener {

  private record Kind(String deviceId, Access access, DeviceState state) {}

  private final Consumer<String> sink;
  private final Map<Kind, Long> counts = new ConcurrentHashMap<>();

  /**
   * Creates it.
   *
   * @param sink gets a sentence for people; called on the thread of the access
   */
  public AccessComplaints(Consumer<String> sink) {
    this.sink = sink;
  }

  @Override
  public void forbidden(String deviceId, Access access, DeviceState state) {
    long count = counts.merge(new Kind(deviceId, access, state), 1L, Long::sum);
    if (isPowerOfTen(count)) {
      String what = "%s of device %s is not legal in %s".formatted(access.title(), deviceId, state);
      sink.accept(count == 1 ? what : "%s; it happened %d times".formatted(what, count));
    }
  }

  private static boolean isPowerOfTen(long count) {
    long rest = count;
    while (rest % 10 == 0) {
      rest /= 10;
    }
    return rest == 1;
  }
}
