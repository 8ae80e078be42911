package io.vferry.vendor.hisiacc;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps the drivers of two functions of one chip from using its table of queues at the same time:
 * an entry takes several accesses to registers that there are only once. The kernel's driver of the
 * physical function uses them as well, but only while functions are created or reset.
 */
final class HisiAccTableLock extends ReentrantLock {

  private static final long serialVersionUID = 1;
}
