package io.vferry.runtime.transport;

/** The transport of one migration as its source has it. Any thread. */
public interface SourceSession extends AutoCloseable {

  /** Returns the way to talk to the destination. */
  ControlChannel control();

  /** Returns the way to send data. */
  ChunkSender chunks();

  /** Returns what was moved so far. */
  TransportCounters counters();

  /**
   * Ends the session in good order: what was queued is still written, within a deadline. Wakes
   * everybody who waits in it. Closing again does nothing.
   */
  @Override
  void close();
}
