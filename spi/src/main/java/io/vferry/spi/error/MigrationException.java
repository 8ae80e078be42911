package io.vferry.spi.error;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The one checked exception of this interface: what happened, to what, in which state it is now, and
 * what to do.
 *
 * <p>Instances are immutable; the {@code with…} methods return copies that carry one thing more.
 */
public final class MigrationException extends Exception {

  private static final long serialVersionUID = 1;

  private final transient ErrorCode code;
  private final String detail;
  private final @Nullable Arc arc;
  private final @Nullable DeviceState state;
  private final @Nullable Integer errno;
  private final DeviceCondition condition;

  /**
   * Creates an exception that says nothing about the device's condition.
   *
   * @param code what kind of failure
   * @param detail one sentence, without a full stop: what happened, to what
   */
  public MigrationException(ErrorCode code, String detail) {
    this(code, detail, null, null, null, DeviceCondition.UNKNOWN, null);
  }

  /** As {@link #MigrationException(ErrorCode, String)}, with a cause. */
  public MigrationException(ErrorCode code, String detail, Throwable cause) {
    this(code, detail, null, null, null, DeviceCondition.UNKNOWN, cause);
  }

  private MigrationException(
      ErrorCode code,
      String detail,
      @Nullable Arc arc,
      @Nullable DeviceState state,
      @Nullable Integer errno,
      DeviceCondition condition,
      @Nullable Throwable cause) {
    super(detail, cause);
    this.code = code;
    this.detail = detail;
    this.arc = arc;
    this.state = state;
    this.errno = errno;
    this.condition = condition;
  }

  /** Returns a copy that names the arc that failed. */
  public MigrationException withArc(Arc failed) {
    return copy(new MigrationException(code, detail, failed, state, errno, condition, getCause()));
  }

  /** Returns a copy that names the state in which the device really is now. */
  public MigrationException withState(DeviceState now) {
    return copy(new MigrationException(code, detail, arc, now, errno, condition, getCause()));
  }

  /** Returns a copy with the positive error number of the operating system. */
  public MigrationException withErrno(int number) {
    return copy(new MigrationException(code, detail, arc, state, number, condition, getCause()));
  }

  /** Returns a copy that says what can still be done with the device. */
  public MigrationException withCondition(DeviceCondition now) {
    return copy(new MigrationException(code, detail, arc, state, errno, now, getCause()));
  }

  private MigrationException copy(MigrationException twin) {
    twin.setStackTrace(getStackTrace());
    for (Throwable suppressed : getSuppressed()) {
      twin.addSuppressed(suppressed);
    }
    return twin;
  }

  /** Returns the stable code. */
  public ErrorCode code() {
    return code;
  }

  /** Returns what happened, without code and advice. */
  public String detail() {
    return detail;
  }

  /** Returns the arc that failed, if the failure was in one. */
  public Optional<Arc> arc() {
    return Optional.ofNullable(arc);
  }

  /** Returns the state in which the device is now, where it is known. */
  public Optional<DeviceState> state() {
    return Optional.ofNullable(state);
  }

  /** Returns the positive error number of the operating system, where there is one. */
  public OptionalInt errno() {
    return errno == null ? OptionalInt.empty() : OptionalInt.of(errno);
  }

  /** Returns what can still be done with the device. */
  public DeviceCondition condition() {
    return condition;
  }

  /** Returns the whole story on one line: code, detail, arc, errno, state and advice. */
  @Override
  public String getMessage() {
    StringBuilder text = new StringBuilder(code.label()).append(": ").append(detail);
    if (arc != null) {
      text.append(" (in ").append(arc).append(')');
    }
    if (errno != null) {
      text.append(" (errno ").append(errno).append(')');
    }
    if (state != null) {
      text.append("; the device is in ").append(state);
    }
    return text.append(". ").append(code.advice()).toString();
  }
}
