package io.vferry.host.linux;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the C structure whose layout the constants of a class describe: {@code SIZEOF} is its size
 * in bytes, each other constant the offset of the field with that name in lower case. A test
 * compares them with what a C compiler says.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@interface CStruct {
  /** The name after {@code struct}. */
  String value();
}
