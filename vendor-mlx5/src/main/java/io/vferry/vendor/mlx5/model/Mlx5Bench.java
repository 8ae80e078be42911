package io.vferry.vendor.mlx5.model;

import java.util.List;

/**
 * The test bench's hold on a card: what it was told, what it thinks of it, and what shall go wrong.
 * A capability of the card's functions; for tests and for people who look into a failure. Safe for
 * use by any number of threads.
 */
public interface Mlx5Bench {

  /**
   * A command that reached the card.
   *
   * @param name of the opcode, or its number
   * @param opMod its modifier
   * @param detail what else it says, for example {@code vhca=5 inc=1 chunk=0}
   * @param outcome {@code OK}, the name of a status with the reason, or {@code open}
   */
  record Command(String name, int opMod, String detail, String outcome) {
    @Override
    public String toString() {
      return "%s(%d)%s".formatted(name, opMod, detail.isEmpty() ? "" : " " + detail);
    }
  }

  /** A command in the record; its outcome comes later. */
  final class Entry {
    private final String name;
    private final int opMod;
    private final String detail;
    private String outcome = "open";

    Entry(String name, int opMod, String detail) {
      this.name = name;
      this.opMod = opMod;
      this.detail = detail;
    }

    void outcome(String what) {
      outcome = what;
    }

    Command command() {
      return new Command(name, opMod, detail, outcome);
    }
  }

  /** Returns the commands since the last {@link #forgetCommands}, at most the last 10000. */
  List<Command> commands();

  /** Forgets the record of commands. */
  void forgetCommands();

  /**
   * Adds faults to the plan; occurrences count from now on.
   *
   * @param script {@code COMMAND#occurrence@vhca:kind=value}, separated by commas, or the name of a
   *     plan
   * @throws IllegalArgumentException with a sentence for people
   */
  void inject(String script);

  /** Forgets all faults that are still to come. */
  void clearFaults();

  /** Takes the card off the bus: reads give ones, nothing completes any more. */
  void removeCard();

  /** Puts the card back, as after power on. */
  void restoreCard();

  /** Lets pages of a function's state change, as its guest's work would. */
  void change(int vf, int pages);

  /** Says that a function was reconfigured, so that its first image has to be sent anew. */
  void reconfigure(int vf);

  /** Writes to a function's memory as its DMA would; whether it was allowed to and arrived. */
  boolean write(int vf, long address, byte[] content);

  /** Returns a number for the content of a function's state; equal if, and only if, it is equal. */
  long fingerprint(int vf);

  /** Returns what a function would do: {@code running}, {@code initiator-suspended}... */
  String condition(int vf);

  /** Whether the changes of a function's state are tracked. */
  boolean tracked(int vf);

  /** Returns how many PDs, memory keys, CQs, QPs, trackers and EQs the host has not destroyed. */
  int objects();

  /** Returns how many pages the host has given and not taken back. */
  int pagesGiven();

  /** Returns what the host did that no firmware could live with; empty if nothing. */
  List<String> violations();

  /**
   * Asks the host for pages, or offers it some, by an event.
   *
   * @param function 0 for the physical one, else the number of the virtual one and 1
   * @param count of pages; negative to give back
   */
  void requestPages(int function, int count);
}
