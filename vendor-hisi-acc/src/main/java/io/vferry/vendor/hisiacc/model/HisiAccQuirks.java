package io.vferry.vendor.hisiacc.model;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How a chip behaves where no public text says it, and how it misbehaves. Under the chip's lock;
 * set by tests.
 */
final class HisiAccQuirks {

  /** What becomes of doorbells that arrive while a function is paused. */
  enum PausedDoorbells {
    /** They count when the function goes on. */
    LATCHED,
    /** They are lost. */
    DROPPED,
    /** They count at once. */
    PROCESSED
  }

  /** What the pause does with tasks that were fetched. */
  enum FetchedTasks {
    /** It finishes them. */
    FINISHED,
    /** It puts those back of which nothing is to be seen in memory yet. */
    PUT_BACK
  }

  /** What becomes of the tasks of a queue that the guest has the device stop. */
  enum StoppedQueues {
    /** All that were handed out are done before the command ends. */
    DRAINED,
    /** Those that were fetched are done, the others never. */
    HALTED
  }

  /** What another function's mailbox traffic does to the shared words. */
  enum NeighbourTraffic {
    /** Nothing: there is none. */
    NONE,
    /** Its answers come between any two reads of this function. */
    BETWEEN_READS
  }

  // --- what nobody says -------------------------------------------------------------------------

  PausedDoorbells queueDoorbells = PausedDoorbells.LATCHED;
  PausedDoorbells eventDoorbells = PausedDoorbells.LATCHED;
  FetchedTasks fetchedTasks = FetchedTasks.FINISHED;

  StoppedQueues stoppedQueues = StoppedQueues.DRAINED;

  /** Whether it shows in the context of an event queue, and so travels, that it is armed. */
  boolean armedInContext = true;

  /** Whether any doorbell of a submission queue ends a pause, or only one with priority 1. */
  boolean anyDoorbellResumes;

  /** Whether a kick reads the context from memory even if it is in the cache. */
  boolean kickReadsMemory;

  /** Whether interrupts of tasks that end in a pause are held back, and lost. */
  boolean pauseHoldsInterrupts = true;

  /** Whether the write-back empties the cache as well. */
  boolean writeBackDropsCache = true;

  /** How long the cache is kept after a pause. */
  long cacheKeptNanos = 50_000_000;

  /** Whether the activity register says what it seems to. */
  boolean activityTold = true;

  // --- pauses -----------------------------------------------------------------------------------

  int drainPolls = 2;
  boolean drainNeverEnds;
  int drainStatus;

  /** Says that it has drained while one task is still on its way. */
  boolean drainLies;

  /** What happens when a pause has ended. */
  Optional<Runnable> afterPause = Optional.empty();

  int writeBackPolls = 1;
  boolean writeBackNeverEnds;

  // --- the mailbox ------------------------------------------------------------------------------

  /** How long commands take, by command. */
  final Map<Integer, Long> commandNanos = new HashMap<>();

  /** With which status commands end, by command. */
  final Map<Integer, Integer> commandStatus = new HashMap<>();

  /** How long the mailbox is busy with something else, in reads; below 0 for ever. */
  int foreignBusyReads;

  /** How many commands are swallowed. */
  int swallowedCommands;

  /** How many answers are replaced by another function's before they are read. */
  int replacedAnswers;

  NeighbourTraffic neighbour = NeighbourTraffic.NONE;

  // --- the physical function
  // ----------------------------------------------------------------------

  final HisiAccPending abnormal = new HisiAccPending();
  final HisiAccPending core = new HisiAccPending();
  long functionsWithBusErrors;
  boolean tableStuck;

  // --- messages between functions, of each virtual function
  // -----------------------------------------

  final HisiAccPending messageIn = new HisiAccPending();
  final HisiAccPending messageOut = new HisiAccPending();

  /** A doorbell of the guest that arrives in the middle of a reset. */
  boolean doorbellInReset;

  /** Whether each access is recorded. */
  boolean recording;
}
