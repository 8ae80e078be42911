package io.vferry.runtime.transport;

/** The transport of one migration as its destination has it. Any thread. */
public interface DestinationSession extends AutoCloseable {

  /** Returns the way to talk to the source. */
  ControlChannel control();

  /**
   * Begins to deliver chunks; until then none is read.
   *
   * @throws IllegalStateException if called a second time
   */
  void start(ChunkListener listener);

  /** Returns what was moved so far. */
  TransportCounters counters();

  /**
   * Ends the session in good order: what was queued is still written, within a deadline. Wakes
   * everybody who waits in it. Memory of chunks not yet released stays valid until it is. Closing
   * again does nothing.
   */
  @Override
  void close();
}
