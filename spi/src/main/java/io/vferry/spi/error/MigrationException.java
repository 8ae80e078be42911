package io.vferry.spi.error;

import io.vferry.spi.state.Arc;
import io.vferry.spi.state.DeviceState;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The one checked exception of this interface: what happened, to what, in which state it is now,
 * and what to do.
 *
 * <p>Instances are immutable; the {@code with…} methods return copies that carry one thing more,
 * with the stack trace of the original. They cannot be serialized: codes come from many jars.
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
   * @param detail one sentence, without a full stop: what happened, to what; may hold text from
   *     elsewhere, whose control characters are printed as spaces
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

  /**
   * Returns a copy with the error number of the operating system.
   *
   * @param number positive, as in {@code errno.h} of this host
   */
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

  /**
   * Returns the whole story on one line: code, detail, arc, errno, state, condition and advice, as
   * far as they are known.
   */
  @Override
  public String getMessage() {
    StringBuilder text = new StringBuilder(code.label()).append(": ").append(oneLine(detail));
    if (arc != null) {
      text.append(", on the way ").append(arc);
    }
    if (errno != null) {
      text.append(" (errno ").append(errno).append(')');
    }
    String remains =
        switch (condition) {
          case USABLE -> "is usable";
          case NEEDS_RESET -> "needs a reset";
          case LOST -> "is lost";
          case UNKNOWN -> "";
        };
    if (state != null || !remains.isEmpty()) {
      text.append("; the device ");
    }
    if (state != null) {
      text.append("is in ").append(state).append(remains.isEmpty() ? "" : " and ");
    }
    text.append(remains);
    return text.append(". ").append(code.advice()).toString();
  }

  private static String oneLine(String text) {
    return text.codePoints()
        .map(point -> Character.isISOControl(point) ? ' ' : point)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private void writeObject(ObjectOutputStream out) throws NotSerializableException {
    throw new NotSerializableException(MigrationException.class.getName());
  }
}
