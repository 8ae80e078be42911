package io.vferry.runtime.transport;

import io.vferry.runtime.error.RuntimeError;
import io.vferry.spi.error.MigrationException;
import io.vferry.spi.host.HostClock;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits on a destination for sessions over TCP. Strangers, wrong versions, slow or surplus
 * connections are dropped and do not disturb the session that comes about.
 */
public final class TransportListener implements AutoCloseable {

  /** Connections that may shake hands at a time; more push out the oldest. */
  private static final int MAX_CANDIDATES = 128;

  private static final long PAUSE_NANOS = 50_000_000;

  private final ServerSocketChannel server;
  private final InetSocketAddress address;
  private final TransportSettings settings;
  private final Handshake handshake;
  private final HostClock clock;
  private final ThreadFactory threads;
  private final long setupNanos;

  // All below under this object's monitor.
  private final Set<Candidate> candidates = new LinkedHashSet<>();
  private final Lobby lobby;
  private Lobby.@Nullable Complete complete;
  private long droppedConnections;
  private String lastDrop = "";
  private boolean closed;

  private TransportListener(
      ServerSocketChannel server,
      TransportSettings settings,
      Handshake handshake,
      HostClock clock,
      ThreadFactory threads)
      throws IOException {
    this.server = server;
    this.address = (InetSocketAddress) server.getLocalAddress();
    this.settings = settings;
    this.handshake = handshake;
    this.clock = clock;
    this.threads = threads;
    this.setupNanos = TimeUnit.MILLISECONDS.toNanos(settings.setupDeadlineMillis());
    this.lobby = new Lobby(settings.connections());
  }

  /**
   * Binds an address and begins to listen.
   *
   * @param address port 0 for any free one
   * @param threads makes the threads of the sessions: two, and one for each data connection; one
   *     for the listener; and short-lived ones for connections that shake hands
   * @throws MigrationException {@code TRANSPORT_BIND_FAILED} or {@code TRANSPORT_BAD_CREDENTIALS}
   */
  public static TransportListener bind(
      InetSocketAddress address,
      TransportSettings settings,
      Security security,
      HostClock clock,
      ThreadFactory threads)
      throws MigrationException {
    Handshake handshake = new Handshake(security);
    if (address.isUnresolved()) {
      throw new MigrationException(
          RuntimeError.TRANSPORT_BIND_FAILED, "the host name of " + address + " is not known");
    }
    ServerSocketChannel server = null;
    try {
      server = ServerSocketChannel.open();
      server.bind(address, MAX_CANDIDATES);
      TransportListener listener =
          new TransportListener(server, settings, handshake, clock, threads);
      Thread thread = threads.newThread(listener::listen);
      thread.setName("vferry-listener-" + listener.address.getPort());
      thread.start();
      return listener;
    } catch (IOException e) {
      closeQuietly(server);
      throw new MigrationException(
          RuntimeError.TRANSPORT_BIND_FAILED,
          "cannot listen on " + address + ": " + e.getMessage(),
          e);
    }
  }

  /** Returns the address that is really bound. */
  public InetSocketAddress address() {
    return address;
  }

  /**
   * Lets one session form before {@link #accept} is called for it, so that a source that comes
   * early is not told that this side is busy.
   */
  public synchronized void admitNext() {
    if (complete == null) {
      lobby.open();
    }
  }

  /**
   * Waits for one whole session: its control connection and all its data connections. One session
   * is formed before the first call and then one for each call; other sources are told that this
   * side is busy. One thread at a time.
   *
   * @param timeoutMillis how long to wait; 0 for ever
   * @throws MigrationException {@code DEADLINE_MISSED} if none came, with what was dropped
   *     meanwhile; {@code TRANSPORT_CLOSED} if the listener was closed
   */
  public DestinationSession accept(long timeoutMillis)
      throws MigrationException, InterruptedException {
    long startNanos = clock.nanoTime();
    long timeoutNanos = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    HostClock.Scheduled alarm =
        timeoutMillis == 0 ? () -> {} : clock.schedule(timeoutNanos, this::wake);
    try {
      Lobby.Complete session;
      synchronized (this) {
        admitNext();
        while (complete == null) {
          if (closed) {
            throw new MigrationException(
                RuntimeError.TRANSPORT_CLOSED, "the listener on " + address + " is closed");
          }
          if (timeoutMillis != 0 && clock.nanoTime() - startNanos >= timeoutNanos) {
            throw nobodyCame(timeoutMillis);
          }
          wait();
        }
        session = complete;
        complete = null;
      }
      return IncomingSession.start(
          session.links().get(0),
          session.links().subList(1, session.links().size()),
          settings,
          clock,
          threads);
    } finally {
      alarm.cancel();
    }
  }

  private synchronized MigrationException nobodyCame(long timeoutMillis) {
    String drops =
        droppedConnections == 0
            ? ""
            : "; %d connections were dropped, the last one because %s"
                .formatted(droppedConnections, lastDrop);
    return new MigrationException(
        RuntimeError.DEADLINE_MISSED,
        "no source came to %s within %d ms%s".formatted(address, timeoutMillis, drops));
  }

  private synchronized void wake() {
    notifyAll();
  }

  private void listen() {
    while (true) {
      try {
        admit(server.accept());
      } catch (IOException e) {
        if (!server.isOpen()) {
          return;
        }
        noteDrop("it could not be accepted: " + e.getMessage());
        try {
          // Out of handles, most likely; some come back when handshakes end.
          clock.sleep(PAUSE_NANOS);
        } catch (InterruptedException interrupted) {
          return;
        }
      }
    }
  }

  private void admit(SocketChannel channel) throws IOException {
    Candidate candidate = new Candidate(channel, (InetSocketAddress) channel.getRemoteAddress());
    Candidate oldest = null;
    synchronized (this) {
      if (closed) {
        closeQuietly(channel);
        return;
      }
      if (candidates.size() == MAX_CANDIDATES) {
        oldest = candidates.iterator().next();
        candidates.remove(oldest);
      }
      candidates.add(candidate);
    }
    if (oldest != null) {
      closeQuietly(oldest.channel);
    }
    Thread thread = threads.newThread(candidate::run);
    thread.setName("vferry-handshake-" + candidate.peer);
    thread.start();
  }

  private synchronized void noteDrop(String why) {
    droppedConnections++;
    lastDrop = why;
  }

  /** Stops listening; sessions that were accepted go on. Closing again does nothing. */
  @Override
  public void close() {
    Set<Candidate> open;
    Lobby.Complete unclaimed;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      open = Set.copyOf(candidates);
      unclaimed = complete;
      complete = null;
      lobby.dropAll();
      notifyAll();
    }
    closeQuietly(server);
    open.forEach(candidate -> closeQuietly(candidate.channel));
    if (unclaimed != null) {
      unclaimed.links().forEach(Link::close);
    }
    closeDropped();
  }

  private void closeDropped() {
    Iterable<Link> links;
    synchronized (this) {
      links = lobby.takeDropped();
    }
    links.forEach(Link::close);
  }

  private synchronized void drop(UUID session) {
    lobby.drop(session);
  }

  private static void closeQuietly(@Nullable Channel channel) {
    if (channel == null) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      System.getLogger(TransportListener.class.getName())
          .log(System.Logger.Level.DEBUG, "closing " + channel, e);
    }
  }

  /** A connection of which nothing is known yet. */
  private final class Candidate {
    private final SocketChannel channel;
    private final InetSocketAddress peer;

    private Candidate(SocketChannel channel, InetSocketAddress peer) {
      this.channel = channel;
      this.peer = peer;
    }

    private void run() {
      HostClock.Scheduled deadline = clock.schedule(setupNanos, () -> closeQuietly(channel));
      boolean admitted = false;
      try {
        admitted = shakeHands();
      } catch (IOException e) {
        noteDrop(
            "%s did not finish the handshake: %s"
                .formatted(peer, e.getMessage() == null ? "it took too long" : e.getMessage()));
      } finally {
        deadline.cancel();
        synchronized (TransportListener.this) {
          candidates.remove(this);
        }
        if (!admitted) {
          closeQuietly(channel);
        }
        closeDropped();
      }
    }

    private boolean shakeHands() throws IOException {
      Link link = handshake.open(channel, false, peer);
      Hello hello;
      Optional<String> refusal;
      try {
        hello = Hello.read(Handshake.read(link, Hello.BYTES));
      } catch (Hello.Unreadable e) {
        // Who does not know the protocol gets no answer in it.
        noteDrop(peer + ": " + e.getMessage());
        return false;
      }
      synchronized (TransportListener.this) {
        refusal = closed ? Optional.of("this side is closing") : lobby.claim(hello);
      }
      if (refusal.isPresent()) {
        noteDrop(peer + ": " + refusal.get());
        answer(link, refusal.get());
        link.shutdownOutput();
        return false;
      }
      if (hello.index() == 0) {
        clock.schedule(
            setupNanos,
            () -> {
              drop(hello.session());
              closeDropped();
            });
      }
      answer(link, "");
      synchronized (TransportListener.this) {
        Optional<Lobby.Complete> whole = lobby.seat(hello, link);
        if (whole.isPresent()) {
          if (complete != null || closed) {
            whole.get().links().forEach(Link::close);
          } else {
            complete = whole.get();
            TransportListener.this.notifyAll();
          }
        }
      }
      return true;
    }

    private void answer(Link link, String refusal) throws IOException {
      Hello.Answer answer =
          new Hello.Answer(
              Hello.VERSION, refusal.isEmpty(), settings.receiveWindowBytes(), refusal);
      Handshake.write(link, answer.encode());
    }
  }
}
