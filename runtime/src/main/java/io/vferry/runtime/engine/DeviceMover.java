package io.vferry.runtime.engine;

import io.vferry.spi.state.Arc;

/** The agent of one device: performs its arcs and moves its data. */
interface DeviceMover extends Agent {

  void wakes(AgentHost.Waker waker);

  /** Returns the bytes moved so far. Any thread. */
  long movedBytes();

  /** Returns what the device said last is left to move; 0 if this side cannot know. Any thread. */
  default long remainingBytes() {
    return 0;
  }

  /** Returns whether all data were moved, as far as this side can know. Any thread. */
  default boolean ended() {
    return false;
  }

  void perform(Arc arc);

  /** Resets the device; beside this agent if that hangs in an arc. */
  void reset(AgentHost host);

  /** Ends the transfer, also if this agent waits for the device in the middle of it. */
  void stopTransfer();
}
