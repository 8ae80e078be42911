package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.runtime.transport.ControlFrame.Kind;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Writes the control connection: messages in order, credit before them, a heartbeat when idle. */
final class ControlOutbox implements Loop, Stallable {

  private static final int MAX_QUEUED_MESSAGES = 256;
  private static final long MAX_QUEUED_BYTES = 4 << 20;
  private static final byte[] NOTHING = {};

  private final Link link;
  private final SessionFailure failure;
  private final Progress progress;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();
  private final Condition work = lock.newCondition();
  private final ArrayDeque<byte[]> messages = new ArrayDeque<>();
  private long queuedBytes;
  private long creditBytes;
  private boolean heartbeatDue;
  private boolean wroteSincePulse;
  private boolean ending;
  private byte @Nullable [] abort;
  private boolean last;
  private final ByteBuffer[] current = {ByteBuffer.allocate(0)};

  ControlOutbox(Link link, HostClock clock, SessionFailure failure) {
    this.link = link;
    this.failure = failure;
    this.progress = new Progress(clock);
    failure.whenSet(this::wakeAll);
  }

  /** Queues a message; waits while too many are queued. */
  void send(byte[] message) throws MigrationException, InterruptedException {
    if (message.length > ControlChannel.MAX_MESSAGE_BYTES) {
      throw new IllegalArgumentException(
          "a message of "
              + message.length
              + " bytes is longer than "
              + ControlChannel.MAX_MESSAGE_BYTES);
    }
    lock.lockInterruptibly();
    try {
      while (true) {
        failure.check();
        if (ending) {
          throw new MigrationException(
              RuntimeError.TRANSPORT_CLOSED, "the session with " + link.peer() + " is closed");
        }
        if (messages.isEmpty()
            || (messages.size() < MAX_QUEUED_MESSAGES
                && queuedBytes + message.length <= MAX_QUEUED_BYTES)) {
          messages.add(message);
          queuedBytes += message.length;
          work.signal();
          return;
        }
        room.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives credit back to the sender of chunks. Never waits. */
  void giveBack(long bytes) {
    lock.lock();
    try {
      creditBytes += bytes;
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Sends a heartbeat if nothing was written since the last pulse. Never waits. */
  void pulse() {
    lock.lock();
    try {
      heartbeatDue = !wroteSincePulse;
      wroteSincePulse = false;
      work.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more messages; says goodbye after what is queued. */
  void end() {
    lock.lock();
    try {
      ending = true;
    } finally {
      lock.unlock();
    }
    wakeAll();
  }

  /** Takes no more messages; says why the session failed, at once. */
  void abort(String why) {
    byte[] text = why.getBytes(StandardCharsets.UTF_8);
    lock.lock();
    try {
      ending = true;
      messages.clear();
      queuedBytes = 0;
      abort = text.length <= Kind.ABORT.mostBytes() ? text : NOTHING;
    } finally {
      lock.unlock();
    }
    wakeAll();
  }

  @Override
  public String name() {
    return "control-writer";
  }

  @Override
  public int doWork() throws IOException {
    if (!current[0].hasRemaining()) {
      if (last) {
        return FINISHED;
      }
      ByteBuffer next = next();
      if (next == null) {
        return 0;
      }
      current[0] = next;
      progress.expected();
    }
    long count = link.write(current, 0, 1);
    if (count > 0) {
      progress.expected();
    }
    if (!current[0].hasRemaining()) {
      progress.idle();
      if (last) {
        link.shutdownOutput();
        return FINISHED;
      }
    }
    return (int) count;
  }

  private @Nullable ByteBuffer next() {
    lock.lock();
    try {
      boolean due = heartbeatDue;
      ByteBuffer next = choose();
      boolean isHeartbeat = due && !heartbeatDue;
      wroteSincePulse |= next != null && !isHeartbeat;
      return next;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable ByteBuffer choose() {
    if (abort != null) {
      last = true;
      return ControlFrame.encode(Kind.ABORT, abort);
    }
    if (creditBytes > 0) {
      byte[] body = ByteBuffer.allocate(Long.BYTES).putLong(creditBytes).array();
      creditBytes = 0;
      return ControlFrame.encode(Kind.CREDIT, body);
    }
    byte[] message = messages.poll();
    if (message != null) {
      queuedBytes -= message.length;
      room.signalAll();
      return ControlFrame.encode(Kind.MESSAGE, message);
    }
    if (ending) {
      last = true;
      return ControlFrame.encode(Kind.GOODBYE, NOTHING);
    }
    if (heartbeatDue) {
      heartbeatDue = false;
      return ControlFrame.encode(Kind.HEARTBEAT, NOTHING);
    }
    return null;
  }

  @Override
  public void awaitWork() throws InterruptedException {
    if (current[0].hasRemaining()) {
      return;
    }
    lock.lock();
    try {
      while (messages.isEmpty() && creditBytes == 0 && !heartbeatDue && !ending && abort == null) {
        work.await();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void finished() {
    end();
  }

  private void wakeAll() {
    lock.lock();
    try {
      room.signalAll();
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long stalledNanos() {
    return progress.stalledNanos();
  }

  @Override
  public String stalledWhat() {
    return link.peer() + " does not read from the control connection";
  }
}
