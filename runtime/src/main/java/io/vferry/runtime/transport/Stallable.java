package io.vferry.runtime.transport;

/** Something that may have to wait too long for the other side. Any thread. */
interface Stallable {

  /** Returns for how many nanoseconds it has been waiting; 0 if it is not. */
  long stalledNanos();

  /** Says what the other side does not do. */
  String stalledWhat();
}
