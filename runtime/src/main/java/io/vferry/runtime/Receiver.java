package io.vferry.runtime;

import io.vferry.runtime.plan.Manifest;
import io.vferry.runtime.report.ProgressListener;
import java.net.InetSocketAddress;

/** A destination that listens. */
public interface Receiver extends AutoCloseable {

  /** Returns the address that is really bound. */
  InetSocketAddress address();

  /**
   * Opens the devices and the machine of this side and takes over the next virtual machine that is
   * offered. One at a time.
   */
  RunningMigration receive(Manifest manifest, ProgressListener listener);

  /** Stops listening, and ends the machines that were received: their guests stop. */
  @Override
  void close();
}
