package io.vferry.runtime.discovery;

import io.vferry.spi.driver.DriverMatch;
import io.vferry.spi.driver.MigrationDriver;
import java.util.List;

/** The answer to "which driver serves this device". */
public sealed interface DriverChoice {

  /**
   * A driver that was not chosen.
   *
   * @param driver which
   * @param match how well it says that it serves the device
   * @param reason one sentence: why it was not chosen
   */
  record Loser(Found<MigrationDriver> driver, DriverMatch match, String reason) {}

  /** Returns one sentence: why the answer is what it is. */
  String reason();

  /** Returns the drivers that were not chosen, best match first. */
  List<Loser> losers();

  /**
   * One driver won.
   *
   * @param driver which
   * @param match how well it serves the device
   */
  record Chosen(Found<MigrationDriver> driver, DriverMatch match, String reason, List<Loser> losers)
      implements DriverChoice {
    public Chosen {
      losers = List.copyOf(losers);
    }
  }

  /** No driver serves the device, or not the one that was named. */
  record None(String reason, List<Loser> losers) implements DriverChoice {
    public None {
      losers = List.copyOf(losers);
    }
  }

  /**
   * Several drivers serve the device equally well; the integrator has to name one.
   *
   * @param tied at least two; also among the losers
   */
  record Conflict(List<Found<MigrationDriver>> tied, String reason, List<Loser> losers)
      implements DriverChoice {
    public Conflict {
      tied = List.copyOf(tied);
      losers = List.copyOf(losers);
    }
  }
}
