package io.vferry.vendor.hisiacc.model;

import io.vferry.vendor.hisiacc.registers.HisiAccNumbers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The mailbox of a chip. Each function has a command of its own under way; the words in which
 * answers are found are one storage for all of them. Under the chip's lock.
 */
final class HisiAccMailboxModel {

  /** What another function got from its mailbox. */
  private static final int FOREIGN_WORD =
      HisiAccNumbers.COMMAND_CQC | 7 << HisiAccNumbers.MAILBOX_QUEUE_SHIFT;

  private static final long FOREIGN_DATA = 0xdeadbeef_0badf00dL;
  private static final int REFUSED = 1;

  private record Command(int word, long data, long readyNanos) {

    int code() {
      return word & HisiAccNumbers.MAILBOX_COMMAND_MASK;
    }

    boolean get() {
      return (word & HisiAccNumbers.MAILBOX_GET) != 0;
    }

    int queue() {
      return word >>> HisiAccNumbers.MAILBOX_QUEUE_SHIFT;
    }
  }

  private final HisiAccChip chip;
  private final Map<Integer, Command> underWay = new HashMap<>();
  private int answerWord;
  private long answerData;

  HisiAccMailboxModel(HisiAccChip chip) {
    this.chip = chip;
  }

  /** Forgets the command of a function. */
  void reset(HisiAccFunctionModel function) {
    underWay.remove(function.number());
  }

  /**
   * Reads a part of the 16 bytes in one access.
   *
   * @param offset from the start of the mailbox
   */
  ByteBuffer read(HisiAccFunctionModel function, int offset, int length) {
    settle(function, offset == 0);
    HisiAccQuirks quirks = function.quirks();
    int word = answerWord;
    long data = answerData;
    Command command = underWay.get(function.number());
    if (command != null) {
      word = command.word() | HisiAccNumbers.MAILBOX_BUSY;
    } else if (quirks.foreignBusyReads != 0) {
      if (quirks.foreignBusyReads > 0 && offset == 0) {
        quirks.foreignBusyReads--;
      }
      word = FOREIGN_WORD | HisiAccNumbers.MAILBOX_BUSY;
    }
    ByteBuffer words =
        ByteBuffer.allocate(HisiAccNumbers.MAILBOX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    words.putInt(word).putLong(data).putInt(0);
    if (quirks.neighbour == HisiAccQuirks.NeighbourTraffic.BETWEEN_READS) {
      answerWord = FOREIGN_WORD;
      answerData = FOREIGN_DATA;
    }
    return words.slice(offset, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Writes a part of the 16 bytes; only a write of all of them is a command. */
  void write(HisiAccFunctionModel function, int offset, ByteBuffer words) {
    if (offset != 0 || words.remaining() != HisiAccNumbers.MAILBOX_BYTES) {
      function.violation(
          "a write of %d bytes into the mailbox, which takes 16 at once"
              .formatted(words.remaining()));
      return;
    }
    settle(function, false);
    ByteBuffer in = words.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int word = in.getInt(in.position());
    long data = in.getLong(in.position() + Integer.BYTES);
    HisiAccQuirks quirks = function.quirks();
    if (quirks.swallowedCommands > 0) {
      quirks.swallowedCommands--;
      return;
    }
    if ((word & HisiAccNumbers.MAILBOX_BUSY) == 0) {
      function.violation("a mailbox command without the busy bit");
    }
    if (underWay.containsKey(function.number()) || quirks.foreignBusyReads != 0) {
      function.violation("a mailbox command while another is under way");
      return;
    }
    int clean = word & ~HisiAccNumbers.MAILBOX_BUSY;
    long nanos = quirks.commandNanos.getOrDefault(clean & HisiAccNumbers.MAILBOX_COMMAND_MASK, 0L);
    Command command = new Command(clean, data, chip.now() + nanos);
    underWay.put(function.number(), command);
    begin(function, command);
    chip.work();
  }

  private void begin(HisiAccFunctionModel function, Command command) {
    if (command.code() == HisiAccNumbers.COMMAND_PAUSE) {
      function.beginPause();
    }
    stops(function, command).forEach(HisiAccQueue::beginStop);
  }

  private boolean stopsEnded(HisiAccFunctionModel function, Command command) {
    return stops(function, command).stream().allMatch(HisiAccQueue::stopEnded);
  }

  /** Returns the queues that a command stops. */
  private List<HisiAccQueue> stops(HisiAccFunctionModel function, Command command) {
    int capabilities = chip.settings().capabilities();
    if (command.get()) {
      return List.of();
    }
    return switch (command.code()) {
      case HisiAccNumbers.COMMAND_STOP_QUEUE ->
          (capabilities & HisiAccNumbers.CAPABILITY_STOP_QUEUE) != 0
                  && command.queue() < function.queues().size()
              ? List.of(function.queues().get(command.queue()))
              : List.of();
      case HisiAccNumbers.COMMAND_FLUSH ->
          (capabilities & HisiAccNumbers.CAPABILITY_FLUSH) != 0 ? function.queues() : List.of();
      default -> List.of();
    };
  }

  /**
   * Ends what has ended.
   *
   * @param polled whether the function looks
   */
  void settle(HisiAccFunctionModel function, boolean polled) {
    Command command = underWay.get(function.number());
    if (command == null || chip.now() < command.readyNanos()) {
      return;
    }
    boolean pause = command.code() == HisiAccNumbers.COMMAND_PAUSE;
    if (pause ? !function.pauseEnded(polled) : !stopsEnded(function, command)) {
      return;
    }
    underWay.remove(function.number());
    HisiAccQuirks quirks = function.quirks();
    int status = quirks.commandStatus.getOrDefault(command.code(), 0);
    if (pause) {
      function.endPause();
      status = status != 0 ? status : quirks.drainStatus;
    }
    @Nullable Long data = status == 0 || pause ? execute(function, command) : Long.valueOf(0);
    if (data == null) {
      status = REFUSED;
    }
    answerWord = command.word() | status << HisiAccNumbers.MAILBOX_STATUS_SHIFT;
    answerData = data == null ? 0 : data;
    if (quirks.replacedAnswers > 0) {
      quirks.replacedAnswers--;
      answerWord = FOREIGN_WORD;
      answerData = FOREIGN_DATA;
    }
    if (pause) {
      quirks.afterPause.ifPresent(Runnable::run);
    }
  }

  /** Performs a command; returns what it gives, or null if it is refused. */
  private @Nullable Long execute(HisiAccFunctionModel function, Command command) {
    switch (command.code()) {
      case HisiAccNumbers.COMMAND_SQC, HisiAccNumbers.COMMAND_CQC -> {
        if (command.queue() >= function.queues().size()) {
          return null;
        }
        boolean done =
            command.get()
                ? function.getContext(command.code(), command.queue(), command.data())
                : function.setContext(command.code(), command.queue(), command.data());
        return done ? command.data() : null;
      }
      case HisiAccNumbers.COMMAND_EQC, HisiAccNumbers.COMMAND_AEQC -> {
        boolean done =
            command.get()
                ? function.getContext(command.code(), 0, command.data())
                : function.setContext(command.code(), 0, command.data());
        return done ? command.data() : null;
      }
      case HisiAccNumbers.COMMAND_SQC_BT -> {
        if (command.get()) {
          return function.sqcArray();
        }
        function.setSqcArray(command.data());
        return command.data();
      }
      case HisiAccNumbers.COMMAND_CQC_BT -> {
        if (command.get()) {
          return function.cqcArray();
        }
        function.setCqcArray(command.data());
        return command.data();
      }
      case HisiAccNumbers.COMMAND_VFT -> {
        return command.get() ? Long.valueOf(chip.queueTable(function.number())) : null;
      }
      case HisiAccNumbers.COMMAND_STOP_QUEUE, HisiAccNumbers.COMMAND_FLUSH -> {
        List<HisiAccQueue> stopped = stops(function, command);
        stopped.forEach(HisiAccQueue::endStop);
        return stopped.isEmpty() ? null : Long.valueOf(0);
      }
      case HisiAccNumbers.COMMAND_SEND -> {
        boolean sent =
            !command.get()
                && chip.messages().send(function.number(), command.queue(), command.data());
        return sent ? Long.valueOf(0) : null;
      }
      case HisiAccNumbers.COMMAND_RECEIVE -> {
        return command.get() ? chip.messages().receive(function.number(), command.queue()) : null;
      }
      case HisiAccNumbers.COMMAND_PAUSE -> {
        return 0L;
      }
      default -> {
        return null;
      }
    }
  }
}
