package io.vferry.spi.driver;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says for which version of this interface a service was compiled. Each service carries it, always
 * as {@code @SpiLevel(major = SpiLevel.MAJOR, minor = SpiLevel.MINOR)}: the compiler writes the
 * numbers of that day into the class, and the runtime reads them before it creates an instance.
 *
 * <p>The runtime refuses another major, and a minor newer than its own.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface SpiLevel {

  /** Grows when an old jar cannot work any more. */
  int MAJOR = 1;

  /** Grows with each addition. */
  int MINOR = 1;

  /** Always {@link #MAJOR}. */
  int major();

  /** Always {@link #MINOR}. */
  int minor();
}
