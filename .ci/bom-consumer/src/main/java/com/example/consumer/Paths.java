package com.example.consumer;

import io.vferry.spi.state.DeviceState;
import io.vferry.spi.state.FeatureSet;
import io.vferry.spi.state.Transition;
import io.vferry.spi.state.TransitionTable;

/** Asks the library for the way from running to stopped. */
public final class Paths {

  private Paths() {}

  public static void main(String[] args) {
    Transition way =
        TransitionTable.of(FeatureSet.STOP_COPY)
            .transition(DeviceState.RUNNING, DeviceState.STOP);
    if (way instanceof Transition.Path path) {
      path.arcs().forEach(System.out::println);
    }
  }
}
